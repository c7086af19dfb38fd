"""The fleet and what agents said of it, at one moment: what everything that people are told is read off."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from gridwire.control.reports import TUNNEL_FRESH, AllHeard, Heard, Version, members_seen
from gridwire.core.access import selects
from gridwire.core.addressing import Address
from gridwire.core.crowd import Crowds, Mask, Roster
from gridwire.core.explanation import Explainer
from gridwire.core.fleet import Fleet, Node, NodeState, Role, Route, Selector, Service
from gridwire.core.health import EndpointHealth, Health
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.perimeter import Finding
from gridwire.core.sources import Index
from gridwire.core.tailnet import MemberSeen
from gridwire.protocol.api import EndpointView

_TOLD = (Health.UP, Health.DOWN, Health.UNKNOWN)


class Known:
    """What is looked up in one fleet, whatever agents say; kept for as long as its revision is the newest."""

    def __init__(self, fleet: Fleet, index: Index | None = None) -> None:
        self.fleet = fleet
        self._index = index
        self._endpoints: dict[tuple[Selector, ...], tuple[Node, ...]] = {}

    @cached_property
    def index(self) -> Index:
        return self._index if self._index is not None else Index(self.fleet)

    @cached_property
    def crowds(self) -> Crowds:
        return Crowds(self.fleet, Roster(self.fleet))

    @cached_property
    def explainer(self) -> Explainer:
        return Explainer(self.fleet)

    @cached_property
    def gateways(self) -> tuple[Node, ...]:
        return self.fleet.gateways()

    @cached_property
    def services(self) -> dict[ServiceName, Service]:
        return {service.name: service for service in self.fleet.services}

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Of all nodes but revoked ones, by name."""
        return {node.name: node.role for node in self.fleet.nodes if node.state is not NodeState.REVOKED}

    @cached_property
    def waiting(self) -> tuple[Node, ...]:
        """Edges that wait for a yes."""
        return tuple(n for n in self.fleet.nodes if n.state is NodeState.PENDING and n.role is Role.EDGE)

    def endpoints_of(self, service: Service) -> tuple[Node, ...]:
        """The active edges that a service runs on, sorted as the fleet is."""
        found = self._endpoints.get(service.on)
        if found is None:
            found = tuple(node for node in self.index.selected(service.on) if node.role is Role.EDGE)
            self._endpoints[service.on] = found
        return found

    def waiting_for(self, service: Service) -> tuple[Node, ...]:
        return tuple(n for n in self.waiting if any(selects(selector, n) for selector in service.on))

    def may_use(self, route: Route) -> Mask:
        return self.crowds.selected(self.index.allow(route)) & self.crowds.people


class Picture:
    """Looks up no more than it is asked for: a page of a large grid is of few of its nodes."""

    def __init__(
        self,
        fleet: Fleet,
        heard: AllHeard,
        now: datetime,
        since: Callable[[Address], Version | None] = lambda _: None,
        known: Known | None = None,
    ) -> None:
        """``since``: the first version of a node's spec as it is now, where that is known."""
        self.since = since
        self.fleet = fleet
        self.heard = heard
        self.now = now
        self.known = known if known is not None and known.fleet is fleet else Known(fleet)
        self._connected: dict[tuple[NodeName, NodeState], bool | None] = {}
        self.views: dict[ServiceName, tuple[EndpointView, ...]] = {}  # once for all who ask (control.views)
        gateways = self.known.gateways
        self.speaking = tuple(g for g in gateways if g.address in heard and heard[g.address].fresh(now))
        self.gateways: set[NodeName] = {node.name for node in gateways}
        self._heard_gateways = [heard[node.address] for node in gateways if node.address in heard]
        self._fresh_gateways = [one for one in self._heard_gateways if one.fresh(now)]

    @cached_property
    def _members(self) -> dict[Address, MemberSeen]:
        return members_seen(self.fleet, self.heard)

    @cached_property
    def health(self) -> tuple[EndpointHealth, ...]:
        """All that was said lately."""
        return tuple(
            self._as_known(node, check)
            for node in self.fleet.nodes
            if (said := self._fresh(node)) is not None
            for check in said.report.endpoints
        )

    def checks(self, service: ServiceName, node: Node) -> list[EndpointHealth]:
        """Those of the gateways, and the edge's own."""
        own = self._fresh(node)
        heard: Iterable[Heard] = self._fresh_gateways if own is None else (*self._fresh_gateways, own)
        key = (service, node.name)
        found = [check for one in heard if (check := one.checks.get(key)) is not None]
        return found if len(found) < 2 else sorted(found, key=lambda check: check.seen_by)

    @cached_property
    def findings(self) -> tuple[tuple[NodeName, Finding], ...]:
        """What agents found, of all nodes but revoked ones."""
        return tuple(
            (node.name, finding)
            for node in self.fleet.nodes
            if node.state is not NodeState.REVOKED and node.address in self.heard
            for finding in self.heard[node.address].report.findings
        )

    def behind(self, node: Node) -> bool | None:
        """Whether the node's spec has changed since the one that it has in force; none: unknown."""
        said, since = self.heard.get(node.address), self.since(node.address)
        return None if said is None or since is None else said.report.version < since

    def _fresh(self, node: Node) -> Heard | None:
        said = self.heard.get(node.address)
        return said if said is not None and node.state is NodeState.ACTIVE and said.fresh(self.now) else None

    def lost(self, service: ServiceName, node: Node, checks: list[EndpointHealth] | None = None) -> str:
        """Why nothing is known of a service on a node; empty while some gateway has a way there, or has not said."""
        if self.connected(node) is False:
            return "its tunnel is down"
        said = self.checks(service, node) if checks is None else checks
        checks = [check for check in said if check.health in _TOLD and check.seen_by in self.gateways]
        if not checks or any(check.health is not Health.UNKNOWN for check in checks):
            return ""
        return checks[0].reason or "no gateway has a way there"

    def _as_known(self, by: Node, check: EndpointHealth) -> EndpointHealth:
        """What an edge said of itself holds only while there is a way to it: its last report outlives its tunnel."""
        if by.name in self.gateways or check.health not in (Health.UP, Health.DOWN):
            return check
        reason = self.lost(check.service, by)
        return replace(check, health=Health.UNKNOWN, reason=reason) if reason else check

    def handshake(self, key: str | None) -> datetime | None:
        """The latest that any gateway has seen of the key, by that gateway's clock."""
        if key is None:
            return None
        found: datetime | None = None
        for one in self._heard_gateways:
            at = one.sessions.get(key)
            if at is not None and (found is None or at > found):
                found = at
        return found

    def last_session(self, node: Node) -> datetime | None:
        """The latest handshake of the node that any gateway has seen, also of a session that is over."""
        if node.tailnet is None:
            key = node.public_key or ""
            return max((one.last[key] for one in self._heard_gateways if key in one.last), default=None)
        seen = self._members.get(node.address)
        return None if seen is None else seen.latest_handshake

    def connected(self, node: Node) -> bool | None:
        """Whether some gateway that reports has a fresh session with the node; none where no gateway reports.

        A gateway itself is connected while its agent reports.
        """
        place = (node.name, node.state)
        if place not in self._connected:
            self._connected[place] = self._is_connected(node)
        return self._connected[place]

    def unreached(self, node: Node) -> str:
        """Why no gateway gets an answer of a node whose session is still fresh; empty where one does, or none has said.

        A session outlives its peer by three minutes. Checks of what an edge serves miss it within three seconds.
        """
        if not self.connected(node):
            return ""
        said = [way for one in self._fresh_gateways if (way := one.ways.get(node.name)) is not None]
        return said[0] if said and all(said) else ""

    def _is_connected(self, node: Node) -> bool | None:
        if node.role is Role.GATEWAY:
            return node in self.speaking if node.state is NodeState.ACTIVE else None
        if not self.speaking:
            return None
        if node.tailnet is not None:  # idle peers have no session: what tells is whether the tailnet has it online
            seen = self._members.get(node.address)
            return seen is not None and seen.online and not seen.expired(self.now)
        handshake = self.handshake(node.public_key)
        return handshake is not None and self.now - handshake <= TUNNEL_FRESH
