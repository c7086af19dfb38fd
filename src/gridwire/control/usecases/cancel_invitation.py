"""Take back an invitation that nobody redeemed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.errors import Conflict, NotFound
from gridwire.core.fleet import Fleet, Node, NodeState


def cancel_invitation(transaction: Writing, name: str, *, author: str, now: datetime) -> None:
    """Raise NotFound where there is none, Conflict where it was redeemed already."""
    fleet = transaction.fleet()
    node = invited_node(fleet, name)
    if node.state is not NodeState.INVITED:
        raise Conflict(
            f"{node.name} has redeemed its invitation", fix=f"gridwire node revoke {node.name}", code="redeemed"
        )
    for invitation in fleet.invitations:
        if invitation.node == node.name:
            fleet = fleet.drop(invitation)
    transaction.save(
        fleet.put(replace(node, state=NodeState.REVOKED)),
        author=author,
        reason=f"the invitation of {node.name} was cancelled",
        kind="invitation.cancelled",
        subject=node.name,
        now=now,
    )


def invited_node(fleet: Fleet, name: str) -> Node:
    """The node of an open invitation, by its name or by the one that it will take over; raise NotFound."""
    open_for = {invitation.node for invitation in fleet.invitations}
    found = [n for n in fleet.nodes if n.name in open_for and n.state is not NodeState.REVOKED]
    for node in found:
        if node.replaces == name and node.state is NodeState.INVITED:
            return node
    for node in found:
        if node.name == name:
            return node
    raise NotFound(f"no invitation of {name} is open", fix="`gridwire node list` names who is invited")
