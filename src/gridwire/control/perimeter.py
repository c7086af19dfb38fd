"""What agents said of their sockets and guards, in memory, and what follows of it for each node and the grid."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gridwire.control.picture import Picture
from gridwire.control.reports import Heard
from gridwire.control.specs import Current, Version
from gridwire.core.addressing import Address
from gridwire.core.compiler import compile_node
from gridwire.core.errors import NotFound
from gridwire.core.exposure import Exposure, Realm, Standpoint, expose
from gridwire.core.fleet import Node, NodeState, Role
from gridwire.core.listening import Listening, Owner
from gridwire.core.names import NodeName
from gridwire.core.perimeter import Finding
from gridwire.core.perimeter_verdict import (
    GuardState,
    GuardView,
    NodePerimeter,
    PerimeterVerdict,
    Proof,
    State,
    grid_verdict,
    guard_view,
    judge_guard,
    judge_sockets,
    of_agent,
    public_ports,
    state_of,
    why_unknown,
)
from gridwire.core.spec import NodeSpec
from gridwire.protocol.agent import Report
from gridwire.protocol.perimeter import NodeSockets, Perimeter, SocketPage, SocketsSeen, SocketView

SOCKETS_FRESH: Final = timedelta(seconds=60)  # an agent looks every ten seconds
_WORST: Final = (State.FINDINGS, State.UNKNOWN, State.WELL)

Judged = tuple[tuple[Listening, Exposure], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a node said of its sockets, and when it last was so, by control's clock."""

    seen: SocketsSeen
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    view: NodePerimeter
    sockets: Judged


class Watched:
    """By mesh address, as reports are. Judging again what nobody changed would cost a second in a grid of a thousand,
    so what was judged is kept for as long as all that it goes by is the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[Address, Told] = {}
        self._late: dict[Address, tuple[Version, datetime]] = {}
        self._specs: dict[Address, tuple[Version, NodeSpec]] = {}
        self._judged: dict[Address, tuple[SocketsSeen, Standpoint, Judged]] = {}

    def tell(self, node: Node, seen: SocketsSeen, now: datetime) -> None:
        with self._lock:
            self._told[node.address] = Told(seen=seen, at=now)

    def confirm(self, node: Node, report: Report, now: datetime) -> None:
        """The node's report says that its sockets still are those of which it told."""
        with self._lock:
            told = self._told.get(node.address)
            if told is not None and report.sockets is not None and report.sockets.digest == told.seen.mark.digest:
                at = report.sockets.at + (now - report.at)
                self._told[node.address] = Told(seen=told.seen, at=max(told.at, min(at, now)))

    def look(self, picture: Picture, spec_of: Callable[[Node], Current]) -> tuple[Looked, ...]:
        """Every node that is to have an agent, worst first."""
        live = [node for node in picture.fleet.nodes if node.state is NodeState.ACTIVE]
        with self._lock:
            self._forget({node.address for node in live})
            found = [
                self._look(picture, node, spec_of)
                for node in live
                if node.role in (Role.GATEWAY, Role.EDGE) or node.address in picture.heard
            ]
        looked = [one for one in found if one is not None]
        return tuple(sorted(looked, key=lambda one: (_WORST.index(one.view.state), one.view.node)))

    def _forget(self, live: Collection[Address]) -> None:
        for kept in (self._told, self._late, self._specs, self._judged):
            for address in kept.keys() - set(live):
                del kept[address]

    def _look(self, picture: Picture, node: Node, spec_of: Callable[[Node], Current]) -> Looked | None:
        try:
            current = spec_of(node)
        except NotFound:  # replaced meanwhile
            return None
        now, heard, told = picture.now, picture.heard.get(node.address), self._told.get(node.address)
        spec = self._spec(node, current)
        guard = _guard_of(heard, current.since)
        seen = _standpoint(heard, told, guard, spec, now)
        sockets = () if told is None else self._judge(node, told.seen, seen)
        if heard is None or not heard.fresh(now):  # it stood when it was last read, and nobody knows how it is
            guard = replace(guard, state=GuardState.UNKNOWN, detail=seen.unknown)
        late_for = self._late_for(node, current.since, guard, now)
        findings = _findings(heard, guard, current.since, late_for, now, silent=bool(seen.unknown))
        if told is not None and not seen.unknown:
            ports = tuple(listener.port for listener in spec.proxy.listeners)
            findings += judge_sockets(sockets, spec.guard, ports=ports, left_out=told.seen.left_out)
        why = why_unknown(seen, guard, sockets)
        times = [at for at in (guard.read_at, None if told is None else told.at) if at is not None]
        proved = not why and len(times) == 2
        return Looked(
            view=NodePerimeter(
                node=node.name,
                role=node.role,
                state=state_of(why, findings),
                why=why,
                guard=guard,
                sockets=len(sockets),
                public=len(public_ports(sockets, Owner.OURS)),
                foreign=len(public_ports(sockets, Owner.FOREIGN)),
                left_out=0 if told is None else told.seen.left_out,
                seen_at=None if told is None else told.at,
                links=() if told is None else told.seen.links,
                firewalls=() if told is None else told.seen.firewalls,
                findings=findings,
                proof=Proof.READ_BACK if proved else Proof.NONE,
                proved_at=min(times) if proved else None,
            ),
            sockets=sockets,
        )

    def _spec(self, node: Node, current: Current) -> NodeSpec:
        kept = self._specs.get(node.address)
        if kept is None or kept[0] != current.since:
            kept = (current.since, compile_node(current.index, node.name, current.version))
            self._specs[node.address] = kept
        return kept[1]

    def _judge(self, node: Node, told: SocketsSeen, seen: Standpoint) -> Judged:
        kept = self._judged.get(node.address)
        if kept is None or kept[0] is not told or kept[1] != seen:
            kept = (told, seen, tuple((one, expose(one, seen)) for one in told.sockets))
            self._judged[node.address] = kept
        return kept[2]

    def _late_for(self, node: Node, wanted: Version, guard: GuardView, now: datetime) -> timedelta:
        if guard.state is not GuardState.LATE:
            self._late.pop(node.address, None)
            return timedelta()
        _, began = self._late.setdefault(node.address, (wanted, now))
        return now - began


def _guard_of(heard: Heard | None, wanted: Version) -> GuardView:
    """A node says nothing of a time to come, whatever it says."""
    if heard is None:
        return guard_view(None, wanted, timedelta())
    view = guard_view(heard.report.guard, wanted, heard.at - heard.report.at)
    return replace(view, read_at=None if view.read_at is None else min(view.read_at, heard.at))


def _standpoint(heard: Heard | None, told: Told | None, guard: GuardView, spec: NodeSpec, now: datetime) -> Standpoint:
    """Silence is told before anything that was said before it."""
    unknown = ""
    if heard is None:
        unknown = "its agent has said nothing since control started"
    elif not heard.fresh(now):
        unknown = f"its agent is silent since {heard.at:%Y-%m-%d %H:%M:%S} UTC"
    elif told is None:
        unknown = "its agent has not told its sockets"
    elif now - told.at > SOCKETS_FRESH:
        unknown = f"its sockets were last seen at {told.at:%Y-%m-%d %H:%M:%S} UTC"
    if unknown or told is None:
        return Standpoint(unknown=unknown)
    stands = guard.state in (GuardState.STANDS, GuardState.LATE)
    return Standpoint(
        guard=spec.guard,
        stands=True if stands else None,
        late=guard.state is GuardState.LATE,
        links=told.seen.links,
        localnet=told.seen.localnet,
        firewalls=told.seen.firewalls,
    )


def _findings(
    heard: Heard | None, guard: GuardView, wanted: Version, late_for: timedelta, now: datetime, *, silent: bool
) -> tuple[Finding, ...]:
    if heard is None or silent:
        return ()
    return (*judge_guard(guard, wanted, late_for=late_for, now=now), *of_agent(heard.report.findings))


def perimeter(
    looked: tuple[Looked, ...],
    picture: Picture,
    *,
    node: NodeName | None = None,
    owner: Owner | None = None,
    reach: Collection[Realm] = (),
    limit: int = 200,
    cursor: str | None = None,
) -> Perimeter:
    """All of it, and those sockets that are of ``node``, ``owner`` and one of ``reach``, where these are given."""
    views = (
        view
        for one in looked
        if node is None or one.view.node == node
        for view in _views(one)
        if (owner is None or view.socket.owner is owner) and (not reach or view.reach in reach)
    )
    return Perimeter(
        verdict=verdict_of(looked, picture),
        nodes=tuple(one.view for one in looked),
        sockets=_page(views, limit, cursor),
    )


def verdict_of(looked: tuple[Looked, ...], picture: Picture) -> PerimeterVerdict:
    """What all nodes come to; those that have no agent are counted, and judged by nobody."""
    seen = {one.view.node for one in looked}
    unseen = sum(1 for each in picture.fleet.active() if each.name not in seen)
    return grid_verdict(tuple(one.view for one in looked), unseen=unseen, now=picture.now)


def node_sockets(looked: tuple[Looked, ...], name: NodeName) -> NodeSockets:
    """Raise NotFound for a node without an agent."""
    for one in looked:
        if one.view.node == name:
            return NodeSockets(node=one.view, sockets=tuple(_views(one)))
    raise NotFound(f"{name} has no agent that tells its sockets", fix="a device's own system lists them")


def _views(one: Looked) -> Iterable[SocketView]:
    for socket, exposure in one.sockets:
        yield SocketView(node=one.view.node, socket=socket, reach=exposure.reach, ways=exposure.ways)


def _page(views: Iterable[SocketView], limit: int, cursor: str | None) -> SocketPage:
    """A cursor is the key of the last one told, so that what changes meanwhile neither repeats nor hides others."""
    listed = sorted((_key(view), view) for view in views)
    rest = [each for each in listed if cursor is None or each[0] > cursor]
    page = rest[:limit]
    return SocketPage(
        items=tuple(view for _, view in page),
        next=page[-1][0] if page and len(rest) > limit else None,  # a verdict alone is asked with a limit of none
        total=len(listed),
    )


def _key(view: SocketView) -> str:
    one = view.socket
    return f"{view.node} {one.protocol} {one.port:05} {one.address} {one.device or ''} {one.pid or 0}"
