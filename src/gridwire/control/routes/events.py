"""The audit chain."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from gridwire.control.access import READ, allow
from gridwire.control.endpoint import GridOf, router
from gridwire.control.paging import AskedOf, page_of_log, wanted_of
from gridwire.protocol.api import Listing
from gridwire.protocol.audit import Event

routes = router()


@routes.get("/api/v1/events", tags=["events"])
@allow(*READ)
def list_events(
    grid: GridOf,
    asked: AskedOf,
    after: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> Listing[Event]:
    """In their order: those after a number, or the last ones; ``gridwire.protocol.audit`` checks the chain.

    With ``sort``, ``filter`` or ``cursor`` as other lists, the newest first.
    """
    if after is not None or asked.walked:
        limit = asked.limit or 100
        with grid.store.reading() as reading:
            return Listing(items=reading.events(after=after or 0, limit=limit, newest=after is None))
    wanted = wanted_of(asked, ("number", "actor", "kind", "subject", "detail"), unasked=100)
    with grid.store.reading() as reading:
        return page_of_log(*reading.page_of_events(wanted), wanted, lambda event: event.number)
