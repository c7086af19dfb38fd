"""A node of the tailnet asks to be let in, or says that it moved."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool

from gridwire.control.access import CHANGE, Who, allow
from gridwire.control.body import Body
from gridwire.control.caller import Peer, digest
from gridwire.control.changing import ChangesOf
from gridwire.control.endpoint import AuthorOf, CallerOf, GridOf, router, the_node
from gridwire.control.errors import NotYet
from gridwire.control.grid import Grid
from gridwire.control.reports import members_seen
from gridwire.control.routes.enrolments import CREDENTIAL_BYTES
from gridwire.control.usecases.add_member import add_member
from gridwire.control.usecases.admit_member import admit_member, move_node
from gridwire.control.views import node_view
from gridwire.core.errors import Conflict, NotPermitted
from gridwire.core.fleet import Node
from gridwire.core.tailnet import Member, Provider
from gridwire.protocol.api import MemberDevice, NodeView
from gridwire.protocol.tailnet import ASK_PATH, MOVED_PATH, AskIn, LetIn

SEEN_SECONDS = 3.0  # how long an early question is held: the gateway's agent hears of a new peer about as soon

routes = router()


@routes.post(ASK_PATH, tags=["enrolments"])
@allow(Who.MEMBER)
async def ask_in(ask: Annotated[AskIn, Depends(Body(AskIn, open_ended=True))], grid: GridOf, caller: CallerOf) -> LetIn:
    """Become a node, waiting for a yes unless a rule gives it; with a node's credential, be it at a new address.

    425 until an agent of a gateway has said who has the asker's address.
    """
    peer = _peer(caller)
    seen = grid.heard.count
    member = await run_in_threadpool(_member, grid, peer)
    if member is None:
        await grid.heard.rung(seen, SEEN_SECONDS)
        member = await run_in_threadpool(_member, grid, peer)
    if member is None:
        raise NotYet(f"no gateway's agent has seen who has {peer.address} on the tailnet", fix="ask again")
    return await run_in_threadpool(_admit, grid, peer, member, ask)


@routes.post(MOVED_PATH, tags=["agent"])
@allow(Who.LOCAL)
def moved(member: Annotated[Member, Depends(Body(Member, open_ended=True))], grid: GridOf, caller: CallerOf) -> Node:
    """This gateway is at another address of its tailnet."""
    with grid.changing() as transaction:
        snapshot = transaction.snapshot()
        if snapshot.fleet.network.provider is not Provider.TAILSCALE:
            raise Conflict("this grid is on no tailnet", fix="addresses are fixed there")
        return move_node(transaction, the_node(grid, caller, snapshot), member, now=grid.clock())


@routes.post("/api/v1/members", status_code=201, operation_id="addMember", tags=["nodes"])
@allow(*CHANGE)
def add(
    device: Annotated[MemberDevice, Depends(Body(MemberDevice))], changing: ChangesOf, grid: GridOf, author: AuthorOf
) -> NodeView:
    """Let a node of the tailnet in that runs no gridwire, by its name there."""
    now = grid.clock()
    seen = members_seen(grid.snapshot().fleet, grid.reports.all()).values()
    with changing() as transaction:
        live = (one.member for one in seen if not one.expired(now))
        node = add_member(transaction, device, live, author=author, now=now)
    return node_view(grid.picture(grid.snapshot()), node)


def _member(grid: Grid, peer: Peer) -> Member | None:
    found = members_seen(grid.snapshot().fleet, grid.reports.all()).get(peer.address)
    return None if found is None or found.expired(grid.clock()) else found.member


def _admit(grid: Grid, peer: Peer, member: Member, ask: AskIn) -> LetIn:
    token = secrets.token_urlsafe(CREDENTIAL_BYTES)
    with grid.changing() as transaction:
        return admit_member(
            transaction, member, ask, bearer=peer.bearer, credential=(token, digest(token)), now=grid.clock()
        )


def _peer(caller: object) -> Peer:
    if not isinstance(caller, Peer):
        raise NotPermitted("only a node of the tailnet asks this, by its own address")
    return caller
