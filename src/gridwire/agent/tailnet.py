"""The mesh section on a tailnet: tailscaled is read, never changed; sockets of nodes that are gone are ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from gridwire.adapters.clock import utc_now
from gridwire.adapters.sockets import kill_sockets
from gridwire.adapters.tailscale import LocalApi
from gridwire.core.actions import Action
from gridwire.core.addressing import Address
from gridwire.core.errors import GridwireError, NotFound, Unavailable
from gridwire.core.mesh_actions import KillSockets
from gridwire.core.names import Interface
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.spec import NodeSpec
from gridwire.core.tailnet import Member, MemberSeen, TailnetObserved, standing

EXPIRES_SOON = timedelta(days=7)


class TailnetSection:
    """``members``: whether the peers are asked for as well, by whois: a gateway tells control who they are.

    ``held``: the addresses that may be served on, as last observed; none while anything keeps this node from serving.
    ``peers``: as status tells them.
    """

    name = "mesh"

    def __init__(
        self, api: LocalApi, interface: Interface, *, members: bool, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._api = api
        self._interface = interface
        self._members = members
        self._clock = clock
        self._known: dict[Member, Member] = {}  # as status tells it → as whois does
        self._killed: frozenset[Address] = frozenset()
        self.seen: TailnetObserved | None = None
        self.peers: tuple[MemberSeen, ...] = ()

    @property
    def held(self) -> tuple[Address, ...]:
        seen = self.seen
        return () if seen is None or standing(seen, self._clock()) is not None else seen.held

    def standing_own(self) -> Member | None:
        """This node, while it may serve and the kernel has the address that it is called by."""
        seen, held = self.seen, self.held
        own = None if seen is None else seen.own
        return own if own is not None and own.addresses[0] in held else None

    def observe(self) -> Known[TailnetObserved] | Unknown:
        try:
            seen = self._api.observe(self._interface)
            self.peers = seen.members
            self.seen = replace(seen, members=self._asked(seen.members) if self._members else ())
        except GridwireError as error:
            self.seen = None
            return Unknown(str(error))
        return Known(self.seen)

    def plan(self, spec: NodeSpec, observed: Known[TailnetObserved] | Unknown, now: datetime) -> tuple[Action, ...]:
        """Raise what keeps this node from serving; there is nothing that gridwire could do about it."""
        if isinstance(observed, Unknown):
            raise Unavailable(observed.reason, code="tailscale-away")
        error = standing(observed.value, now)
        if error is not None:
            raise error
        if spec.mesh.address not in observed.value.held:
            raise Unavailable(
                f"this node's Tailscale address is {observed.value.held[0]} now, and was {spec.mesh.address}",
                fix="nothing: the agent tells control",
                code="tailscale-moved",
            )
        return ()

    def plan_cuts(
        self, spec: NodeSpec, observed: Known[TailnetObserved] | Unknown, now: datetime
    ) -> tuple[Action, ...]:
        """The tailnet may still know who is revoked: what it sends is dropped, and what was open to it ends here."""
        gone = {stone.address for stone in spec.tombstones}
        self._killed &= gone
        new = tuple(sorted(gone - self._killed, key=int))
        return (KillSockets(reason=f"{len(new)} address(es) are of nobody any more", addresses=new),) if new else ()

    def apply(self, action: Action) -> None:
        if not isinstance(action, KillSockets):
            raise TypeError(f"{type(action).__name__} is no action of a tailnet's")
        kill_sockets(action.addresses)
        self._killed |= set(action.addresses)

    def received(self) -> dict[Address, int]:
        """Bytes received of each peer; raise Unavailable."""
        members = self._api.status().members
        return {address: seen.received_bytes for seen in members for address in seen.member.addresses}

    def findings(self) -> tuple[Finding, ...]:
        seen = self.seen
        if seen is None or seen.key_expires is None or seen.key_expires - self._clock() > EXPIRES_SOON:
            return ()
        return (
            Finding(
                id="tailscale-expires",
                severity=Severity.WARNING,
                where="mesh",
                what=f"this node's Tailscale key expires at {seen.key_expires:%Y-%m-%d %H:%M} UTC, and it serves nobody"
                " from then on",
                fix="tailscale up --force-reauth, or disable key expiry for it in Tailscale's admin console",
            ),
        )

    def _asked(self, members: tuple[MemberSeen, ...]) -> tuple[MemberSeen, ...]:
        """Each as whois knows it; asked again only where status says something else of it than before."""
        known = {seen.member: self._known.get(seen.member) or self._whois(seen.member) for seen in members}
        self._known = {told: member for told, member in known.items() if member is not None}
        return tuple(replace(s, member=self._known[s.member]) for s in members if s.member in self._known)

    def _whois(self, told: Member) -> Member | None:
        try:
            return self._api.whois(told.addresses[0]) if told.addresses else None
        except NotFound:
            return None
