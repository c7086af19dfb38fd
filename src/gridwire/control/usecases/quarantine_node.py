"""Cut a node whose invitation was used twice, until an operator decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.enrollment import leaked
from gridwire.core.fleet import ON_MESH, Fleet, Node, NodeState
from gridwire.core.wireguard import PeerSeen


def quarantine(transaction: Writing, node: Node, *, why: str, now: datetime) -> None:
    """Nothing where the node is cut already: a thief that goes on trying fills no audit log."""
    if node.state not in ON_MESH:
        return
    transaction.save(
        transaction.fleet().put(replace(node, state=NodeState.QUARANTINED)),
        author="control",
        reason=f"{node.name} is quarantined: {why}",
        kind="node.quarantined",
        subject=node.name,
        now=now,
    )


def leaks(fleet: Fleet, peers: tuple[PeerSeen, ...]) -> tuple[Node, ...]:
    """Nodes on the mesh whose invitation was used again, as one gateway's peers show it."""
    suspects = {invitation.node for invitation in fleet.invitations if leaked(invitation, peers)}
    return tuple(node for node in fleet.nodes if node.name in suspects and node.state in ON_MESH)
