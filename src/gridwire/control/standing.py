"""How endpoints add up: to a service that stands, or does not."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from gridwire.core.health import Health, Standing
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
