"""Are users failing now, at which hop, what changed just before, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gridwire.control.explanation import hops_to
from gridwire.control.perimeter import Looked, verdict_of
from gridwire.control.picture import Picture
from gridwire.control.standing import worst_first
from gridwire.control.views import endpoint_views, standings, url_of
from gridwire.core.fleet import Node, NodeState, Role, Route
from gridwire.core.health import Standing
from gridwire.core.names import NodeName
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.revision import Revision
from gridwire.protocol.agent import ApplyState
from gridwire.protocol.overview import Attention, FailingRoute, Need, Overview
from gridwire.version import __version__

MOST: Final = 20  # failing routes, and things that want somebody
_CLOCK: Final = timedelta(minutes=2)  # further off, and the times that it reports mislead
_SETTLING: Final = timedelta(seconds=10)
_ORDER: Final = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
# Of nobody who is served is told before somebody who is, also where why is not known.
_URGENT: Final = (Standing.FAILING, Standing.UNKNOWN, Standing.DEGRADED)

Findings = tuple[tuple[NodeName, Finding], ...]


def overview(
    picture: Picture,
    version: tuple[int, int],
    changes: tuple[Revision, ...],
    looked: tuple[Looked, ...],
    own: Findings = (),
) -> Overview:
    """``changes``: the latest, newest first. ``looked``: the perimeter. ``own``: what control itself found."""
    fleet = picture.fleet
    known = [node for node in fleet.active() if _should_stand(picture, node)]
    standing = [False if picture.unreached(node) else picture.connected(node) for node in known]
    failing = _failing(picture)
    findings = tuple(dict.fromkeys((*own, *_findings(picture, looked))))
    settled = not changes or picture.now - changes[0].at > _SETTLING
    attention = sorted(
        (*_nodes(picture, settled=settled), *_unserved(failing), *_found(findings)),
        key=lambda one: _ORDER.index(one.severity),
    )
    return Overview(
        at=picture.now,
        suffix=fleet.network.suffix,
        epoch=version[0],
        revision=version[1],
        version=__version__,
        nodes_up=standing.count(True),
        nodes_known=len(known),
        nodes_unknown=standing.count(None),
        routes=len(fleet.routes),
        failing=tuple(failing[:MOST]),
        failing_count=len(failing),
        perimeter=verdict_of(looked, picture),
        changes=tuple(replace(change, changed=change.changed[:MOST]) for change in changes),
        attention=tuple(attention[:MOST]),
        attention_count=len(attention),
    )


def _should_stand(picture: Picture, node: Node) -> bool:
    """A device without an agent calls when it has something to send, and is at rest else."""
    return node.role in (Role.GATEWAY, Role.EDGE) or node.address in picture.heard


def _failing(picture: Picture) -> list[FailingRoute]:
    """The worst first."""
    standing = standings(picture)
    found = [(standing[r.to], r) for r in picture.fleet.routes if standing[r.to] is not Standing.SERVING]
    found.sort(key=lambda one: (_URGENT.index(one[0]), one[1].name))
    return [
        _drawn(picture, route, how)
        if place < MOST
        else FailingRoute(route=route.name, url=url_of(picture.fleet, route), standing=how, hops=())
        for place, (how, route) in enumerate(found)
    ]


def _drawn(picture: Picture, route: Route, standing: Standing) -> FailingRoute:
    service = picture.known.services[route.to]
    worst = min(endpoint_views(picture, service), key=worst_first, default=None)
    return FailingRoute(
        route=route.name,
        url=url_of(picture.fleet, route),
        standing=standing,
        hops=hops_to(picture, service, worst),
        since=None if worst is None else worst.since,
    )


def _findings(picture: Picture, looked: tuple[Looked, ...]) -> Findings:
    return (*((one.view.node, finding) for one in looked for finding in one.view.findings), *picture.findings)


def _found(findings: Findings) -> Iterable[Attention]:
    for node, finding in findings:
        if finding.severity is not Severity.INFO:
            yield Attention(
                need=Need.FINDING, severity=finding.severity, subject=node, what=finding.what, fix=finding.fix
            )


def _unserved(failing: Iterable[FailingRoute]) -> Iterable[Attention]:
    names = [route.route for route in failing if route.standing is Standing.FAILING]
    if names:
        yield Attention(
            need=Need.UNSERVED,
            severity=Severity.CRITICAL,
            subject=names[0],
            what="no endpoint of it serves",
            others=len(names) - 1,
        )


def _nodes(picture: Picture, *, settled: bool) -> Iterable[Attention]:
    """``settled``: nothing was changed so lately that agents may still be at it."""
    found: dict[Need, list[tuple[Node, str, str]]] = {}
    for node in picture.fleet.nodes:
        for need, what, fix in _needs(picture, node, settled=settled):
            found.setdefault(need, []).append((node, what, fix))
    for need, all_of_it in found.items():
        node, what, fix = all_of_it[0]
        yield Attention(
            need=need,
            severity=_SEVERITY[need],
            subject=node.name,
            what=what,
            fix=fix,
            since=_since(picture, node, need),
            others=len(all_of_it) - 1,
        )


def _since(picture: Picture, node: Node, need: Need) -> datetime | None:
    """When it was last heard of, where that is what is wrong."""
    heard = picture.heard.get(node.address)
    last = None if heard is None else heard.at
    if need is Need.AWAY:
        return max((at for at in (last, picture.last_session(node)) if at is not None), default=None)
    return last if need is Need.SILENT else None


_SEVERITY: Final = {
    Need.QUARANTINED: Severity.CRITICAL,
    Need.REVOKING: Severity.CRITICAL,
    Need.FAILED: Severity.CRITICAL,
    Need.AWAY: Severity.WARNING,
    Need.SILENT: Severity.WARNING,
    Need.BEHIND: Severity.WARNING,
    Need.CLOCK: Severity.WARNING,
    Need.PENDING: Severity.INFO,
}


def _needs(picture: Picture, node: Node, *, settled: bool) -> Iterable[tuple[Need, str, str]]:
    state = node.state
    if state is NodeState.PENDING:
        yield Need.PENDING, "it joined, and waits for a yes", f"gridwire node approve {node.name}"
    elif state is NodeState.QUARANTINED:
        fix = f"gridwire node revoke {node.name}, and invite it again"
        yield Need.QUARANTINED, "its invitation was used twice, so it may have leaked", fix
    elif state is NodeState.REVOKING:
        yield Need.REVOKING, "a gateway has not said that it is cut off", "see that every gateway's agent runs"
    if state is not NodeState.ACTIVE:
        return
    heard = picture.heard.get(node.address)
    if node.role in (Role.GATEWAY, Role.EDGE) and picture.connected(node) is False:
        yield Need.AWAY, "its tunnel is down", f"on it: gridwire doctor {node.name}" if node.role is Role.EDGE else ""
    elif lost := picture.unreached(node):
        yield Need.AWAY, f"nothing there answers the gateway: {lost}", f"on it: gridwire doctor {node.name}"
    elif heard is None:
        if node.role in (Role.GATEWAY, Role.EDGE):
            yield Need.SILENT, "its agent never reported", "is gridwire agent running there?"
        return
    if heard is None:
        return
    report = heard.report
    if not heard.fresh(picture.now):
        if picture.connected(node) is not False and not picture.unreached(node):
            yield Need.SILENT, "its tunnel stands, and its agent does not report", "is gridwire agent running there?"
        return
    if report.state in (ApplyState.FAILED, ApplyState.ROLLED_BACK):
        yield Need.FAILED, f"its last change {report.state}: {report.detail}", ""
    since = picture.since(node.address)
    late = settled and since is not None and report.version < since and report.state is not ApplyState.APPLYING
    if late and since is not None and picture.connected(node) is not False:
        yield Need.BEHIND, f"it is at revision {report.version[1]}, and what it must be is of {since[1]}", ""
    if abs(report.at - heard.at) > _CLOCK:
        yield Need.CLOCK, "its clock differs from the gateway's by minutes", "see that it keeps time: timedatectl"
