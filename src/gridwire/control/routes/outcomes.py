"""Routes and services as they stand, a page at a time; ``sort=standing`` has the worst first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Annotated

from fastapi import Query

from gridwire.adapters.store import Snapshot
from gridwire.control.access import READ, allow
from gridwire.control.caller import Caller, Peer, Person
from gridwire.control.columns import POLICIES, SERVICES, node_column, route_columns, standing_column
from gridwire.control.endpoint import CallerOf, GridOf, router
from gridwire.control.grid import Grid
from gridwire.control.paging import AskedOf, page
from gridwire.control.picture import Picture
from gridwire.control.views import route_outcome, service_outcome, standings
from gridwire.core.crowd import Crowd
from gridwire.core.fleet import Node, Policy, Role, Route, Service
from gridwire.core.health import Standing
from gridwire.core.names import RouteName, ServiceName
from gridwire.protocol.api import (
    FEW_ENDPOINTS,
    FEW_NAMES,
    MOST_ENDPOINTS,
    MOST_ROUTES,
    Listing,
    PolicyOutcome,
    RouteOutcome,
    ServiceOutcome,
)

routes = router()

BriefOf = Annotated[bool, Query(description="Only what a row of a table shows: few endpoints, names and advice.")]


def _standings(grid: Grid, snapshot: Snapshot, picture: Picture) -> Callable[[], dict[ServiceName, Standing]]:
    """Looked at only where the list is put in the order of it."""
    return cache(lambda: grid.looks.at("standings", snapshot.version, lambda: standings(picture)))


def _device(caller: Caller, snapshot: Snapshot) -> Node | None:
    """The device that asks, where it is one that opens routes."""
    node = snapshot.by_address.get(caller.address) if isinstance(caller, Person | Peer) else None
    return None if node is None or node.role is Role.GATEWAY else node


@routes.get("/api/v1/outcomes/routes", operation_id="listRouteOutcomes", tags=["outcomes"])
@allow(*READ)
def list_routes(grid: GridOf, caller: CallerOf, asked: AskedOf, brief: BriefOf = False) -> Listing[RouteOutcome]:
    """Where each route leads, who can open it, and how it stands."""
    snapshot = grid.snapshot()
    device = _device(caller, snapshot)
    picture = grid.picture(snapshot)
    standing = _standings(grid, snapshot, picture)
    columns = {
        **route_columns(picture.fleet.network.suffix),
        "standing": standing_column(lambda route: standing()[route.to]),
        "node": node_column(lambda route: route.to, picture),
    }

    def told(route: Route) -> RouteOutcome:
        outcome = route_outcome(picture, route, most=FEW_ENDPOINTS if brief else MOST_ENDPOINTS, device=device)
        return _in_brief(outcome) if brief else outcome

    return page(picture.fleet.routes, asked, columns, told, name=lambda route: route.name)


@routes.get("/api/v1/outcomes/services", operation_id="listServiceOutcomes", tags=["outcomes"])
@allow(*READ)
def list_services(grid: GridOf, asked: AskedOf, brief: BriefOf = False) -> Listing[ServiceOutcome]:
    """Where each service runs, and how it stands."""
    snapshot = grid.snapshot()
    picture = grid.picture(snapshot)
    standing = _standings(grid, snapshot, picture)
    columns = {
        **SERVICES,
        "standing": standing_column(lambda service: standing()[service.name]),
        "node": node_column(lambda service: service.name, picture),
    }

    def told(service: Service) -> ServiceOutcome:
        outcome = service_outcome(picture, service, most=FEW_ENDPOINTS if brief else MOST_ENDPOINTS)
        return replace(outcome, advice=outcome.advice[:1]) if brief else outcome

    return page(picture.fleet.services, asked, columns, told, name=lambda service: service.name)


@routes.get("/api/v1/outcomes/policies", operation_id="listPolicyOutcomes", tags=["outcomes"])
@allow(*READ)
def list_policies(grid: GridOf, asked: AskedOf) -> Listing[PolicyOutcome]:
    """Whom each policy lets in, and which routes name it."""
    known = grid.picture(grid.snapshot()).known
    named: dict[str, list[RouteName]] = defaultdict(list)
    for route in known.fleet.routes:
        for selector in route.allow:
            if selector.kind == "policy":
                named[selector.value].append(route.name)

    def told(policy: Policy) -> PolicyOutcome:
        routes_of = named.get(policy.name, [])
        return PolicyOutcome(
            policy=policy,
            can=known.crowds.crowd(known.crowds.selected(policy.allow) & known.crowds.people),
            routes=tuple(routes_of[:MOST_ROUTES]),
            routes_count=len(routes_of),
        )

    return page(known.fleet.policies, asked, POLICIES, told, name=lambda policy: policy.name)


def _in_brief(outcome: RouteOutcome) -> RouteOutcome:
    return replace(
        outcome,
        can=_few(outcome.can),
        cannot=_few(outcome.cannot),
        can_open=(),
        cannot_open=(),
        advice=outcome.advice[:1],
    )


def _few(crowd: Crowd) -> Crowd:
    return replace(crowd, nodes=crowd.nodes[:FEW_NAMES])
