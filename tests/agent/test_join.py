"""Joining, interrupted at every point and run again: the node ends in or out, never half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from itertools import count

import pytest

from gridwire.adapters.control_api import Away
from gridwire.agent.join import Host, Join, check_token, identity_of, newcomer_spec
from gridwire.agent.join_causes import Counted, likely_cause
from gridwire.core.enrollment import GatewayContact, Token
from gridwire.core.errors import Conflict, Invalid, NotFinished, Unavailable
from gridwire.core.fleet import NodeState, Role
from gridwire.core.joined import JoinedAs, first_spec
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.spec import NodeSpec
from gridwire.core.wireguard import MeshSpec, PeerSeen, PublicKey
from gridwire.protocol.enrolment import Confirmed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GATEWAY = PublicKey("GWgwGWgwGWgwGWgwGWgwGWgwGWgwGWgwGWgwGWgwGWg=")
EPHEMERAL = "EPHEMERAL"


class Killed(BaseException):
    """kill -9: nothing after it is run."""


def token(**changes: object) -> Token:
    whole = Token(
        node=NodeName("home-1"),
        role="edge",
        address=ip_address("10.85.1.0"),
        prefix=ip_network("10.85.0.0/16"),
        interface=Interface("gw0"),
        suffix=HostName("grid"),
        enrol_port=2087,
        api_port=2086,
        routes_port=8080,
        edge_port=3085,
        mtu=1420,
        expires=NOW + timedelta(hours=1),
        ephemeral_private_key=EPHEMERAL,
        gateways=(
            GatewayContact(
                node=NodeName("gw"), public_key=GATEWAY, endpoint="203.0.113.7:51820", address=ip_address("10.85.0.1")
            ),
        ),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class SavedSpec:
    spec: NodeSpec | None


@dataclass
class World:
    """Disk, device, gateway and control in memory. ``kill_at``: which event does not return; ``seconds``: a clock."""

    kill_at: int = -1
    kill_after: bool = False  # whether the event happened before the process died of it
    gateway_up: bool = True
    control_up: bool = True
    lost_answers: int = 0  # how many answers of redeem never arrive
    apply_after: float = 0.3  # seconds from a redemption until the gateway's device knows the key
    refuses: Exception | None = None
    approval: bool = False
    unresolved: bool = False
    ephemeral_forgotten_after: float = 1e9  # seconds: the gateway drops the key of a leaked invitation

    events: Iterator[int] = field(default_factory=count)
    seconds: float = 0.0
    disk: dict[str, object] = field(default_factory=dict)
    device_key: str | None = None
    shaken: bool = False
    sent: int = 0
    redeemed: tuple[str, float] | None = None
    issued: list[str] = field(default_factory=list)
    ephemeral_after_redemption: bool = False
    guard: NodeSpec | None = None
    unguarded: bool = False
    said: list[str] = field(default_factory=list)

    # --- the host

    def host(self) -> Host:
        return Host(
            state=self,
            tunnel=self,
            call=lambda _, patience: Asked(self, patience),
            load_guard=self.load_guard,
            new_key=lambda: f"OWN-{next(KEYS)}",
            public_of=lambda private: PublicKey(f"public of {private}"),
            now=lambda: NOW + timedelta(seconds=self.seconds),
            elapsed=lambda: self.seconds,
            wait=self.wait,
            say=self.said.append,
        )

    def event(self, happen: Callable[[], None]) -> None:
        number = next(self.events)
        if number == self.kill_at and not self.kill_after:
            raise Killed
        happen()
        if number == self.kill_at:
            raise Killed

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def _set(self, name: str, value: object) -> None:
        self.event(lambda: self.disk.__setitem__(name, value))

    def load_guard(self, spec: NodeSpec) -> None:
        self.event(lambda: setattr(self, "guard", spec))

    # --- the state directory

    def load_key(self) -> str | None:
        return self.disk.get("key")  # type: ignore[return-value]

    def save_key(self, private: str) -> None:
        assert self.device_key is None, "the key is saved before it is used"
        self._set("key", private)

    def load_credential(self) -> str | None:
        return self.disk.get("credential")  # type: ignore[return-value]

    def save_credential(self, text: str) -> None:
        self._set("credential", text)

    def load_identity(self) -> JoinedAs | None:
        return self.disk.get("identity")  # type: ignore[return-value]

    def save_identity(self, identity: JoinedAs) -> None:
        self._set("identity", identity)

    def save_spec(self, spec: NodeSpec) -> None:
        self._set("spec", spec)

    def load_spec(self) -> SavedSpec:
        return SavedSpec(self.disk.get("spec"))  # type: ignore[arg-type]

    # --- the device

    def up(self, private_key: str, spec: MeshSpec) -> None:
        self.unguarded = self.unguarded or self.guard is None

        def happen() -> None:
            self.device_key, self.shaken = private_key, False
            if spec.peers:
                if self.unresolved:
                    raise Unavailable("gw.example.com does not resolve", fix="it is tried again", code="unresolved")
                self.sent += 148
                self.shake()

        self.event(happen)

    def shake(self) -> None:
        if not self.gateway_up:
            return
        if self.redeemed is None:
            self.shaken = self.device_key == EPHEMERAL
        elif self.device_key == EPHEMERAL:
            self.ephemeral_after_redemption = True
            self.shaken = self.seconds < self.ephemeral_forgotten_after
        else:
            key, at = self.redeemed
            self.shaken = self.device_key == key and self.seconds >= at + self.apply_after

    def seen(self) -> tuple[PeerSeen, ...]:
        at = NOW + timedelta(seconds=self.seconds)
        return (
            PeerSeen(
                public_key=GATEWAY,
                endpoint="203.0.113.7:51820",
                allowed_ips=(ip_network("10.85.0.1/32"),),
                latest_handshake=at if self.shaken else None,
                received_bytes=92 if self.shaken else 0,
                sent_bytes=148 if self.device_key is not None else 0,
                keepalive=15,
            ),
        )

    def down(self) -> None:
        self.device_key = None

    def reboot(self) -> None:
        """What a killed process leaves: the disk and the far side."""
        self.device_key, self.shaken, self.guard, self.kill_at = None, False, None, -1


KEYS = count(1)


@dataclass(frozen=True)
class Asked:
    world: World
    patience: float

    def _reached(self, *, own: bool) -> bool:
        """Whether a request gets through: the address is the own key's as soon as that is redeemed."""
        world = self.world
        right = world.redeemed is not None if own else world.redeemed is None
        if world.gateway_up and world.control_up and world.shaken and right and (world.device_key != EPHEMERAL) == own:
            world.seconds += 0.01
            return True
        world.seconds += self.patience
        return False

    def _unanswered(self) -> Unavailable:
        """A device whose key has no address at the gateway is not even refused."""
        key = None if self.world.redeemed is None else self.world.redeemed[0]
        carried = self.world.shaken and self.world.device_key == (key or EPHEMERAL)
        return Away("no answer", sent=carried, silent=not carried)

    def redeem(self, key: PublicKey) -> object:
        world = self.world
        if not self._reached(own=False):
            raise self._unanswered()
        if world.refuses is not None:
            raise world.refuses
        world.event(lambda: setattr(world, "redeemed", (str(key).removeprefix("public of "), world.seconds)))
        if world.lost_answers:
            world.lost_answers -= 1
            world.seconds += self.patience
            raise Unavailable("the answer was lost")
        return object()

    def confirm(self) -> Confirmed:
        world = self.world
        if not self._reached(own=True):
            raise self._unanswered()
        assert "used" not in world.disk, "a credential that was used is not replaced"
        world.event(lambda: world.issued.append(f"credential-{len(world.issued)}"))
        return Confirmed(
            node=NodeName("home-1"),
            role=Role.EDGE,
            state=NodeState.PENDING if world.approval else NodeState.ACTIVE,
            credential=world.issued[-1],
        )

    def spec(self, credential: str) -> NodeSpec:
        world = self.world
        if not self._reached(own=True):
            raise self._unanswered()
        assert credential == world.issued[-1], "only the last credential is good"
        world.disk["used"] = True
        assert world.guard is not None
        return world.guard


def join(world: World, invitation: Token | None = None) -> JoinedAs:
    return Join(invitation or token(), world.host(), patience=30).run().identity


def is_in(world: World) -> bool:
    return (
        world.redeemed is not None
        and world.disk.get("key") == world.redeemed[0]
        and bool(world.issued)
        and world.disk.get("credential") == world.issued[-1]
        and isinstance(world.disk.get("identity"), JoinedAs)
        and world.disk.get("spec") is not None
    )


def test_a_newcomer_ends_with_its_own_key_credential_identity_and_spec() -> None:
    world = World()
    identity = join(world)
    assert is_in(world)
    assert identity == identity_of(token(), no_hosts=False)
    assert not world.unguarded
    assert world.guard is not None
    assert world.guard.guard.openings == ()
    assert world.seconds < 2


def test_until_the_credential_was_used_the_guard_is_that_of_a_newcomer() -> None:
    world = World()
    identity = join(world)
    waiting = first_spec(identity).guard
    assert waiting.root_only_ports == (2086, 2087)
    assert waiting == newcomer_spec(token()).guard


def events_of_a_whole_join() -> int:
    world = World()
    join(world)
    return next(world.events)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kill_at", range(events_of_a_whole_join()))
def test_killed_at_any_point_and_run_again_it_is_in(kill_at: int, after: bool) -> None:
    world = World(kill_at=kill_at, kill_after=after)
    with pytest.raises(Killed):
        join(world)
    half = world.disk.get("identity") is not None and world.disk.get("credential") is None
    assert not half
    world.reboot()
    join(world)
    assert is_in(world)
    assert not world.ephemeral_after_redemption, "the gateway would take it for a stolen invitation"


def test_an_answer_that_was_lost_is_found_again_with_the_own_key() -> None:
    world = World(lost_answers=1)
    join(world)
    assert is_in(world)
    assert not world.ephemeral_after_redemption


def test_a_gateway_that_is_slow_to_take_the_key_is_waited_for() -> None:
    world = World(apply_after=5)
    join(world)
    assert is_in(world)
    assert not world.ephemeral_after_redemption


def test_without_an_answer_the_cause_is_said_within_ten_seconds() -> None:
    world = World(gateway_up=False)
    with pytest.raises(Unavailable, match="none came back"):
        join(world)
    assert len(world.said) == 1
    assert "UDP" in world.said[0]
    assert world.disk.keys() == {"key"}


def test_said_when() -> None:
    world = World(gateway_up=False)
    when: list[float] = []
    host = replace(world.host(), say=lambda _: when.append(world.seconds))
    with pytest.raises(Unavailable):
        Join(token(), host, patience=30).run()
    assert when[0] <= 15


def test_a_tunnel_without_control_behind_it_is_told_from_a_blocked_port() -> None:
    world = World(control_up=False)
    with pytest.raises(Unavailable, match="the tunnel stands"):
        join(world)


@pytest.mark.parametrize("forgotten", [1e9, 3.0], ids=["known", "quarantined"])
def test_an_invitation_that_another_host_redeemed_is_told_apart_and_given_up(forgotten: float) -> None:
    world = World(redeemed=("ANOTHER", 0.0), ephemeral_forgotten_after=forgotten)
    when: list[tuple[float, str]] = []
    host = replace(world.host(), say=lambda text: when.append((world.seconds, text)))
    with pytest.raises(Invalid, match=r"another host has redeemed it.*leaked") as caught:
        Join(token(), host, patience=60).run()
    assert caught.value.field == "token"
    assert world.seconds < 20
    [(said_at, said)] = when
    assert said_at < 12
    assert "another host has redeemed it" in said


def test_a_tunnel_that_opens_late_is_no_used_up_invitation() -> None:
    world = World(gateway_up=False)
    host = world.host()

    def wait(seconds: float) -> None:
        world.wait(seconds)
        world.gateway_up = world.seconds > 20

    joined = Join(token(), replace(host, wait=wait), patience=60).run()
    assert joined.state is NodeState.ACTIVE


def test_a_node_that_has_to_be_approved_knows_that_it_waits() -> None:
    world = World(approval=True)
    assert Join(token(), world.host(), patience=30).run().state is NodeState.PENDING


def test_what_was_sent_before_the_peers_were_made_anew_is_counted() -> None:
    world = World(gateway_up=False)
    with pytest.raises(Unavailable, match="none came back") as caught:
        join(world)
    assert f"{world.sent // 148} packets sent to 203.0.113.7:51820" in str(caught.value)
    assert world.sent > 10 * 148
    assert "the token's gateway key is not this gateway's" in str(caught.value)


def test_an_endpoint_that_does_not_resolve_is_told_with_what_to_do() -> None:
    world = World(unresolved=True)
    with pytest.raises(Unavailable, match=r"the gateway.s endpoint: gw\.example\.com does not resolve") as caught:
        join(world)
    assert caught.value.fix == "check DNS on this host, then run `gridwire join` again"


def test_one_packet_is_one_packet() -> None:
    said = likely_cause(Counted(sent=148), ("203.0.113.7:51820",), NOW)
    assert said.startswith("1 packet sent to 203.0.113.7:51820, none came back")


def test_redeemed_and_not_confirmed_is_not_finished_and_goes_on_later() -> None:
    world = World(apply_after=1000)
    with pytest.raises(NotFinished, match="again"):
        join(world)
    world.apply_after = 0
    join(world)
    assert is_in(world)


def test_a_refusal_is_passed_on_and_nothing_but_the_key_is_kept() -> None:
    world = World(refuses=Conflict("the invitation was redeemed with another key"))
    with pytest.raises(Conflict, match="another key"):
        join(world)
    assert world.disk.keys() == {"key"}


def test_a_node_that_is_in_is_left_alone_by_the_same_token() -> None:
    world = World()
    join(world)
    world.guard, world.device_key = None, "running"
    assert join(world).node == "home-1"
    assert world.guard is None
    assert world.device_key == "running"


def test_a_host_that_is_another_node_refuses() -> None:
    world = World()
    join(world)
    with pytest.raises(Conflict, match="home-1 already"):
        join(world, token(node=NodeName("home-2"), address=ip_address("10.85.1.1")))


def test_an_expired_token_names_both_times_and_changes_nothing() -> None:
    world = World()
    with pytest.raises(Invalid, match=r"expired at 2026-03-01 11:59:00.*clock says 2026-03-01 12:00:00"):
        join(world, token(expires=NOW - timedelta(minutes=1)))
    assert world.disk == {}
    assert world.guard is None


@pytest.mark.parametrize(("role", "said"), [("gateway", "does not join"), ("emperor", "does not know")])
def test_a_role_that_cannot_join_is_refused(role: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        check_token(token(role=role), NOW)
