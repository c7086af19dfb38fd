"""What people are told: nodes, endpoints, services and routes as they are now, with what is left to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from gridwire.control.picture import Picture
from gridwire.control.standing import count_endpoints, standing_of, worst_endpoints
from gridwire.core.crowd import Mask
from gridwire.core.fleet import Fleet, Node, NodeState, Role, Route, Selector, Service
from gridwire.core.health import EndpointHealth, Health, Standing
from gridwire.core.names import ServiceName, under_suffix
from gridwire.core.tailnet import Provider
from gridwire.protocol.api import EndpointView, NodeView, RouteOutcome, ServiceOutcome, Status
from gridwire.version import __version__

_OF_APPLICATIONS: Final = {  # of those of gridwire/lua/gridwire/reason.lua, what an edge answers a check with
    "app-unreachable": "its application is not reached, or does not pass",
    "app-timeout": "its application does not answer in time",
}
ADVISED: Final = 10  # nodes that one piece of advice names


def node_view(picture: Picture, node: Node) -> NodeView:
    said = picture.heard.get(node.address)
    report = said.report if said is not None else None
    return NodeView(
        node=node,
        connected=picture.connected(node),
        unreached=picture.unreached(node),
        latest_handshake=picture.last_session(node),
        reported_at=said.at if said is not None else None,
        ahead=said.report.at - said.at if said is not None else None,
        agent_version=report.agent_version if report else "",
        version=report.version if report else None,
        behind=picture.behind(node),
        state=report.state if report else None,
        detail=report.detail if report else "",
        reach=report.reach if report else (),
        findings=report.findings if report else (),
    )


def endpoint_view(picture: Picture, service: Service, node: Node) -> EndpointView:
    """The gateways' own checks count before what the edge says of itself: they go the way that traffic goes."""
    health, reason, since = _seen(picture, service, node)
    said = "drained" if node.drained and health not in (Health.REFUSED, Health.UNKNOWN) else reason
    turned = None if since is None else min(since, picture.now)  # a node says nothing of a time to come
    return EndpointView(node=node.name, health=health, reason=said, drained=node.drained, since=turned)


def endpoint_views(picture: Picture, service: Service) -> tuple[EndpointView, ...]:
    """All endpoints of a service of the picture's fleet, in the order of names."""
    found = picture.views.get(service.name)
    if found is None:
        nodes = picture.known.endpoints_of(service)
        found = picture.views[service.name] = tuple(endpoint_view(picture, service, node) for node in nodes)
    return found


def _seen(picture: Picture, service: Service, node: Node) -> tuple[Health, str, datetime | None]:
    """Its health, why, and since when."""
    said = picture.heard.get(node.address)
    if said is not None and not said.allows(service.target, picture.fleet.network.prefix):
        return Health.REFUSED, f"it does not allow {service.target}", None
    checks = picture.checks(service.name, node)
    if reason := picture.lost(service.name, node, checks):
        return Health.UNKNOWN, reason, _lost_since(picture, node, checks)
    decisive = [check for check in checks if check.health in (Health.UP, Health.DOWN)]
    if decisive:
        check = min(decisive, key=lambda check: (check.seen_by not in picture.gateways, check.seen_by))
        return check.health, _exactly(check, decisive), check.since
    reason = checks[0].reason if checks else "" if said is not None else "its agent has not reported yet"
    return Health.CHECKING, reason, None


def _exactly(check: EndpointHealth, decisive: Iterable[EndpointHealth]) -> str:
    """Why it is down. The edge that asked the application tells a gateway no more than a code, and its own agent what
    was answered."""
    if check.reason not in _OF_APPLICATIONS:
        return check.reason
    own = (one.reason for one in decisive if one.seen_by == one.node and one.health is check.health and one.reason)
    return next(own, _OF_APPLICATIONS[check.reason])


def _lost_since(picture: Picture, node: Node, checks: list[EndpointHealth]) -> datetime | None:
    """When the last gateway lost the way there; with none that says so, when anything last came from there."""
    turned = [
        check.since
        for check in checks
        if check.seen_by in picture.gateways and check.health is Health.UNKNOWN and check.since is not None
    ]
    return max(turned, default=None) or picture.last_session(node)


def service_outcome(picture: Picture, service: Service, *, most: int | None = None) -> ServiceOutcome:
    """``most``: so many endpoints, the worst, where there are more."""
    endpoints = endpoint_views(picture, service)
    counts = count_endpoints(endpoints)
    return ServiceOutcome(
        service=service,
        endpoints=endpoints if most is None else worst_endpoints(endpoints, most),
        standing=standing_of(counts),
        counts=counts,
        advice=_service_advice(picture, service, endpoints),
    )


def standings(picture: Picture) -> dict[ServiceName, Standing]:
    """How each service stands."""
    services = picture.fleet.services
    return {service.name: standing_of(count_endpoints(endpoint_views(picture, service))) for service in services}


def _service_advice(picture: Picture, service: Service, endpoints: tuple[EndpointView, ...]) -> tuple[str, ...]:
    fleet, roles = picture.fleet, picture.known.roles
    refusing = [view.node for view in endpoints if view.health is Health.REFUSED]
    advice = [
        f"{node} does not allow {service.target}; on {node}: gridwire reach add {service.target}"
        for node in refusing[:ADVISED]
    ]
    if len(refusing) > ADVISED:
        advice.append(f"{len(refusing) - ADVISED} more do not allow {service.target} either")
    waiting = [node.name for node in picture.known.waiting_for(service)]
    advice += [f"{name} waits for a yes: gridwire node approve {name}" for name in waiting[:ADVISED]]
    others = {
        selector.value
        for selector in service.on
        if selector.kind == "node" and roles.get(selector.value, Role.EDGE) is not Role.EDGE
    }
    advice += [f"{name} is of role {roles[name]}, and services run on edges" for name in sorted(others)]
    possible = [selector for selector in service.on if selector.kind != "node" or selector.value not in others]
    if not endpoints and not waiting and possible:
        wanted = " or ".join(map(str, possible))
        advice.append(f"no edge that is active has {wanted}: {_how_to_select(fleet, possible[0])}")
    weighted = [name for name, _ in service.weights if roles.get(name) is not Role.EDGE]
    return (*advice, *(f"the weight of {name} counts for nobody: no edge has that name" for name in weighted))


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


def route_outcome(
    picture: Picture, route: Route, *, most: int | None = None, device: Node | None = None
) -> RouteOutcome:
    """``most`` as of service_outcome; ``device``: of who asks."""
    fleet, crowds = picture.fleet, picture.known.crowds
    outcome = service_outcome(picture, picture.known.services[route.to], most=most)
    can = picture.known.may_use(route)
    cannot = (crowds.of("role", Role.OPERATOR) | crowds.of("role", Role.CLIENT)) & ~can
    open_to, shut_out = crowds.crowd(can), crowds.crowd(cannot)
    return RouteOutcome(
        route=route,
        url=url_of(fleet, route),
        endpoints=outcome.endpoints,
        standing=outcome.standing,
        counts=outcome.counts,
        can_open=open_to.nodes,
        cannot_open=shut_out.nodes,
        can=open_to,
        cannot=shut_out,
        open_to_you=None if device is None else crowds.among(device, can),
        advice=(*_route_advice(picture, route, can, cannot), *_unknown_names(picture, route), *outcome.advice),
    )


def url_of(fleet: Fleet, route: Route) -> str:
    network = fleet.network
    port = "" if network.routes_port == 80 else f":{network.routes_port}"
    return f"http://{under_suffix(route.host, network.suffix)}{port}{route.path}"


def _route_advice(picture: Picture, route: Route, can: Mask, cannot: Mask) -> tuple[str, ...]:
    fleet, crowds = picture.fleet, picture.known.crowds
    advice = []
    if not route.allow:
        advice.append(f"the route is closed: {how_to_open(route, 'role:client')}, or tag:, node: or policy:")
    elif not can and not cannot:
        allowed = ", ".join(map(str, route.allow))
        advice.append(f"nobody on the mesh is of {allowed} yet: {how_to_join(fleet, Role.CLIENT)}")
    for role in (Role.CLIENT, Role.OPERATOR):
        shut_out = cannot & crowds.of("role", role)
        if shut_out:
            names, more = ", ".join(crowds.first(shut_out, ADVISED)), shut_out.bit_count() - ADVISED
            others = f" and {more} other{'s' if more > 1 else ''}" if more > 0 else ""
            advice.append(f"{names}{others} ({role}) cannot open it: {how_to_open(route, f'role:{role}')}")
    return tuple(advice)


def _unknown_names(picture: Picture, route: Route) -> Iterable[str]:
    """What of a route leads nowhere yet: a node that is not there, a host that nobody resolves."""
    fleet = picture.fleet
    for selector in route.allow:
        if selector.kind == "node" and selector.value not in picture.known.roles:
            yield f"there is no node {selector.value} yet: gridwire invite {selector.value} --role client"
    host, suffix = under_suffix(route.host, fleet.network.suffix), fleet.network.suffix
    if not host.endswith(f".{suffix}") and fleet.gateways():
        address = fleet.gateways()[0].address
        kind = "A" if address.version == 4 else "AAAA"
        yield f"{host} is not under {suffix}, so no agent knows it: make a DNS record {host} {kind} {address}"


def how_to_open(route: Route, selector: str) -> str:
    """The whole command: `route add` sets a route, so that what is left out of --allow is shut out."""
    path = f" --path {shlex.quote(route.path)}" if route.path != "/" else ""
    allow = "".join(f" --allow {allowed}" for allowed in (*route.allow, selector))
    return f"gridwire route add --name {route.name} --host {shlex.quote(route.host)}{path} --to {route.to}{allow}"


def status(picture: Picture, version: tuple[int, int]) -> Status:
    fleet = picture.fleet
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
        findings=picture.findings,
    )
