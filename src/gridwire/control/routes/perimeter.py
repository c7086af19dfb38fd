"""Who may reach what: every socket of every node that has an agent."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from gridwire.control.access import READ, Who, allow
from gridwire.control.body import Body
from gridwire.control.endpoint import CallerOf, GridOf, router, the_node
from gridwire.control.perimeter import node_sockets, perimeter
from gridwire.core.bodies import AGENTS
from gridwire.core.errors import Invalid
from gridwire.core.exposure import Realm
from gridwire.core.listening import Owner
from gridwire.core.names import node_name
from gridwire.protocol.perimeter import SOCKETS_PATH, NodeSockets, Perimeter, SocketsSeen

routes = router()


@routes.get("/api/v1/perimeter", tags=["perimeter"])
@allow(*READ)
def read_perimeter(
    grid: GridOf,
    node: str | None = None,
    owner: Owner | None = None,
    reach: Annotated[list[Realm] | None, Query()] = None,
    limit: Annotated[int, Query(ge=0, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Perimeter:
    """The grid's verdict, each node's guard and findings, and the sockets asked for, page by page."""
    snapshot = grid.snapshot()
    picture = grid.picture(snapshot)
    return perimeter(
        grid.look(picture, snapshot),
        picture,
        node=None if node is None else node_name(node, "node"),
        owner=owner,
        reach=tuple(reach or ()),
        limit=limit,
        cursor=cursor,
    )


@routes.get("/api/v1/nodes/{name}/sockets", tags=["perimeter"])
@allow(*READ)
def read_node_sockets(name: str, grid: GridOf) -> NodeSockets:
    """All sockets of one node, and who may reach each."""
    snapshot = grid.snapshot()
    found = snapshot.fleet.node(name)
    return node_sockets(grid.look(grid.picture(snapshot), snapshot), found.name)


@routes.post(SOCKETS_PATH, status_code=204, tags=["agent"])
@allow(Who.LOCAL, Who.AGENT)
def post_sockets(
    seen: Annotated[SocketsSeen, Depends(Body(SocketsSeen, limit=AGENTS, open_ended=True))],
    grid: GridOf,
    caller: CallerOf,
) -> None:
    """The sockets of the node, since they changed."""
    node = the_node(grid, caller, grid.snapshot())
    if seen.node != node.name:
        raise Invalid("node", f"{seen.node} is not {node.name}, which is who reports")
    grid.watched.tell(node, seen, grid.clock())
