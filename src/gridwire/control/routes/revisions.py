"""Revisions: what the fleet was, who changed it, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from gridwire.control.access import READ, allow
from gridwire.control.endpoint import GridOf, router
from gridwire.core.fleet import Fleet
from gridwire.core.revision import Revision
from gridwire.protocol.api import Listing

routes = router()


@routes.get("/api/v1/revisions", tags=["revisions"])
@allow(*READ)
def list_revisions(
    grid: GridOf,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Listing[Revision]:
    """Newest first; ``before`` a number, for the page after this one."""
    with grid.store.reading() as reading:
        return Listing(items=reading.revisions(before=before, limit=limit))


@routes.get("/api/v1/revisions/{number}", tags=["revisions"])
@allow(*READ)
def get_revision(number: int, grid: GridOf) -> Revision:
    """One revision."""
    with grid.store.reading() as reading:
        return reading.revision(min(number, 2**31 - 1))[0]


@routes.get("/api/v1/revisions/{number}/fleet", tags=["revisions"])
@allow(*READ)
def get_fleet(number: int, grid: GridOf) -> Fleet:
    """The whole fleet of one revision."""
    with grid.store.reading() as reading:
        return reading.revision(min(number, 2**31 - 1))[1]
