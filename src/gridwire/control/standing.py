"""How endpoints add up: to a service that stands, or does not."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from gridwire.control.picture import Picture
from gridwire.core.fleet import Node, NodeState, Role
from gridwire.core.health import Health, Standing
from gridwire.core.perimeter import Severity
from gridwire.protocol.agent import ApplyState, Report
from gridwire.protocol.api import EndpointCounts, EndpointView

_BAD = (Health.DOWN, Health.REFUSED)
_ORDER = (Health.DOWN, Health.REFUSED, Health.UNKNOWN, Health.CHECKING, Health.UP)


def count_endpoints(views: Iterable[EndpointView]) -> EndpointCounts:
    """One that is drained is nobody's loss, and serves nobody new."""
    found = {"up": 0, "down": 0, "unknown": 0, "drained": 0}
    for view in views:
        health = view.health
        kind = "drained" if view.drained else "up" if health is Health.UP else "down" if health in _BAD else "unknown"
        found[kind] += 1
    return EndpointCounts(total=sum(found.values()), **found)


def standing_of(counts: EndpointCounts) -> Standing:
    if counts.up:
        return Standing.DEGRADED if counts.down or counts.unknown else Standing.SERVING
    return Standing.UNKNOWN if counts.unknown else Standing.FAILING


def worst_endpoints(views: Iterable[EndpointView], most: int) -> tuple[EndpointView, ...]:
    """The worst first where there are more than ``most``, else all in their order."""
    listed = tuple(views)
    if len(listed) <= most:
        return listed
    return tuple(heapq.nsmallest(most, listed, key=worst_first))


def worst_first(view: EndpointView) -> tuple[bool, int, str]:
    return view.drained, _ORDER.index(view.health), view.node


_WRONG, _WARNING, _UNKNOWN, _UNDER_WAY, _OFF, _WELL = range(6)
_ON_THE_WAY = {
    NodeState.QUARANTINED: _WRONG,
    NodeState.PENDING: _WARNING,
    NodeState.REVOKING: _WARNING,
    NodeState.INVITED: _UNDER_WAY,
    NodeState.REDEEMED: _UNDER_WAY,
    NodeState.REVOKED: _OFF,
}


def node_standing(picture: Picture, node: Node) -> int:
    """0 for the worst: what is wrong, then what wants somebody, what nobody knows, what is under way, what was asked to
    be off or sleeps, and at last what is well. A list in this order begins with what a person looks for."""
    if node.state in _ON_THE_WAY:
        return _ON_THE_WAY[node.state]
    connected = picture.connected(node)
    stands = node.role in (Role.GATEWAY, Role.EDGE)  # a person's device sleeps, and that is no fault
    if connected is None:
        return _UNKNOWN
    if not connected:
        return _WRONG if stands else _OFF
    if picture.unreached(node):
        return _WRONG
    heard = picture.heard.get(node.address)
    if heard is None:
        return _WARNING if stands else _WELL
    said = _said(heard.report)
    if said == _WELL and (not heard.fresh(picture.now) or picture.behind(node)):
        said = _WARNING
    return _OFF if said == _WELL and node.drained else said


def _said(report: Report) -> int:
    severities = {finding.severity for finding in report.findings}
    if report.state in (ApplyState.FAILED, ApplyState.ROLLED_BACK) or Severity.CRITICAL in severities:
        return _WRONG
    return _WARNING if Severity.WARNING in severities else _WELL
