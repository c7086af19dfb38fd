"""An agent asks for its spec and says what became of it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from gridwire.control.access import Who, allow
from gridwire.control.body import Body
from gridwire.control.caller import Caller, Peer
from gridwire.control.endpoint import CallerOf, GridOf, router, the_node
from gridwire.control.errors import NotKnown
from gridwire.control.grid import Grid
from gridwire.control.specs import Current
from gridwire.control.usecases.take_report import take_report
from gridwire.core.addressing import Address
from gridwire.core.bodies import OWN
from gridwire.core.fleet import NodeState
from gridwire.core.spec import NodeSpec
from gridwire.protocol.agent import REPORT_PATH, SPEC_PATH, Report
from gridwire.protocol.heard import Heard

LONGEST_WAIT = 60.0  # seconds; an agent asks again, so that a dead connection is noticed

routes = router()


@routes.get(SPEC_PATH, tags=["agent"], response_model=NodeSpec, responses={304: {"description": "Not Modified"}})
@allow(Who.LOCAL, Who.AGENT)
async def read_spec(
    grid: GridOf,
    caller: CallerOf,
    request: Request,
    wait: Annotated[float, Query(ge=0, le=3600)] = 0.0,
) -> Response:
    """The node's own spec; with If-None-Match and ``wait``, as soon as there is a newer one, or 304.

    A revision that changes nothing for a node is no newer spec for it, but for gateways.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + min(wait, LONGEST_WAIT)
    known = request.headers.get("if-none-match", "").split(",")
    await run_in_threadpool(_first_use, grid, caller)
    while True:
        seen = grid.revised.count
        address, current = await run_in_threadpool(_current, grid, caller)
        headers = {"ETag": current.etag}
        if not any(current.known_to(tag) for tag in known):
            body = await run_in_threadpool(current.body)
            return Response(body, media_type="application/json", headers=headers)
        remaining = until - loop.time()
        if remaining <= 0 or grid.revised.closed:
            return Response(status_code=304, headers=headers)
        await grid.revised.rung(seen, remaining, (address, current.since))


def _first_use(grid: Grid, caller: Caller) -> None:
    """The credential arrived: from now on nobody on the node can have another one made."""
    if isinstance(caller, Peer) and caller.node is not None and not caller.confirmed:
        with grid.changing() as transaction:
            transaction.use_credential(caller.node.address, grid.clock())


def _current(grid: Grid, caller: Caller) -> tuple[Address, Current]:
    """Looked up anew each time: a node that is revoked while it waits gets nothing more."""
    snapshot = grid.snapshot()
    node = the_node(grid, caller, snapshot)
    if isinstance(caller, Peer) and node.state not in (NodeState.PENDING, NodeState.ACTIVE):
        raise NotKnown(f"{node.name} is {node.state}")
    return node.address, grid.spec(node, snapshot)


@routes.post(REPORT_PATH, tags=["agent"])
@allow(Who.LOCAL, Who.AGENT)
def post_report(
    report: Annotated[Report, Depends(Body(Report, limit=OWN, open_ended=True))],
    grid: GridOf,
    caller: CallerOf,
) -> Heard:
    """What the node is now. It may finish a revocation, or show that an invitation leaked."""
    _first_use(grid, caller)
    snapshot = grid.snapshot()
    node, now = the_node(grid, caller, snapshot), grid.clock()
    take_report(grid.reports, grid.changing, snapshot, node, report, now=now)
    grid.watched.confirm(node, report, now)
    grid.hear()
    return Heard(audit=None if isinstance(caller, Peer) else grid.audit_head())
