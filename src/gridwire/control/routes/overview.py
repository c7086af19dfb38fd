"""What a person looks at first: the overview, the picture of the grid, and why a request gets where it gets."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from gridwire.control.access import READ, allow
from gridwire.control.endpoint import GridOf, router
from gridwire.control.explanation import explain
from gridwire.control.overview import overview
from gridwire.control.topology import topology
from gridwire.core.errors import Invalid
from gridwire.protocol.explanation import Explanation
from gridwire.protocol.overview import Overview
from gridwire.protocol.topology import Topology

CHANGES = 5
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})

routes = router()


@routes.get("/api/v1/overview", tags=["overview"])
@allow(*READ)
def get_overview(grid: GridOf) -> Overview:
    """Failing routes hop by hop, how many nodes stand, the perimeter, the last changes, and what wants somebody."""
    with grid.store.reading() as reading:
        snapshot, changes = reading.snapshot(), reading.revisions(limit=CHANGES)
    own = grid.own_findings(snapshot)
    picture = grid.picture(snapshot)
    return grid.looks.at(
        "overview",
        snapshot.version,
        lambda: overview(picture, snapshot.version, changes, grid.look(picture, snapshot), own),
    )


@routes.get("/api/v1/topology", tags=["overview"])
@allow(*READ)
def get_topology(grid: GridOf) -> Topology:
    """Devices, gateways, edges and services in the order of names, with links; long columns in groups."""
    snapshot = grid.snapshot()
    picture = grid.picture(snapshot)
    return grid.looks.at("topology", snapshot.version, lambda: topology(picture, snapshot.version[1]))


@routes.get("/api/v1/explain", operation_id="explain", tags=["overview"])
@allow(*READ)
def get_explanation(
    grid: GridOf,
    node: Annotated[str, Query(description="Who asks: a node's name.", max_length=63)],
    url: Annotated[str, Query(description="What it asks for: http://api.grid/path", max_length=8192)],
    method: Annotated[str, Query(description="GET, POST …", max_length=16)] = "GET",
) -> Explanation:
    """Which route takes it or nearly does, who is let in, which endpoints there are, and where on the way it ends."""
    if method.upper() not in _METHODS:
        raise Invalid("method", f"{method!r} is no method of HTTP", fix="use GET, POST, PUT, PATCH or DELETE")
    picture = grid.picture(grid.snapshot())
    return explain(picture, picture.known.explainer, picture.fleet.node(node), method.upper(), url)
