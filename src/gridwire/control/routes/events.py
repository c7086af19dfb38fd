"""The audit chain."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from gridwire.control.access import READ, allow
from gridwire.control.endpoint import GridOf, router
from gridwire.protocol.api import Event, Listing

routes = router()


@routes.get("/api/v1/events", tags=["events"])
@allow(*READ)
def list_events(
    grid: GridOf,
    after: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> Listing[Event]:
    """In their order: those after a number, or the last ones. ``gridwire.protocol.audit`` checks the chain."""
    with grid.store.reading() as reading:
        return Listing(items=reading.events(after=after or 0, limit=limit, newest=after is None))
