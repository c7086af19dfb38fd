"""The grid in four columns: what stands in which, grouped where a column is long, and the links between them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gridwire.control.picture import Picture
from gridwire.control.views import endpoint_views
from gridwire.core.fleet import Node, NodeState, Role, Service
from gridwire.core.health import Health
from gridwire.protocol.explanation import HopState
from gridwire.protocol.topology import COLUMN, Arc, Topology, Vertex

_DOWN = (Health.DOWN, Health.REFUSED)
_SHOWN = (NodeState.ACTIVE, NodeState.PENDING, NodeState.QUARANTINED, NodeState.REVOKING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    state: HopState
    reason: str = ""


def topology(picture: Picture, revision: int) -> Topology:
    nodes = [node for node in picture.fleet.nodes if node.state in _SHOWN]
    columns = {
        "devices": [n for n in nodes if n.role in (Role.OPERATOR, Role.CLIENT)],
        "gateways": [n for n in nodes if n.role is Role.GATEWAY],
        "edges": [n for n in nodes if n.role is Role.EDGE],
    }
    seen: dict[str, _Seen] = {node.name: _node(picture, node) for node in nodes}
    groups = {name: _grouped(name, column) for name, column in columns.items()}
    services = _service_groups(picture)
    links = _Links()
    for device in columns["devices"]:
        for gateway in columns["gateways"]:
            if device.state is NodeState.ACTIVE and gateway.state is NodeState.ACTIVE:
                links.add(groups["devices"][device.name], groups["gateways"][gateway.name], seen[device.name])
    for edge in columns["edges"]:
        for gateway in columns["gateways"]:
            if edge.state is NodeState.ACTIVE and gateway.state is NodeState.ACTIVE:
                links.add(groups["gateways"][gateway.name], groups["edges"][edge.name], seen[edge.name])
    standing: dict[str, _Seen] = {}
    for service in picture.fleet.services:
        ends = []
        for view in endpoint_views(picture, service):
            end = _Seen(state=_endpoint(view.health), reason=view.reason)
            ends.append((view.drained, end))
            links.add(groups["edges"][view.node], services[service.name], end)
        standing[service.name] = _service(service, ends)
    return Topology(
        revision=revision,
        devices=tuple(_vertices(columns["devices"], groups["devices"], seen)),
        gateways=tuple(_vertices(columns["gateways"], groups["gateways"], seen)),
        edges=tuple(_vertices(columns["edges"], groups["edges"], seen)),
        services=tuple(_vertices(picture.fleet.services, services, standing)),
        links=links.all(),
    )


def _node(picture: Picture, node: Node) -> _Seen:
    if node.state is NodeState.PENDING:
        return _Seen(state=HopState.UNKNOWN, reason="it waits for a yes")
    if node.state is not NodeState.ACTIVE:
        return _Seen(state=HopState.BROKEN, reason=f"it is {node.state}")
    connected = picture.connected(node)
    if connected:
        lost = picture.unreached(node)
        return _Seen(state=HopState.BROKEN, reason=lost) if lost else _Seen(state=HopState.OK)
    if node.role is Role.GATEWAY:
        return _Seen(state=HopState.UNKNOWN, reason="its agent does not report")
    if connected is None:
        return _Seen(state=HopState.UNKNOWN, reason="no gateway's agent reports")
    if node.role is Role.CLIENT and node.tailnet is None:
        return _Seen(state=HopState.UNKNOWN, reason="its tunnel is idle")
    return _Seen(state=HopState.BROKEN, reason="its tunnel is down")


def _endpoint(health: Health) -> HopState:
    return HopState.OK if health is Health.UP else HopState.BROKEN if health in _DOWN else HopState.UNKNOWN


def _service(service: Service, ends: list[tuple[bool, _Seen]]) -> _Seen:
    """As those see it who ask for it: it stands while one endpoint that takes requests does."""
    states = [end.state for drained, end in ends if not drained]
    if HopState.OK in states:
        return _Seen(state=HopState.OK)
    if HopState.UNKNOWN in states:
        return _Seen(state=HopState.UNKNOWN, reason="no endpoint is known to be up")
    return _Seen(state=HopState.BROKEN, reason="no endpoint is up" if ends else "it has no endpoint")


def _grouped(column: str, nodes: list[Node]) -> dict[str, str]:
    """Each node's vertex. By the tag that most of them have, where that makes few enough groups; else by role."""
    if len(nodes) <= COLUMN:
        return {node.name: f"node:{node.name}" for node in nodes}
    carried: dict[str, Counter[str]] = defaultdict(Counter)
    for node in nodes:
        for key, value in node.tags:
            carried[key][value] += 1
    fitting = [key for key, values in carried.items() if len(values) < COLUMN]
    if not fitting:
        return {node.name: f"{column}:{node.role}" for node in nodes}
    best = max(sorted(fitting), key=lambda key: carried[key].total())
    found: dict[str, str] = {}
    for node in nodes:
        tagged: str | None = dict(node.tags).get(best)
        found[node.name] = f"{column}:no {best}" if tagged is None else f"{column}:{best}={tagged}"
    return found


def _service_groups(picture: Picture) -> dict[str, str]:
    services = picture.fleet.services
    if len(services) <= COLUMN:
        return {service.name: f"service:{service.name}" for service in services}
    by = Counter(str(service.on[0]) for service in services)
    kept = {selector for selector, _ in by.most_common(COLUMN - 1)}
    return {s.name: f"services:{s.on[0] if str(s.on[0]) in kept else 'others'}" for s in services}


def _vertices(
    items: Iterable[Node | Service], groups: Mapping[str, str], seen: Mapping[str, _Seen]
) -> Iterable[Vertex]:
    """In the order of names, so that none moves for its state."""
    members: dict[str, list[Node | Service]] = defaultdict(list)
    for item in items:
        members[groups[item.name]].append(item)
    for key in sorted(members, key=lambda key: key.partition(":")[2]):
        inside = members[key]
        states = [seen[item.name] for item in inside]
        grouped = not key.startswith(("node:", "service:"))
        worst = _worst(states)
        roles = {item.role for item in inside if isinstance(item, Node)}
        yield Vertex(
            id=key,
            name=key.partition(":")[2],
            state=worst.state,
            reason=worst.reason,
            role=roles.pop() if len(roles) == 1 else None,
            count=len(inside),
            broken=sum(one.state is HopState.BROKEN for one in states),
            unknown=sum(one.state is HopState.UNKNOWN for one in states),
            group=grouped,
        )


def _worst(states: Iterable[_Seen]) -> _Seen:
    order = (HopState.BROKEN, HopState.UNKNOWN, HopState.OK)
    return min(states, key=lambda one: order.index(one.state))


class _Links:
    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[_Seen]] = defaultdict(list)

    def add(self, start: str, end: str, seen: _Seen) -> None:
        self._found[start, end].append(seen)

    def all(self) -> tuple[Arc, ...]:
        return tuple(
            Arc(
                start=start,
                end=end,
                state=_worst(states).state,
                reason=_worst(states).reason,
                count=len(states),
                broken=sum(one.state is HopState.BROKEN for one in states),
                unknown=sum(one.state is HopState.UNKNOWN for one in states),
            )
            for (start, end), states in sorted(self._found.items())
        )
