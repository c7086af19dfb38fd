"""Invitations that ran out: their nodes become tombstones, and the names are free again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.enrollment import expired
from gridwire.core.fleet import NodeState


def expire_invitations(transaction: Writing, *, now: datetime) -> None:
    """One revision for all that ran out together, and none where nothing did."""
    fleet = transaction.fleet()
    over = [invitation for invitation in fleet.invitations if invitation.expires <= now]
    if not over:
        return
    gone = []
    for invitation in over:
        node = fleet.node(invitation.node)
        fleet = fleet.drop(invitation)
        if expired(invitation, node, now):
            fleet = fleet.put(replace(node, state=NodeState.REVOKED))
            gone.append(str(node.name))
    names = ", ".join(sorted(invitation.node for invitation in over))
    transaction.save(
        fleet,
        author="control",
        reason=f"invitations ran out: {names}",
        kind="invitation.expired",
        subject=names[:255],
        now=now,
        detail=f"never joined: {', '.join(gone)}" if gone else "all had joined",
    )
