"""The route class of every endpoint: who asks is settled before anything that was sent is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, MutableMapping
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.datastructures import Headers
from fastapi.routing import APIRoute

from gridwire.adapters.store import Snapshot
from gridwire.control.access import PERSONS, Who, check, declared, operators_device
from gridwire.control.caller import (
    Caller,
    Local,
    Peer,
    Person,
    Stranger,
    bearer_of,
    claimed_peer,
    local_caller,
    proof_of,
)
from gridwire.control.changing import previewable
from gridwire.control.grid import Grid
from gridwire.control.openapi import operation_id
from gridwire.control.origin import check_origin
from gridwire.control.person import person_of
from gridwire.core.errors import GridwireError, Invalid, NotFound
from gridwire.core.fleet import Node, NodeState
from gridwire.core.tailnet import Provider


class Guarded(APIRoute):
    """Refuses whoever the endpoint does not declare, before its parameters and body are looked at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        access = declared(self.endpoint)
        without_preview = not previewable(self.dependant)

        async def guarded(request: Request) -> Response:
            caller = await run_in_threadpool(_admitted, the_grid(request), request, access)
            request.state.caller = caller
            request.state.access = access
            if without_preview and "preview" in request.query_params:  # or what was only to be looked at would be done
                raise Invalid("preview", f"{request.method} {request.url.path} has none", fix="leave preview out")
            if len(request.query_params.getlist("preview")) > 1:
                raise Invalid("preview", "it is said twice", fix="say preview=true, or leave it out")
            return await handle(request)

        return guarded


def router() -> APIRouter:
    return APIRouter(route_class=Guarded, generate_unique_id_function=operation_id)


def the_grid(request: Request) -> Grid:
    return cast(Grid, request.app.state.grid)


def is_local(request: Request) -> bool:
    """Whether the request came by local.sock. uvicorn names a Unix socket by its path in ``scope["server"]``."""
    server = request.scope.get("server") or ("", None)
    return bool(server[0] == request.app.state.local_socket)


def _admitted(grid: Grid, request: Request, access: frozenset[Who]) -> Caller:
    """Raise what refuses the request; a person's also where it comes by a wrong name or from a foreign page."""
    caller = identify(grid, request.scope, access)
    now = grid.clock()
    check(access, caller, now)
    if isinstance(caller, Person) or (isinstance(caller, Peer) and Who.DEVICE in access):
        check_origin(request, caller, grid.snapshot().fleet)
    if isinstance(caller, Person):
        grid.logins.saw(caller.shown, now)
    return caller


def identify(grid: Grid, scope: MutableMapping[str, Any], access: frozenset[Who]) -> Caller:
    """Who asks, with as much proof as the endpoint wants looked up. Blocks on the database."""
    headers = Headers(scope=scope)
    server = scope.get("server") or ("", None)
    if server[0] == scope["app"].state.local_socket:
        return local_caller(headers)
    if server[0] != scope["app"].state.control_socket:
        return Stranger(why="it came by no socket of gridwire's")
    claimed = claimed_peer(headers)
    if isinstance(claimed, Stranger):
        return claimed
    address, listener = claimed
    with grid.store.reading() as reading:
        snapshot = reading.snapshot()
        if address is None:
            address = grid.own_gateway(snapshot).address
        node = snapshot.by_address.get(address)
        wanted = node is not None and access & {Who.AGENT, Who.CONFIRMING}
        credential = reading.credential(node.address) if node is not None and wanted else None
        if node is not None and access & PERSONS and operators_device(node, listener):
            person = person_of(reading, grid.logins, headers, node, address, grid.clock())
            if person is not None:
                return person
    proof = proof_of(headers.get("authorization"), credential)
    return Peer(
        address=address,
        listener=listener,
        node=node,
        proof=proof,
        tailnet=snapshot.fleet.network.provider is Provider.TAILSCALE,
        bearer=bearer_of(headers.get("authorization")) if Who.MEMBER in access else None,
        confirmed=credential.used if credential is not None else node is None or node.state is not NodeState.REDEEMED,
    )


async def still_allowed(request: Request) -> bool:
    """Whether who opened a stream may still read it: asked as of a new request. A login that ended, or a node that was
    put out, may not; nor may anybody of whom that cannot be found out."""
    access: frozenset[Who] = request.state.access
    try:
        grid = the_grid(request)
        check(access, await run_in_threadpool(identify, grid, request.scope, access), grid.clock())
    except GridwireError:
        return False
    return True


def the_caller(request: Request) -> Caller:
    return cast(Caller, request.state.caller)


def the_author(request: Request) -> str:
    """Who a revision or event is put down to."""
    caller = the_caller(request)
    return caller.author if isinstance(caller, Local | Peer | Person) else "nobody"


def the_node(grid: Grid, caller: Caller, snapshot: Snapshot) -> Node:
    """The node that an agent's request is about: its own, or for root on this host the one it names."""
    if isinstance(caller, Local):
        return grid.named(snapshot, caller.node) if caller.node is not None else grid.own_gateway(snapshot)
    node = snapshot.by_address.get(caller.address) if isinstance(caller, Peer) else None
    if node is None:
        raise NotFound("there is no such node")
    return node


GridOf = Annotated[Grid, Depends(the_grid)]
CallerOf = Annotated[Caller, Depends(the_caller)]
AuthorOf = Annotated[str, Depends(the_author)]
