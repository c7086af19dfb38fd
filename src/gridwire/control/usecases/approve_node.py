"""An operator's yes: to a node that waits for one, or to one that was quarantined."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.errors import Conflict
from gridwire.core.fleet import Node, NodeState


def approve_node(transaction: Writing, name: str, *, author: str, now: datetime) -> Node:
    """The node, active; asking again changes nothing. Raise Conflict for a node that never confirmed."""
    fleet = transaction.fleet()
    node = fleet.node(name)
    if node.state is NodeState.ACTIVE:
        return node
    if node.state not in (NodeState.PENDING, NodeState.QUARANTINED):
        raise Conflict(f"{node.name} is {node.state}: there is nothing to approve yet", code="not-pending")
    if transaction.credential(node.address) is None:
        # Who holds its key was never shown: it may be the thief's.
        raise Conflict(
            f"{node.name} never confirmed its key",
            fix=f"gridwire node revoke {node.name}, then invite it again",
            code="not-confirmed",
        )
    approved = replace(node, state=NodeState.ACTIVE)
    for invitation in fleet.invitations:
        if invitation.node == node.name and node.state is NodeState.QUARANTINED:
            fleet = fleet.drop(invitation)  # or the next report of its leak would quarantine it again
    transaction.save(
        fleet.put(approved),
        author=author,
        reason=f"{node.name} was approved",
        kind="node.approved",
        subject=node.name,
        now=now,
        detail=f"it was {node.state}",
    )
    return approved
