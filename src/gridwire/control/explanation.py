"""Why a node reaches a URL or does not, and where on the way it ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gridwire.control.picture import Picture
from gridwire.control.views import how_to_open, service_outcome
from gridwire.core.explanation import Explained, Explainer, Miss, split_url
from gridwire.core.fleet import ON_MESH, Node, NodeState, Role, Service
from gridwire.core.health import Health
from gridwire.protocol.api import EndpointView
from gridwire.protocol.explanation import EndpointChoice, Explanation, Hop, HopKind, HopState

_STATE: Final = {
    Health.UP: HopState.OK,
    Health.DOWN: HopState.BROKEN,
    Health.REFUSED: HopState.BROKEN,
    Health.CHECKING: HopState.UNKNOWN,
    Health.UNKNOWN: HopState.UNKNOWN,
}
_BEST: Final = (Health.UP, Health.CHECKING, Health.UNKNOWN, Health.DOWN, Health.REFUSED)
MOST: Final = 50  # endpoints that one answer tells of


def explain(picture: Picture, explainer: Explainer, node: Node, method: str, url: str) -> Explanation:
    """Raise Invalid for what is no URL."""
    host, target = split_url(url)
    found = explainer.explain(node, host, target)
    service = None if found.route is None else picture.known.services[found.route.to]
    outcome = None if service is None else service_outcome(picture, service)
    choices: tuple[EndpointChoice, ...] = ()
    if outcome is not None:
        choices = tuple(sorted((_choice(outcome.service, view) for view in outcome.endpoints), key=_better))
    status, code = found.decision.status, found.decision.reason
    if status == 200 and not any(choice.takes for choice in choices):
        status, code = 503, "no-endpoint"
    says, advice = _said(picture, found, node, status, code)
    if outcome is not None:
        advice += outcome.advice
    return Explanation(
        node=node.name,
        method=method,
        url=url,
        host=found.host,
        path=found.path,
        status=status,
        code=code,
        says=says,
        route=found.route,
        service=None if service is None else service.name,
        miss=found.miss,
        verdict=found.verdict,
        endpoints=choices[:MOST],
        hops=_line(picture, node, service, choices, refused=says if status in (400, 403, 404, 421) else ""),
        advice=advice,
    )


def hops_to(picture: Picture, service: Service, view: EndpointView | None) -> tuple[Hop, ...]:
    """From the gateway on, to one endpoint of a service or, with none, to where one should be."""
    return _after_broken([_gateway(picture), *_behind(picture, service, view)])


def _line(
    picture: Picture, node: Node, service: Service | None, choices: tuple[EndpointChoice, ...], *, refused: str
) -> tuple[Hop, ...]:
    device = Hop(kind=HopKind.DEVICE, name=node.name, state=HopState.OK)
    if node.state is not NodeState.ACTIVE:
        device = Hop(kind=HopKind.DEVICE, name=node.name, state=HopState.BROKEN, reason=f"it is {node.state}")
    gateway = _gateway(picture, node)
    if refused and gateway.state is not HopState.BROKEN:
        gateway = Hop(kind=HopKind.GATEWAY, name=gateway.name, state=HopState.BROKEN, reason=refused)
    if service is None:
        return _after_broken([device, gateway])
    first = choices[0] if choices else None
    view = None if first is None else EndpointView(node=first.node, health=first.health, reason=first.reason)
    return _after_broken([device, gateway, *_behind(picture, service, view)])


def _gateway(picture: Picture, caller: Node | None = None) -> Hop:
    """The gateway that answers, and the tunnel to it from ``caller``."""
    gateways = picture.fleet.gateways()
    speaking = picture.speaking or gateways
    name = speaking[0].name if speaking else "no gateway"
    if not gateways:
        return Hop(kind=HopKind.GATEWAY, name=name, state=HopState.BROKEN, reason="the grid has none")
    if not picture.speaking:
        return Hop(kind=HopKind.GATEWAY, name=name, state=HopState.UNKNOWN, reason="no gateway's agent reports")
    if caller is None or caller.state is not NodeState.ACTIVE:
        return Hop(kind=HopKind.GATEWAY, name=name, state=HopState.OK)
    if picture.connected(caller):
        return Hop(kind=HopKind.GATEWAY, name=name, state=HopState.OK)
    seen = picture.last_session(caller)
    last = "it never called" if seen is None else f"it called last at {seen:%Y-%m-%d %H:%M:%S} UTC"
    if caller.role is Role.CLIENT and caller.tailnet is None:  # it keeps no session up that it has no use for
        return Hop(kind=HopKind.GATEWAY, name=name, state=HopState.UNKNOWN, reason=f"its tunnel is idle, {last}")
    return Hop(kind=HopKind.GATEWAY, name=name, state=HopState.BROKEN, reason=f"its tunnel is down, {last}")


def _behind(picture: Picture, service: Service, view: EndpointView | None) -> Iterable[Hop]:
    target = str(service.target)
    if view is None:
        wanted = " or ".join(map(str, service.on))
        yield Hop(
            kind=HopKind.EDGE, name="no edge", state=HopState.BROKEN, reason=f"none that is active is of {wanted}"
        )
        yield Hop(kind=HopKind.ENDPOINT, name=target, state=HopState.UNKNOWN)
        return
    edge = picture.known.index.node(view.node)
    connected = picture.connected(edge)
    if connected is False:
        yield Hop(kind=HopKind.EDGE, name=edge.name, state=HopState.BROKEN, reason="its tunnel is down")
    elif connected is None:
        yield Hop(kind=HopKind.EDGE, name=edge.name, state=HopState.UNKNOWN, reason="no gateway's agent reports")
    elif lost := picture.unreached(edge):
        yield Hop(kind=HopKind.EDGE, name=edge.name, state=HopState.BROKEN, reason=lost)
    else:
        yield Hop(kind=HopKind.EDGE, name=edge.name, state=HopState.OK)
    yield Hop(kind=HopKind.ENDPOINT, name=target, state=_STATE[view.health], reason=view.reason)


def _after_broken(hops: list[Hop]) -> tuple[Hop, ...]:
    """What lies behind a broken hop is unknown, whatever was said of it before."""
    broken = next((place for place, hop in enumerate(hops) if hop.state is HopState.BROKEN), len(hops))
    return tuple(
        hop if place <= broken else Hop(kind=hop.kind, name=hop.name, state=HopState.UNKNOWN)
        for place, hop in enumerate(hops)
    )


def _choice(service: Service, view: EndpointView) -> EndpointChoice:
    weight = dict(service.weights).get(view.node, 1)
    takes = not view.drained and weight > 0 and view.health not in (Health.DOWN, Health.REFUSED)
    return EndpointChoice(
        node=view.node, health=view.health, reason=view.reason, weight=weight, drained=view.drained, takes=takes
    )


def _better(choice: EndpointChoice) -> tuple[bool, int, str]:
    return not choice.takes, _BEST.index(choice.health), choice.node


def _said(picture: Picture, found: Explained, node: Node, status: int, code: str) -> tuple[str, tuple[str, ...]]:
    route, miss = found.route, found.miss
    if code == "malformed":
        return "400: nginx refuses such a host or path", ()
    if code == "bad-host":
        return f"400: {found.host} is not spelt as host names are", ()
    if route is None:
        return f"{status}: {_missed(found)}", _nearly(miss)
    if node.state not in ON_MESH:
        return f"{node.name} is {node.state}: nothing of it reaches a gateway", ()
    if status == 403:
        return f"403: {_refused(node, found)}", _opened(found, node)
    if status == 503:
        return f"503: {route.name} takes it, and {route.to} has no endpoint that could answer", ()
    by = ", ".join(found.verdict.by) if found.verdict is not None else ""
    return f"{route.name} takes it to {route.to}, open to {node.name} by {by}", ()


def _missed(found: Explained) -> str:
    if found.decision.reason == "unknown-host":
        return f"no route has the host {found.host}"
    if found.decision.reason == "path-ambiguous":
        return f"applications may read {found.path} in several ways, and they lead to different routes"
    return f"no route of {found.host} takes {found.path}"


def _nearly(miss: Miss | None) -> tuple[str, ...]:
    return () if miss is None else (f"the nearest is {miss.route}: {miss.why}",)


def _refused(node: Node, found: Explained) -> str:
    assert found.route is not None
    if node.role is Role.GATEWAY:
        return f"{node.name} is a gateway, and a gateway's own address may use no route"
    if node.state is not NodeState.ACTIVE:
        return f"{node.name} is {node.state}, and only an active node may use a route"
    if not found.route.allow:
        return f"{found.route.name} is closed to everybody"
    return f"{found.route.name} is open to {', '.join(map(str, found.route.allow))}, and {node.name} is none of these"


def _opened(found: Explained, node: Node) -> tuple[str, ...]:
    if found.route is None or node.state is not NodeState.ACTIVE or node.role is Role.GATEWAY:
        return ()
    return (f"to open it: {how_to_open(found.route, f'node:{node.name}')}",)
