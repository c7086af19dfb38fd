"""Routes: listed, read, put, deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from gridwire.control.access import CHANGE, READ, allow
from gridwire.control.body import Body
from gridwire.control.changing import ChangesOf
from gridwire.control.columns import route_columns
from gridwire.control.endpoint import AuthorOf, CallerOf, GridOf, router
from gridwire.control.paging import AskedOf, page
from gridwire.control.precondition import check_precondition, etag, found, same_name, tagged
from gridwire.control.usecases.delete_noun import delete_route
from gridwire.control.usecases.put_noun import put_route
from gridwire.control.views import route_outcome
from gridwire.core.fleet import Route
from gridwire.protocol.api import Listing, RouteOutcome

routes = router()


def _named(items: tuple[Route, ...], name: str) -> Route | None:
    return next((item for item in items if item.name == name), None)


@routes.get("/api/v1/routes", tags=["routes"])
@allow(*READ)
def list_routes(grid: GridOf, asked: AskedOf) -> Listing[Route]:
    """All routes, or a page of them; sorted by name where nothing else is asked for."""
    fleet = grid.snapshot().fleet
    columns = route_columns(fleet.network.suffix)
    return page(fleet.routes, asked, columns, lambda route: route, name=lambda route: route.name)


@routes.get("/api/v1/routes/{name}", tags=["routes"])
@allow(*READ)
def get_route(name: str, grid: GridOf, request: Request, response: Response) -> Route:
    """One route, with its ETag."""
    return tagged(found(_named(grid.snapshot().fleet.routes, name), "route", name), request, response)


@routes.put("/api/v1/routes/{name}", operation_id="putRoute", tags=["routes"])
@allow(*CHANGE)
def replace_route(
    name: str,
    route: Annotated[Route, Depends(Body(Route))],
    changing: ChangesOf,
    grid: GridOf,
    caller: CallerOf,
    author: AuthorOf,
    request: Request,
    response: Response,
) -> RouteOutcome:
    """Create or replace one route."""
    same_name(route, name)
    with changing() as transaction:
        current = _named(transaction.fleet().routes, name)
        check_precondition(request.headers, caller, current, yours=route, history=transaction)
        put_route(transaction, route, author=author, now=grid.clock())
    response.status_code = 201 if current is None else 200
    response.headers["ETag"] = etag(route)
    return route_outcome(grid.picture(grid.snapshot()), route)


@routes.delete("/api/v1/routes/{name}", status_code=204, operation_id="deleteRoute", tags=["routes"])
@allow(*CHANGE)
def remove_route(
    name: str, changing: ChangesOf, grid: GridOf, caller: CallerOf, author: AuthorOf, request: Request
) -> None:
    """Take one route away; 409 while something stands on it."""
    with changing() as transaction:
        current = found(_named(transaction.fleet().routes, name), "route", name)
        check_precondition(request.headers, caller, current, history=transaction)
        delete_route(transaction, current, author=author, now=grid.clock())
