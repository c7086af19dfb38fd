"""Services: listed, read, put, deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from gridwire.control.access import CHANGE, READ, allow
from gridwire.control.body import Body
from gridwire.control.changing import ChangesOf
from gridwire.control.columns import SERVICES
from gridwire.control.endpoint import AuthorOf, CallerOf, GridOf, router
from gridwire.control.paging import AskedOf, page
from gridwire.control.precondition import check_precondition, etag, found, same_name, tagged
from gridwire.control.usecases.delete_noun import delete_service
from gridwire.control.usecases.put_noun import put_service
from gridwire.control.views import service_outcome
from gridwire.core.fleet import Service
from gridwire.protocol.api import Listing, ServiceOutcome

routes = router()


def _named(items: tuple[Service, ...], name: str) -> Service | None:
    return next((item for item in items if item.name == name), None)


@routes.get("/api/v1/services", tags=["services"])
@allow(*READ)
def list_services(grid: GridOf, asked: AskedOf) -> Listing[Service]:
    """All services, or a page of them; sorted by name where nothing else is asked for."""
    fleet = grid.snapshot().fleet
    return page(fleet.services, asked, SERVICES, lambda service: service, name=lambda service: service.name)


@routes.get("/api/v1/services/{name}", tags=["services"])
@allow(*READ)
def get_service(name: str, grid: GridOf, request: Request, response: Response) -> Service:
    """One service, with its ETag."""
    return tagged(found(_named(grid.snapshot().fleet.services, name), "service", name), request, response)


@routes.put("/api/v1/services/{name}", operation_id="putService", tags=["services"])
@allow(*CHANGE)
def replace_service(
    name: str,
    service: Annotated[Service, Depends(Body(Service))],
    changing: ChangesOf,
    grid: GridOf,
    caller: CallerOf,
    author: AuthorOf,
    request: Request,
    response: Response,
) -> ServiceOutcome:
    """Create or replace one service."""
    same_name(service, name)
    with changing() as transaction:
        current = _named(transaction.fleet().services, name)
        check_precondition(request.headers, caller, current, yours=service, history=transaction)
        put_service(transaction, service, author=author, now=grid.clock())
    response.status_code = 201 if current is None else 200
    response.headers["ETag"] = etag(service)
    return service_outcome(grid.picture(grid.snapshot()), service)


@routes.delete("/api/v1/services/{name}", status_code=204, operation_id="deleteService", tags=["services"])
@allow(*CHANGE)
def remove_service(
    name: str, changing: ChangesOf, grid: GridOf, caller: CallerOf, author: AuthorOf, request: Request
) -> None:
    """Take one service away; 409 while something stands on it."""
    with changing() as transaction:
        current = found(_named(transaction.fleet().services, name), "service", name)
        check_precondition(request.headers, caller, current, history=transaction)
        delete_service(transaction, current, author=author, now=grid.clock())
