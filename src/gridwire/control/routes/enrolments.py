"""A newcomer binds its key, and confirms it through its own tunnel."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool

from gridwire.control.access import Who, allow
from gridwire.control.body import Body
from gridwire.control.caller import Peer
from gridwire.control.endpoint import CallerOf, GridOf, router
from gridwire.control.errors import NotYet
from gridwire.control.grid import Grid
from gridwire.control.reports import reporting
from gridwire.control.usecases.confirm_node import confirm_node
from gridwire.control.usecases.redeem_invitation import redeem_invitation
from gridwire.core.addressing import Address
from gridwire.core.errors import Conflict, NotPermitted
from gridwire.core.fleet import NodeState
from gridwire.protocol.enrolment import CONFIRM_PATH, REDEEM_PATH, Confirmed, Redeem, Redeemed

CREDENTIAL_BYTES = 32
CONFIRM_SECONDS = 2.0  # how long an early confirmation is held, so that its repetition comes at the right moment

routes = router()


@routes.post(REDEEM_PATH, status_code=202, tags=["enrolments"])
@allow(Who.ENROLLING)
def redeem(ask: Annotated[Redeem, Depends(Body(Redeem, open_ended=True))], grid: GridOf, caller: CallerOf) -> Redeemed:
    """Bind the newcomer's public key to its node, once."""
    with grid.changing() as transaction:
        answer = redeem_invitation(transaction, _address(caller), ask.public_key, now=grid.clock())
    if isinstance(answer, Conflict):
        raise answer
    return answer


@routes.post(CONFIRM_PATH, tags=["enrolments"])
@allow(Who.CONFIRMING)
async def confirm(grid: GridOf, caller: CallerOf) -> Confirmed:
    """Enter the grid. 425 until every gateway that reports has moved the address to the new key.

    A request that came before that may have come with the ephemeral key still: it is never answered with more
    than 425, however long it was held, and only the one after it is let in.
    """
    address = _address(caller)
    seen = grid.heard.count
    if not await run_in_threadpool(_applied, grid, address):
        await grid.heard.rung(seen, CONFIRM_SECONDS)
        raise NotYet("a gateway has yet to apply the new key", fix="ask again")
    return await run_in_threadpool(_confirm, grid, address)


def _applied(grid: Grid, address: Address) -> bool:
    """Whether the revision of the redemption is in force at every gateway that reports, and at one at least."""
    with grid.store.reading() as reading:
        snapshot = reading.snapshot()
        node = snapshot.by_address[address]
        if node.state is not NodeState.REDEEMED:
            return True
        row = reading.invitation_of(address)
    if row is None or row.redeemed_revision is None:
        return True
    heard = grid.reports.all()
    gateways = reporting(snapshot.fleet, heard, grid.clock())
    needed = (snapshot.version[0], row.redeemed_revision)
    return bool(gateways) and all(heard[gateway.address].report.version >= needed for gateway in gateways)


def _confirm(grid: Grid, address: Address) -> Confirmed:
    credential = secrets.token_urlsafe(CREDENTIAL_BYTES)
    with grid.changing() as transaction:
        return confirm_node(transaction, address, credential=credential, now=grid.clock())


def _address(caller: object) -> Address:
    if not isinstance(caller, Peer):
        raise NotPermitted("only a newcomer asks this, through its tunnel")
    return caller.address
