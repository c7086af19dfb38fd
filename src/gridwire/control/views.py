"""What people are told: nodes, endpoints, services and routes as they are now, with what is left to do."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from gridwire.control.reports import TUNNEL_FRESH, AllHeard, Version, members_seen, reporting
from gridwire.core.access import allowed_nodes, endpoints_of, selects
from gridwire.core.addressing import Address
from gridwire.core.fleet import Fleet, Node, NodeState, Role, Route, Selector, Service
from gridwire.core.health import EndpointHealth, Health
from gridwire.core.names import under_suffix
from gridwire.core.tailnet import Provider
from gridwire.core.targets import consents
from gridwire.core.wireguard import PeerSeen
from gridwire.protocol.api import EndpointView, NodeView, RouteOutcome, ServiceOutcome, Status
from gridwire.version import __version__


class Picture:
    """The fleet and what agents said of it, at one moment; indexed once, since status asks for all of it."""

    def __init__(
        self,
        fleet: Fleet,
        heard: AllHeard,
        now: datetime,
        since: Callable[[Address], Version | None] = lambda _: None,
    ) -> None:
        """``since``: the first version of a node's spec as it is now, where that is known."""
        self.since = since
        self.fleet = fleet
        self.heard = heard
        self.now = now
        self.speaking = reporting(fleet, heard, now)
        self.gateways = {node.name for node in fleet.gateways()}
        self._members = members_seen(fleet, heard)
        self._handshakes: dict[str, datetime] = {}
        for peer in _peers_seen(fleet, heard):
            moment = peer.latest_handshake
            if moment is not None and moment > self._handshakes.get(peer.public_key, datetime.min.replace(tzinfo=UTC)):
                self._handshakes[peer.public_key] = moment
        self._checks: dict[tuple[str, str], list[EndpointHealth]] = defaultdict(list)
        said = tuple(_said_of_health(fleet, heard, now))
        for _, check in said:
            self._checks[check.service, check.node].append(check)
        self.health = tuple(self._as_known(node, check) for node, check in said)

    def checks(self, service: Service, node: Node) -> list[EndpointHealth]:
        return self._checks.get((service.name, node.name), [])

    def lost(self, service: str, node: Node) -> str:
        """Why nothing is known of a service on a node; empty while some gateway has a way there, or has not said."""
        if self.connected(node) is False:
            return "its tunnel is down"
        told = (Health.UP, Health.DOWN, Health.UNKNOWN)
        checks = [c for c in self._checks.get((service, node.name), ()) if c.seen_by in self.gateways]
        checks = [check for check in checks if check.health in told]
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
        return None if key is None else self._handshakes.get(key)

    def last_session(self, node: Node) -> datetime | None:
        """The latest handshake of the node that any gateway has seen."""
        if node.tailnet is None:
            return self.handshake(node.public_key)
        seen = self._members.get(node.address)
        return None if seen is None else seen.latest_handshake

    def connected(self, node: Node) -> bool | None:
        """Whether some gateway that reports has a fresh session with the node; none where no gateway reports.

        A gateway itself is connected while its agent reports.
        """
        if node.role is Role.GATEWAY:
            return node in self.speaking if node.state is NodeState.ACTIVE else None
        if not self.speaking:
            return None
        if node.tailnet is not None:  # idle peers have no session: what tells is whether the tailnet has it online
            seen = self._members.get(node.address)
            return seen is not None and seen.online and not seen.expired(self.now)
        handshake = self.handshake(node.public_key)
        return handshake is not None and self.now - handshake <= TUNNEL_FRESH


def _peers_seen(fleet: Fleet, heard: AllHeard) -> Iterable[PeerSeen]:
    for gateway in fleet.gateways():
        if gateway.address in heard:
            yield from heard[gateway.address].report.peers


def _said_of_health(fleet: Fleet, heard: AllHeard, now: datetime) -> Iterable[tuple[Node, EndpointHealth]]:
    for node in fleet.nodes:
        if node.address in heard and heard[node.address].fresh(now) and node.state is NodeState.ACTIVE:
            for check in heard[node.address].report.endpoints:
                yield node, check


def node_view(picture: Picture, node: Node) -> NodeView:
    said = picture.heard.get(node.address)
    report = said.report if said is not None else None
    return NodeView(
        node=node,
        connected=picture.connected(node),
        latest_handshake=picture.last_session(node),
        reported_at=said.at if said is not None else None,
        ahead=said.report.at - said.at if said is not None else None,
        agent_version=report.agent_version if report else "",
        version=report.version if report else None,
        behind=report.version < since if report and (since := picture.since(node.address)) else None,
        state=report.state if report else None,
        detail=report.detail if report else "",
        reach=report.reach if report else (),
        findings=report.findings if report else (),
    )


def endpoint_view(picture: Picture, service: Service, node: Node) -> EndpointView:
    """The gateways' own checks count before what the edge says of itself: they go the way that traffic goes."""
    drained = "drained" if node.drained else ""
    said = picture.heard.get(node.address)
    if said is not None and not consents(said.report.reach, service.target, picture.fleet.network.prefix):
        return EndpointView(node=node.name, health=Health.REFUSED, reason=f"it does not allow {service.target}")
    if reason := picture.lost(service.name, node):
        return EndpointView(node=node.name, health=Health.UNKNOWN, reason=reason)
    checks = picture.checks(service, node)
    decisive = [check for check in checks if check.health in (Health.UP, Health.DOWN)]
    if decisive:
        check = min(decisive, key=lambda check: (check.seen_by not in picture.gateways, check.seen_by))
        return EndpointView(node=node.name, health=check.health, reason=drained or check.reason)
    reason = checks[0].reason if checks else "" if said is not None else "its agent has not reported yet"
    return EndpointView(node=node.name, health=Health.CHECKING, reason=drained or reason)


def service_outcome(picture: Picture, service: Service) -> ServiceOutcome:
    endpoints = tuple(endpoint_view(picture, service, node) for node in endpoints_of(picture.fleet, service))
    return ServiceOutcome(
        service=service, endpoints=endpoints, advice=_service_advice(picture.fleet, service, endpoints)
    )


def _service_advice(fleet: Fleet, service: Service, endpoints: tuple[EndpointView, ...]) -> tuple[str, ...]:
    advice = [
        f"{view.node} does not allow {service.target}; on {view.node}: gridwire reach add {service.target}"
        for view in endpoints
        if view.health is Health.REFUSED
    ]
    waiting = [
        node.name
        for node in fleet.nodes
        if node.state is NodeState.PENDING
        and node.role is Role.EDGE
        and any(selects(selector, node) for selector in service.on)
    ]
    advice += [f"{name} waits for a yes: gridwire node approve {name}" for name in waiting]
    others = {str(n.name): n.role for n in fleet.nodes if n.role is not Role.EDGE and n.state is not NodeState.REVOKED}
    named = {selector.value for selector in service.on if selector.kind == "node"}
    advice += [f"{name} is of role {others[name]}, and services run on edges" for name in sorted(named & others.keys())]
    possible = [selector for selector in service.on if selector.kind != "node" or selector.value not in others]
    if not endpoints and not waiting and possible:
        wanted = " or ".join(map(str, possible))
        advice.append(f"no edge that is active has {wanted}: {_how_to_select(fleet, possible[0])}")
    edges = {node.name for node in fleet.nodes if node.role is Role.EDGE and node.state is not NodeState.REVOKED}
    advice += [f"the weight of {name} counts for nobody: no edge has that name" for name in _weighted(service, edges)]
    return tuple(advice)


def _weighted(service: Service, edges: Collection[str]) -> list[str]:
    return [name for name, _ in service.weights if name not in edges]


def _how_to_select(fleet: Fleet, selector: Selector) -> str:
    if selector.of_tailnet:
        return f"{how_to_join(fleet, Role.EDGE)}, where it is {selector} of the tailnet"
    if selector.kind == "tag" and fleet.network.provider is Provider.TAILSCALE:
        return f"gridwire node tag NAME {selector.value}"
    if selector.kind == "tag":
        return f"gridwire node tag NAME {selector.value}, or gridwire invite NAME --tag {selector.value}"
    return how_to_join(fleet, Role.EDGE, selector.value if selector.kind == "node" else "NAME")


def how_to_join(fleet: Fleet, role: Role, name: str = "NAME") -> str:
    """The command by which a node of a role comes to this grid."""
    if fleet.network.provider is not Provider.TAILSCALE:
        return f"gridwire invite {name} --role {role}"
    gateway = next((node.tailnet.name for node in fleet.gateways() if node.tailnet is not None), "GATEWAY")
    return f"on the node: gridwire join {gateway} --role {role}"


def route_outcome(picture: Picture, route: Route) -> RouteOutcome:
    fleet = picture.fleet
    outcome = service_outcome(picture, fleet.service(route.to))
    can = allowed_nodes(fleet, route)
    people = [n for n in fleet.active() if n.role in (Role.OPERATOR, Role.CLIENT)]
    cannot = [node for node in people if node not in can]
    return RouteOutcome(
        route=route,
        url=url_of(fleet, route),
        endpoints=outcome.endpoints,
        can_open=tuple(node.name for node in can),
        cannot_open=tuple(node.name for node in cannot),
        advice=(*_route_advice(fleet, route, can, cannot), *_unknown_names(fleet, route), *outcome.advice),
    )


def url_of(fleet: Fleet, route: Route) -> str:
    network = fleet.network
    port = "" if network.routes_port == 80 else f":{network.routes_port}"
    return f"http://{under_suffix(route.host, network.suffix)}{port}{route.path}"


def _route_advice(fleet: Fleet, route: Route, can: tuple[Node, ...], cannot: list[Node]) -> tuple[str, ...]:
    advice = []
    if not route.allow:
        advice.append(f"the route is closed: {_opening(route, 'role:client')}, or tag:, node: or policy:")
    elif not can and not cannot:
        allowed = ", ".join(map(str, route.allow))
        advice.append(f"nobody on the mesh is of {allowed} yet: {how_to_join(fleet, Role.CLIENT)}")
    for role in (Role.CLIENT, Role.OPERATOR):
        names = [str(node.name) for node in cannot if node.role is role]
        if names:
            advice.append(f"{', '.join(names)} ({role}) cannot open it: {_opening(route, f'role:{role}')}")
    return tuple(advice)


def _unknown_names(fleet: Fleet, route: Route) -> Iterable[str]:
    """What of a route leads nowhere yet: a node that is not there, a host that nobody resolves."""
    nodes = {node.name for node in fleet.nodes if node.state is not NodeState.REVOKED}
    for selector in route.allow:
        if selector.kind == "node" and selector.value not in nodes:
            yield f"there is no node {selector.value} yet: gridwire invite {selector.value} --role client"
    host, suffix = under_suffix(route.host, fleet.network.suffix), fleet.network.suffix
    if not host.endswith(f".{suffix}") and fleet.gateways():
        address = fleet.gateways()[0].address
        kind = "A" if address.version == 4 else "AAAA"
        yield f"{host} is not under {suffix}, so no agent knows it: make a DNS record {host} {kind} {address}"


def _opening(route: Route, selector: str) -> str:
    """The whole command: `route add` sets a route, so that what is left out of --allow is shut out."""
    path = f" --path {shlex.quote(route.path)}" if route.path != "/" else ""
    allow = "".join(f" --allow {allowed}" for allowed in (*route.allow, selector))
    return f"gridwire route add --name {route.name} --host {shlex.quote(route.host)}{path} --to {route.to}{allow}"


def status(picture: Picture, version: tuple[int, int]) -> Status:
    fleet, heard = picture.fleet, picture.heard
    live = [node for node in fleet.nodes if node.state is not NodeState.REVOKED]
    return Status(
        version=__version__,
        suffix=fleet.network.suffix,
        epoch=version[0],
        revision=version[1],
        nodes=tuple(node_view(picture, node) for node in live),
        routes=tuple(route_outcome(picture, route) for route in fleet.routes),
        services=tuple(service_outcome(picture, service) for service in fleet.services),
        health=picture.health,
        findings=tuple(
            (node.name, finding)
            for node in live
            if node.address in heard
            for finding in heard[node.address].report.findings
        ),
    )
