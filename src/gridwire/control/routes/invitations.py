"""Invitations: made, watched, taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from gridwire.adapters.store import InvitationRow
from gridwire.control.access import CHANGE, READ, allow
from gridwire.control.body import Body
from gridwire.control.changing import ChangesOf
from gridwire.control.endpoint import AuthorOf, GridOf, router
from gridwire.control.grid import Grid
from gridwire.control.reports import arrived
from gridwire.control.usecases.cancel_invitation import cancel_invitation, invited_node
from gridwire.control.usecases.invite_node import invite_node
from gridwire.control.views import Picture
from gridwire.core.enrollment import likely_cause
from gridwire.core.errors import NotFound
from gridwire.core.fleet import Fleet, Node
from gridwire.protocol.api import Invite, Invited, Progress

routes = router()


@routes.post("/api/v1/invitations", status_code=201, operation_id="inviteNode", tags=["invitations"])
@allow(*CHANGE)
def post_invitation(
    ask: Annotated[Invite, Depends(Body(Invite))], changing: ChangesOf, grid: GridOf, author: AuthorOf
) -> Invited:
    """Make a node and a one-time right to become it."""
    with changing() as transaction:
        invited = invite_node(transaction, ask, author=author, now=grid.clock())
        before = arrived(transaction.fleet(), grid.reports.all())
    grid.reports.mark(ask.ephemeral_key, before)
    return invited


@routes.get("/api/v1/invitations/{name}", tags=["invitations"])
@allow(*READ)
def get_invitation(name: str, grid: GridOf) -> Progress:
    """How far an invitation has come, and where it is stuck the likely cause."""
    with grid.store.reading() as reading:
        fleet = reading.fleet()
        row = reading.latest_invitation(_invited_name(fleet, name))
    if row is None:
        raise NotFound(f"{name} was never invited", fix="`gridwire node list` names who was")
    return _progress(grid, fleet, row)


@routes.delete("/api/v1/invitations/{name}", status_code=204, operation_id="cancelInvitation", tags=["invitations"])
@allow(*CHANGE)
def delete_invitation(name: str, changing: ChangesOf, grid: GridOf, author: AuthorOf) -> None:
    """Take an invitation back that nobody redeemed."""
    with changing() as transaction:
        cancel_invitation(transaction, name, author=author, now=grid.clock())


def _invited_name(fleet: Fleet, name: str) -> str:
    """A replacement is asked for by the name that it will take over."""
    try:
        return invited_node(fleet, name).name
    except NotFound:
        return name


def _progress(grid: Grid, fleet: Fleet, row: InvitationRow) -> Progress:
    node: Node | None = fleet.at(row.address)
    if node is None:
        raise NotFound(f"{row.invitation.node} is no node of this grid")
    heard, key = grid.reports.all(), row.invitation.ephemeral_key
    picture = Picture(fleet, heard, grid.clock())
    came = grid.reports.since_mark(key, arrived(fleet, heard))
    handshake = picture.handshake(key) is not None or picture.handshake(node.public_key) is not None
    cause = likely_cause(
        node.state,
        begun=came.newcomers,
        packets_arrived=came.packets,
        handshake=handshake,
        gateway_reports=bool(picture.speaking),
    )
    return Progress(
        node=node.name,
        state=node.state,
        expires=row.invitation.expires,
        handshakes_begun=came.newcomers,
        packets_arrived=came.packets,
        handshake=handshake,
        likely_cause=cause,
    )
