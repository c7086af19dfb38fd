"""The one screen, and the network."""

from __future__ import annotations

from dataclasses import replace

from gridwire.control.access import READ, allow
from gridwire.control.endpoint import GridOf, router
from gridwire.control.views import status
from gridwire.core.fleet import Network
from gridwire.protocol.api import Status

routes = router()


@routes.get("/api/v1/status", tags=["status"])
@allow(*READ)
def get_status(grid: GridOf) -> Status:
    """Nodes, routes, services, their health and what was found, as of now."""
    snapshot = grid.snapshot()
    seen = status(grid.picture(snapshot), snapshot.version)
    return replace(seen, findings=(*grid.own_findings(snapshot), *seen.findings))


@routes.get("/api/v1/network", tags=["status"])
@allow(*READ)
def get_network(grid: GridOf) -> Network:
    """What all nodes share."""
    return grid.snapshot().fleet.network
