"""Invitations: made, watched, taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from gridwire.adapters.store import InvitationRow, Snapshot
from gridwire.control.access import CHANGE, READ, allow
from gridwire.control.body import Body
from gridwire.control.changing import ChangesOf
from gridwire.control.columns import INVITATIONS
from gridwire.control.endpoint import AuthorOf, GridOf, router
from gridwire.control.grid import Grid
from gridwire.control.paging import AskedOf, page
from gridwire.control.picture import Picture
from gridwire.control.reports import arrived
from gridwire.control.usecases.cancel_invitation import cancel_invitation, invited_node
from gridwire.control.usecases.invite_node import invite_node
from gridwire.core.enrollment import likely_cause, waits_for
from gridwire.core.errors import NotFound
from gridwire.core.fleet import Fleet, Node
from gridwire.protocol.api import Invite, Invited, Listing, Progress

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


@routes.get("/api/v1/invitations", tags=["invitations"])
@allow(*READ)
def list_invitations(grid: GridOf, asked: AskedOf) -> Listing[Progress]:
    """Invitations that are open, and those whose node is not in yet, with how far each has come."""
    with grid.store.reading() as reading:
        snapshot, rows = reading.snapshot(), reading.invitations()
    picture = grid.picture(snapshot)
    all_of_them = [_progress(grid, picture, node, row) for row in rows if (node := _node(snapshot, row)) is not None]
    return page(all_of_them, asked, INVITATIONS, lambda progress: progress, name=lambda progress: progress.node)


@routes.get("/api/v1/invitations/{name}", tags=["invitations"])
@allow(*READ)
def get_invitation(name: str, grid: GridOf) -> Progress:
    """How far an invitation has come, and where it is stuck the likely cause."""
    with grid.store.reading() as reading:
        snapshot = reading.snapshot()
        row = reading.latest_invitation(_invited_name(snapshot.fleet, name))
    node = None if row is None else _node(snapshot, row)
    if row is None or node is None:
        raise NotFound(f"{name} was never invited", fix="`gridwire node list` names who was")
    return _progress(grid, grid.picture(snapshot), node, row)


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


def _node(snapshot: Snapshot, row: InvitationRow) -> Node | None:
    return snapshot.by_address.get(row.address)


def _progress(grid: Grid, picture: Picture, node: Node, row: InvitationRow) -> Progress:
    key = row.invitation.ephemeral_key
    came = grid.reports.since_mark(key, arrived(picture.fleet, picture.heard))
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
        role=node.role,
        waits_for=waits_for(node.state, gateway_reports=bool(picture.speaking)),
    )
