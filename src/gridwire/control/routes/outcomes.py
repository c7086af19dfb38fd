"""Routes and services as they stand, a page at a time; ``sort=standing`` has the worst first."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from gridwire.adapters.store import Snapshot
from gridwire.control.access import READ, allow
from gridwire.control.caller import Caller, Peer, Person
from gridwire.control.columns import SERVICES, route_columns, standing_column
from gridwire.control.endpoint import CallerOf, GridOf, router
from gridwire.control.grid import Grid
from gridwire.control.paging import AskedOf, page
from gridwire.control.picture import Picture
from gridwire.control.views import route_outcome, service_outcome, standings
from gridwire.core.fleet import Node, Role
from gridwire.core.health import Standing
from gridwire.core.names import ServiceName
from gridwire.protocol.api import MOST_ENDPOINTS, Listing, RouteOutcome, ServiceOutcome

routes = router()


def _standings(grid: Grid, snapshot: Snapshot, picture: Picture) -> Callable[[], dict[ServiceName, Standing]]:
    """Looked at only where the list is put in the order of it."""
    return cache(lambda: grid.looks.at("standings", snapshot.version, lambda: standings(picture)))


def _device(caller: Caller, snapshot: Snapshot) -> Node | None:
    """The device that asks, where it is one that opens routes."""
    node = snapshot.by_address.get(caller.address) if isinstance(caller, Person | Peer) else None
    return None if node is None or node.role is Role.GATEWAY else node


@routes.get("/api/v1/outcomes/routes", operation_id="listRouteOutcomes", tags=["outcomes"])
@allow(*READ)
def list_routes(grid: GridOf, caller: CallerOf, asked: AskedOf) -> Listing[RouteOutcome]:
    """Where each route leads, who can open it, and how it stands."""
    snapshot = grid.snapshot()
    device = _device(caller, snapshot)
    picture = grid.picture(snapshot)
    standing = _standings(grid, snapshot, picture)
    columns = {
        **route_columns(picture.fleet.network.suffix),
        "standing": standing_column(lambda route: standing()[route.to]),
    }
    return page(
        picture.fleet.routes,
        asked,
        columns,
        lambda route: route_outcome(picture, route, most=MOST_ENDPOINTS, device=device),
        name=lambda route: route.name,
    )


@routes.get("/api/v1/outcomes/services", operation_id="listServiceOutcomes", tags=["outcomes"])
@allow(*READ)
def list_services(grid: GridOf, asked: AskedOf) -> Listing[ServiceOutcome]:
    """Where each service runs, and how it stands."""
    snapshot = grid.snapshot()
    picture = grid.picture(snapshot)
    standing = _standings(grid, snapshot, picture)
    columns = {**SERVICES, "standing": standing_column(lambda service: standing()[service.name])}
    return page(
        picture.fleet.services,
        asked,
        columns,
        lambda service: service_outcome(picture, service, most=MOST_ENDPOINTS),
        name=lambda service: service.name,
    )
