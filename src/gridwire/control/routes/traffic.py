"""Traffic: what a gateway's agent brings, and what people are shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from gridwire.control.access import READ, Who, allow
from gridwire.control.body import Body
from gridwire.control.endpoint import CallerOf, GridOf, router, the_node
from gridwire.core.bodies import OWN
from gridwire.core.errors import Invalid, NotPermitted
from gridwire.core.fleet import Role
from gridwire.core.traffic import Kind, Rank
from gridwire.protocol.traffic import COUNTED_PATH, TOP_PATH, TRAFFIC_PATH, Counted, Series, Top

routes = router()


@routes.post(COUNTED_PATH, status_code=204, tags=["agent"])
@allow(Who.LOCAL, Who.AGENT)
def post_counted(
    counted: Annotated[Counted, Depends(Body(Counted, limit=OWN, open_ended=True))],
    grid: GridOf,
    caller: CallerOf,
) -> None:
    """What this gateway's nginx counted since the last time."""
    node = the_node(grid, caller, grid.snapshot())
    if node.role is not Role.GATEWAY:
        raise NotPermitted(f"{node.name} is of role {node.role}: gateways count traffic")
    grid.traffic.take(node.name, counted)


@routes.get(TRAFFIC_PATH, tags=["traffic"])
@allow(*READ)
def read_traffic(
    grid: GridOf,
    of: Kind = Kind.GATEWAY,
    name: Annotated[str, Query(max_length=255)] = "",
    since: datetime | None = None,
    until: datetime | None = None,
    step: Annotated[int | None, Query(ge=1, le=86400)] = None,
) -> Series:
    """Of one noun, over the last ten minutes where nothing else is said. No name: of all gateways together."""
    if not name and of is not Kind.GATEWAY:
        raise Invalid("name", f"which {of}?", fix="give its name; an endpoint's is service/node")
    end = _instant(until, "until") or grid.clock() + timedelta(seconds=1)  # with the second that is now
    begin = _instant(since, "since") or end - timedelta(minutes=10)
    return grid.traffic.series(of, name, int(begin.timestamp()), int(end.timestamp()), step)


@routes.get(TOP_PATH, tags=["traffic"])
@allow(*READ)
def read_top(
    grid: GridOf,
    of: Kind = Kind.ROUTE,
    by: Rank = Rank.REQUESTS,
    seconds: Annotated[int, Query(ge=60, le=86400)] = 300,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> Top:
    """Who had most of it lately."""
    return grid.traffic.top(of, by, seconds, limit)


def _instant(moment: datetime | None, field: str) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise Invalid(field, "it has no time zone", fix="write it like 2030-01-31T12:00:00Z")
    if moment is not None and not 1970 <= moment.year < 2200:
        raise Invalid(field, f"there is no traffic of {moment.year}")
    return moment
