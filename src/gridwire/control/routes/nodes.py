"""Nodes: seen, tagged, drained, approved, revoked; and devices without an agent."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from gridwire.control.access import CHANGE, READ, allow
from gridwire.control.body import Body
from gridwire.control.caller import Caller
from gridwire.control.changing import ChangesOf, Changing
from gridwire.control.columns import node_columns
from gridwire.control.endpoint import AuthorOf, CallerOf, GridOf, router
from gridwire.control.grid import Grid
from gridwire.control.paging import AskedOf, page
from gridwire.control.precondition import check_precondition, etag
from gridwire.control.usecases.add_device import add_device
from gridwire.control.usecases.approve_node import approve_node
from gridwire.control.usecases.change_node import change_node
from gridwire.control.usecases.revoke_node import begin_revocation, finish_revocations, unfinished
from gridwire.control.views import node_view
from gridwire.core.errors import NotFinished
from gridwire.core.fleet import Node, NodeState
from gridwire.protocol.api import Device, Listing, NodeChange, NodeView, Revoked

REVOKE_SECONDS = 2.0  # then the answer is 504, and a later report finishes it

routes = router()


def _view(grid: Grid, node: Node) -> NodeView:
    return node_view(grid.picture(grid.snapshot()), node)


@routes.get("/api/v1/nodes", tags=["nodes"])
@allow(*READ)
def list_nodes(grid: GridOf, asked: AskedOf) -> Listing[NodeView]:
    """All nodes but revoked ones, or a page of them; sorted by name where nothing else is asked for."""
    picture = grid.picture(grid.snapshot())
    live = (node for node in picture.fleet.nodes if node.state is not NodeState.REVOKED)
    columns = node_columns(picture)
    return page(live, asked, columns, lambda node: node_view(picture, node), name=lambda node: node.name)


@routes.get("/api/v1/nodes/{name}", tags=["nodes"])
@allow(*READ)
def get_node(name: str, grid: GridOf, response: Response) -> NodeView:
    """One node; the ETag is of the node itself, not of what its agent says from moment to moment."""
    node = grid.snapshot().fleet.node(name)
    response.headers["ETag"] = etag(node)
    return _view(grid, node)


@routes.patch("/api/v1/nodes/{name}", tags=["nodes"])
@allow(*CHANGE)
def patch_node(
    name: str,
    change: Annotated[NodeChange, Depends(Body(NodeChange))],
    changing: ChangesOf,
    grid: GridOf,
    caller: CallerOf,
    author: AuthorOf,
    request: Request,
    response: Response,
) -> NodeView:
    """Change tags or drain."""
    with changing() as transaction:
        check_precondition(request.headers, caller, transaction.fleet().node(name), history=transaction)
        node = change_node(transaction, name, change, author=author, now=grid.clock())
    response.headers["ETag"] = etag(node)
    return _view(grid, node)


@routes.post("/api/v1/nodes/{name}/approve", operation_id="approveNode", tags=["nodes"])
@allow(*CHANGE)
def approve(
    name: str,
    changing: ChangesOf,
    grid: GridOf,
    caller: CallerOf,
    author: AuthorOf,
    request: Request,
    response: Response,
) -> NodeView:
    """Say yes to a node that waits for it, or that was quarantined."""
    with changing() as transaction:
        _check_unless(NodeState.ACTIVE, transaction.fleet().node(name), request, caller)
        node = approve_node(transaction, name, author=author, now=grid.clock())
    response.headers["ETag"] = etag(node)
    return _view(grid, node)


@routes.post("/api/v1/nodes/{name}/revoke", operation_id="revokeNode", tags=["nodes"])
@allow(*CHANGE)
async def revoke(
    name: str, changing: ChangesOf, grid: GridOf, caller: CallerOf, author: AuthorOf, request: Request
) -> Revoked:
    """Cut a node off; answered when every gateway has said that it is so, or after 2 s with 504."""
    began = time.monotonic()
    node = await run_in_threadpool(_begin, changing, grid, name, caller, author, request)
    while True:
        seen = grid.heard.count
        missing = await run_in_threadpool(_finish, grid, node)
        if not missing:
            elapsed = time.monotonic() - began
            return Revoked(node=node.name, address=node.address, milliseconds=round(elapsed * 1000))
        remaining = began + REVOKE_SECONDS - time.monotonic()
        if remaining <= 0 or grid.heard.closed:
            names = ", ".join(gateway.name for gateway in missing)
            raise NotFinished(
                f"{node.name} is marked revoked, but {names} {'has' if len(missing) == 1 else 'have'} not said that it "
                "is cut off there: until then it may still get through",
                fix=f"see that the agent runs on {names} (`gridwire status`): it cuts the node as soon as it hears of "
                "it; then ask again, which is safe",
            )
        await grid.heard.rung(seen, remaining)


def _check_unless(done: NodeState, node: Node, request: Request, caller: Caller) -> None:
    """What was asked for and is so already may be asked for again, with the ETag of before it (RFC 9110 §13.1.1)."""
    if node.state is not done:
        check_precondition(request.headers, caller, node)


def _begin(changing: Changing, grid: Grid, name: str, caller: Caller, author: str, request: Request) -> Node:
    with changing() as transaction:
        _check_unless(NodeState.REVOKING, transaction.fleet().node(name), request, caller)
        return begin_revocation(transaction, name, author=author, now=grid.clock())


def _finish(grid: Grid, node: Node) -> tuple[Node, ...]:
    """The gateways that are missing; with none missing the node is revoked."""
    now_is = grid.snapshot().by_address[node.address]
    if now_is.state is NodeState.REVOKED:
        return ()
    heard = grid.reports.all()
    with grid.store.reading() as reading:
        missing = unfinished(reading, node, heard)
    if not missing:
        with grid.changing() as transaction:
            finish_revocations(transaction, heard, now=grid.clock())
    return missing


@routes.post("/api/v1/devices", status_code=201, operation_id="addDevice", tags=["nodes"])
@allow(*CHANGE)
def post_device(
    device: Annotated[Device, Depends(Body(Device))], changing: ChangesOf, grid: GridOf, author: AuthorOf
) -> NodeView:
    """Add a device that runs the official WireGuard app, by the public key that was made for it."""
    with changing() as transaction:
        node = add_device(transaction, device, author=author, now=grid.clock())
    return _view(grid, node)
