"""Revoking: cut in one transaction, finished when every gateway says that it is so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Reading, Writing
from gridwire.control.reports import AllHeard, behind
from gridwire.core.errors import Conflict
from gridwire.core.fleet import Node, NodeState, Role


def begin_revocation(transaction: Writing, name: str, *, author: str, now: datetime) -> Node:
    """The node, revoking; asking again for one that is revoking changes nothing. Raise Conflict for the last gateway.

    An invitation that nobody redeemed was never more than an entry to the enrol endpoint; it goes the same way.
    """
    fleet = transaction.fleet()
    node = fleet.node(name)
    if node.state is NodeState.REVOKING:
        return node
    if node.role is Role.GATEWAY and node.state is NodeState.ACTIVE and len(fleet.gateways()) == 1:
        raise Conflict(f"{node.name} is the last gateway", fix="add another gateway first", code="last-gateway")
    revoking = replace(node, state=NodeState.REVOKING)
    for invitation in fleet.invitations:
        if invitation.node == node.name:
            fleet = fleet.drop(invitation)
    transaction.drop_credential(node.address)
    transaction.save(
        fleet.put(revoking),
        author=author,
        reason=f"{node.name} is revoked",
        kind="node.revoking",
        subject=node.name,
        now=now,
        detail=f"{node.role} at {node.address}, which was {node.state}",
    )
    return revoking


def unfinished(transaction: Reading, node: Node, heard: AllHeard) -> tuple[Node, ...]:
    """The gateways that have not said that the node is cut."""
    epoch, _ = transaction.snapshot().version
    return behind(transaction.fleet(), heard, (epoch, transaction.changed_in(node.address)))


def finish_revocations(transaction: Writing, heard: AllHeard, *, now: datetime) -> tuple[Node, ...]:
    """Every node that is revoking and cut at all gateways becomes revoked; gives those."""
    revoking = [node for node in transaction.fleet().nodes if node.state is NodeState.REVOKING]
    done = [node for node in revoking if not unfinished(transaction, node, heard)]
    if not done:
        return ()
    fleet = transaction.fleet()
    for node in done:
        fleet = fleet.put(replace(node, state=NodeState.REVOKED))
    names = ", ".join(node.name for node in done)
    transaction.save(
        fleet,
        author="control",
        reason=f"{names}: cut at every gateway",
        kind="node.revoked",
        subject=names[:255],
        now=now,
    )
    return tuple(done)
