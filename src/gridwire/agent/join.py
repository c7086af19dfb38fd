"""Joining: an invitation in hand, this host becomes the node that it names.

    token ──► own key saved ──► guard ──► tunnel with the ephemeral key ──redeem──► tunnel with the own key
          ──confirm──► credential and identity saved ──► first spec saved

Lost at any step and run again, the node ends in or out, never half: whatever was saved is used again, and where
there is an own key it is tried *first*. Calling with the ephemeral key after it was redeemed looks to the gateway
like a stolen invitation, so that is done only where the own key got no handshake.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_network
from typing import Protocol, TypeVar

from gridwire.adapters.control_api import Away
from gridwire.agent.join_causes import REDEEMED, Counted, likely_cause
from gridwire.core.admission import check_spec
from gridwire.core.enrollment import GatewayContact, Token
from gridwire.core.errors import Conflict, GridwireError, Invalid, NotFinished, Unavailable
from gridwire.core.fleet import NodeState, Role
from gridwire.core.guard import GuardSpec
from gridwire.core.joined import JoinedAs
from gridwire.core.proxy import ProxySpec
from gridwire.core.spec import NamesSpec, NodeSpec
from gridwire.core.wireguard import KEEPALIVE_SECONDS, MeshSpec, Peer, PeerSeen, PublicKey
from gridwire.protocol.enrolment import Confirmed

T = TypeVar("T")

PATIENCE = 60.0  # seconds, the whole of it
OWN_KEY_PATIENCE = 6.0  # seconds for a handshake with a key that may have been redeemed in an earlier try
TAKEN_PATIENCE = 15.0  # seconds, where the invitation's key shakes hands and carries nothing
ANSWER_LOST = 5.0  # seconds after a handshake without an answer to a redemption
FIRST_SPEC_PATIENCE = 10.0  # seconds
FIRST_TRY = 0.4  # seconds for one request; each next one gets half as much again
LONGEST_TRY = 5.0
FIRST_NUDGE = 0.15  # seconds from one handshake to the next
LONGEST_NUDGE = 5.0
SAY_AFTER = 8.0  # seconds without an answer, then say what is seen


class Tunnel(Protocol):
    """The mesh device of this host."""

    def up(self, private_key: str, spec: MeshSpec) -> None: ...

    def seen(self) -> tuple[PeerSeen, ...]: ...

    def down(self) -> None: ...


class Gateway(Protocol):
    """Control as a newcomer reaches it through the tunnel.

    No answer is Unavailable, and where not even its port answered Away that is silent; "not yet" is NotFinished.
    """

    def redeem(self, key: PublicKey) -> object: ...

    def confirm(self) -> Confirmed: ...

    def spec(self, credential: str) -> NodeSpec: ...


class Saved(Protocol):
    @property
    def spec(self) -> NodeSpec | None: ...


class State(Protocol):
    """What outlives the process (agent.state_dir.AgentState)."""

    def load_key(self) -> str | None: ...

    def save_key(self, private: str) -> None: ...

    def load_credential(self) -> str | None: ...

    def save_credential(self, text: str) -> None: ...

    def load_identity(self) -> JoinedAs | None: ...

    def save_identity(self, identity: JoinedAs) -> None: ...

    def save_spec(self, spec: NodeSpec) -> object: ...

    def load_spec(self) -> Saved: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """All of the host that joining touches.

    ``call`` takes a gateway and how many seconds it has for an answer; ``wait`` sleeps seconds; ``elapsed`` is a
    monotonic clock.
    """

    state: State
    tunnel: Tunnel
    call: Callable[[GatewayContact, float], Gateway]
    load_guard: Callable[[NodeSpec], object]
    new_key: Callable[[], str]
    public_of: Callable[[str], PublicKey]
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    wait: Callable[[float], None]
    say: Callable[[str], None]


def check_token(token: Token, now: datetime, field: str = "token") -> None:
    """Raise Invalid for a token that is no use any more or never was."""
    if token.expires <= now:
        raise Invalid(
            field,
            f"it expired at {token.expires:%Y-%m-%d %H:%M:%S} UTC; this host's clock says {now:%Y-%m-%d %H:%M:%S} UTC",
            fix="ask for a new one, or set the clock right",
        )
    if token.role not in set(Role):
        raise Invalid(field, f"it is for a role {token.role!r} that this version does not know", fix="upgrade gridwire")
    if token.role == Role.GATEWAY:
        raise Invalid(field, "it is for a gateway, which does not join", fix="run `gridwire init` there")


def identity_of(token: Token, *, no_hosts: bool) -> JoinedAs:
    return JoinedAs(
        node=token.node,
        role=Role(token.role),
        address=token.address,
        prefix=token.prefix,
        interface=token.interface,
        suffix=token.suffix,
        gateways=token.gateways,
        api_port=token.api_port,
        enrol_port=token.enrol_port,
        routes_port=token.routes_port,
        edge_port=token.edge_port,
        mtu=token.mtu,
        no_hosts=no_hosts,
    )


def mesh_of(token: Token) -> MeshSpec:
    return MeshSpec(
        interface=token.interface,
        address=token.address,
        prefix=token.prefix,
        listen_port=0,
        mtu=token.mtu,
        peers=tuple(
            sorted(
                (
                    Peer(
                        node=gateway.node,
                        public_key=gateway.public_key,
                        allowed_ips=(ip_network(f"{gateway.address}/{gateway.address.max_prefixlen}"),),
                        endpoint=gateway.endpoint,
                        keepalive=KEEPALIVE_SECONDS,
                    )
                    for gateway in token.gateways
                    if gateway.public_key is not None
                ),
                key=lambda peer: peer.public_key,
            )
        ),
    )


def newcomer_spec(token: Token) -> NodeSpec:
    """What a node is before control says what it is: a guard that lets nobody in, and a tunnel to the gateways.

    Until it has confirmed, whoever sends from this host is the newcomer: of its users, only root may call.
    """
    return NodeSpec(
        epoch=0,
        revision=0,
        node=token.node,
        role=Role(token.role),
        mesh=mesh_of(token),
        guard=GuardSpec(
            interface=token.interface,
            prefix=token.prefix,
            address=token.address,
            listen_port=0,
            openings=(),
            root_only_ports=(token.enrol_port, token.api_port),
        ),
        proxy=ProxySpec(),
        names=NamesSpec(suffix=token.suffix),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """``state``: what control made of the node; none where it was in before, and was not asked."""

    identity: JoinedAs
    state: NodeState | None = None


class Join:
    """One run of ``gridwire join``."""

    def __init__(self, token: Token, host: Host, *, no_hosts: bool = False, patience: float = PATIENCE) -> None:
        self._token = token
        self._host = host
        self._no_hosts = no_hosts
        self._patience = patience
        self._mesh = mesh_of(token)
        self._began = host.elapsed()
        self._nudged = self._began
        self._pause = FIRST_NUDGE
        self._said = False
        self._met: float | None = None  # when the invitation's key first shook hands
        self._counted = Counted()  # of the peers before those that the device has
        self._key = ""

    def run(self) -> Joined:
        """Join, or finish an earlier try; gives the identity that was saved.

        Raise Invalid (the token), Conflict (this host is a node already, or the invitation is another's),
        Unavailable (no answer), NotFinished (redeemed, but not confirmed).
        """
        state = self._host.state
        known = state.load_identity()
        if known is not None and state.load_credential() is not None:
            if known.address != self._token.address:
                raise Conflict(
                    f"this host is the node {known.node} already",
                    fix="`gridwire join --anew` sets its key and identity aside and joins as another",
                )
            private = state.load_key()
            if private is not None:
                if state.load_spec().spec is None:  # else it runs, and its guard and tunnel are left alone
                    self._begin(private)
                    self._use(private)
                    self._finish()
                return Joined(identity=known)
        check_token(self._token, self._host.now())
        earlier = state.load_key()
        private = earlier
        if private is None:
            private = self._host.new_key()
            state.save_key(private)
        self._begin(private)
        confirmed = self._confirmed(private, tried_before=earlier is not None)
        # A replacement is invited under a name of its own, and confirmed under the one that it takes over.
        identity = replace(identity_of(self._token, no_hosts=self._no_hosts), node=confirmed.node)
        # Identity last: it says that all the rest is there.
        state.save_credential(confirmed.credential)
        state.save_identity(identity)
        self._finish()
        return Joined(identity=identity, state=confirmed.state)

    def _begin(self, private: str) -> None:
        self._began = self._host.elapsed()
        self._host.load_guard(newcomer_spec(self._token))
        self._key = private

    def _confirmed(self, private: str, *, tried_before: bool) -> Confirmed:
        until = self._began + self._patience
        redeemed = False
        if tried_before:
            self._use(private)
            redeemed = self._handshake(self._host.elapsed() + OWN_KEY_PATIENCE)
        while self._host.elapsed() < until:
            if redeemed:
                confirmed = self._ask(lambda gateway: gateway.confirm(), until)
                if confirmed is not None:
                    return confirmed
            else:
                self._use(self._token.ephemeral_private_key)
                redeemed = self._redeem(self._host.public_of(private), until)
                self._use(private)
                # No answer: the question may have been lost, or the answer. The own key tells.
                redeemed = redeemed or self._handshake(self._host.elapsed() + OWN_KEY_PATIENCE)
        raise self._unanswered(redeemed)

    def _redeem(self, key: PublicKey, until: float) -> bool:
        def ask(gateway: Gateway) -> bool:
            gateway.redeem(key)
            return True

        return bool(self._ask(ask, until, after_handshake=ANSWER_LOST))

    def _ask(self, request: Callable[[Gateway], T], until: float, *, after_handshake: float | None = None) -> T | None:
        """The first answer of any gateway; none where it did not come in time.

        ``after_handshake``: seconds from the first handshake seen after which to give up.
        """
        patience = FIRST_TRY
        while self._host.elapsed() < until:
            if not self._watch():
                continue
            if after_handshake is not None:
                until = min(until, self._host.elapsed() + after_handshake)
                after_handshake = None
            for contact in self._token.gateways:
                try:
                    return request(self._host.call(contact, patience))
                except (NotFinished, Unavailable) as error:
                    self._hear(error)
            patience = min(patience * 1.5, LONGEST_TRY)
        return None

    def _handshake(self, until: float) -> bool:
        """Whether a gateway knows the key that the device has."""
        while self._host.elapsed() < until:
            if self._watch():
                return True
        return False

    def _use(self, private: str) -> None:
        """Bring the device up with this key, and shake hands at once."""
        self._pause = FIRST_NUDGE
        self._shake(private)

    def _shake(self, private: str) -> None:
        """Peers made anew begin a handshake; by itself WireGuard waits REKEY_TIMEOUT, 5 s, for the next."""
        self._counted = self._so_far(self._host.tunnel.seen())
        self._key = private
        self._host.tunnel.up(private, replace(self._mesh, peers=()))
        try:
            self._host.tunnel.up(private, self._mesh)
        except Unavailable as error:
            if error.code != "unresolved":
                raise
            fix = "check DNS on this host, then run `gridwire join` again"
            raise Unavailable(f"the gateway's endpoint: {error.what}", fix=fix, code=error.code) from None
        self._nudged = self._host.elapsed()

    def _watch(self) -> bool:
        """Between two tries: whether there was a handshake; if not, start another; say once what is seen."""
        self._host.wait(0.02)
        seen = self._host.tunnel.seen()
        elapsed = self._host.elapsed()
        shaken = any(peer.latest_handshake is not None for peer in seen)
        if shaken and self._met is None and self._invited:
            self._met = elapsed
        if self._met is not None and elapsed - self._met >= TAKEN_PATIENCE and self._so_far(seen).taken:
            raise Invalid("token", f"it is used up: {REDEEMED}", fix="ask for a new one", code="redeemed")
        if not shaken and elapsed - self._nudged >= self._pause:
            # Longer each time: one that comes before the answer to the last would never let it arrive.
            self._pause = min(self._pause * 1.5, LONGEST_NUDGE)
            self._shake(self._key)
        if not self._said and elapsed - self._began >= SAY_AFTER:
            self._said = True
            self._host.say(f"no answer yet: {self._cause()}")
        return shaken

    @property
    def _invited(self) -> bool:
        """Whether the device has the invitation's key."""
        return self._key == self._token.ephemeral_private_key

    def _hear(self, error: GridwireError) -> None:
        if isinstance(error, Away) and error.silent:
            self._counted = replace(self._counted, silences=self._counted.silences + 1)
        else:
            self._counted = replace(self._counted, answered=True)

    def _so_far(self, seen: tuple[PeerSeen, ...]) -> Counted:
        """A handshake with either key tells more than the silence of the other, so the last one is kept."""
        return self._counted.and_then(seen, invited=self._invited)

    def _cause(self) -> str:
        endpoints = tuple(gateway.endpoint for gateway in self._token.gateways)
        return likely_cause(self._so_far(self._host.tunnel.seen()), endpoints, self._host.now())

    def _unanswered(self, redeemed: bool) -> Exception:
        cause = self._cause()
        if redeemed:
            return NotFinished(
                f"the gateway took the key, but did not confirm it within {self._patience:.0f} s; {cause}",
                fix="run `gridwire join` again with the same token, without --anew: it goes on from here",
            )
        return Unavailable(f"no gateway answered within {self._patience:.0f} s; {cause}", fix="then run it again")

    def _finish(self) -> None:
        """Fetch the first spec. Not having it is no failure: the agent asks again for as long as it takes."""
        credential, identity = self._host.state.load_credential(), self._host.state.load_identity()
        if credential is None or identity is None:
            return
        spec = self._ask(lambda gateway: gateway.spec(credential), self._host.elapsed() + FIRST_SPEC_PATIENCE)
        if spec is None:
            self._host.say("joined; the first spec did not arrive yet, the agent will ask for it")
            return
        try:
            check_spec(spec, identity, (0, 0))
        except Invalid as error:
            self._host.say(f"joined; the first spec is not for this node, and was not saved: {error}")
        else:
            self._host.state.save_spec(spec)
