"""The newcomer speaks through its own tunnel: only now is it in, and only now does it get a credential."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.control.caller import digest
from gridwire.control.usecases.invite_node import gets_traffic
from gridwire.core.addressing import Address
from gridwire.core.errors import Conflict, NotFound, NotPermitted
from gridwire.core.fleet import Node, NodeState
from gridwire.protocol.enrolment import Confirmed


def confirm_node(transaction: Writing, address: Address, *, credential: str, now: datetime) -> Confirmed:
    """Make the node active, or pending where an operator has to say yes, with the credential given.

    May be repeated until the credential was used; each time the new one replaces the last. Raise NotPermitted
    after that, Conflict where the invitation ran out.
    """
    fleet = transaction.fleet()
    node = fleet.at(address)
    if node is None:
        raise NotFound(f"{address} is no node of this grid")
    issued = transaction.credential(address)
    if node.state not in (NodeState.REDEEMED, NodeState.PENDING, NodeState.ACTIVE) or (issued and issued.used):
        raise NotPermitted(f"{node.name} ({node.state}) has nothing to confirm")
    if node.state is NodeState.REDEEMED:
        node = _enter(transaction, node, now)
    elif issued is None:
        raise NotPermitted(f"{node.name} joined without an invitation and has no agent")
    transaction.set_credential(address, digest(credential), now)
    return Confirmed(node=node.name, role=node.role, state=node.state, credential=credential)


def _enter(transaction: Writing, node: Node, now: datetime) -> Node:
    row = transaction.invitation_of(node.address)
    if row is None or row.closed or row.invitation.expires <= now:
        raise Conflict("the invitation ran out before it was confirmed", fix="ask for a new one", code="expired")
    fleet = transaction.fleet()
    waits = gets_traffic(fleet, node, node.name) if node.needs_approval is None else node.needs_approval
    entered = replace(node, state=NodeState.PENDING if waits else NodeState.ACTIVE, needs_approval=waits)
    transaction.save(
        fleet.put(entered),
        author=f"node:{node.name}",
        reason=f"{node.name} joined" + (", and waits for a yes" if waits else ""),
        kind="node.confirmed",
        subject=node.name,
        now=now,
        detail=f"{entered.role} at {entered.address} is {entered.state}",
    )
    return entered
