"""Bind a newcomer's own key to its node: once, whoever else asks at the same moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.control.usecases.quarantine_node import quarantine
from gridwire.core.addressing import Address
from gridwire.core.errors import Conflict, NotFound
from gridwire.core.fleet import Fleet, Invitation, Node, NodeState
from gridwire.core.names import NodeName
from gridwire.core.wireguard import PublicKey, public_key
from gridwire.protocol.enrolment import Redeemed


def redeem_invitation(transaction: Writing, address: Address, key: PublicKey, *, now: datetime) -> Redeemed | Conflict:
    """The answer to a redemption; a Conflict *returned* is one that changed the fleet and has to be committed.

    The same key may ask again until expiry and is answered the same. Raise Invalid for a key that is none,
    Conflict for one that is or was used elsewhere (nothing changes), NotFound where nothing is open.
    """
    public_key(key)
    fleet = transaction.fleet()
    redeemed = transaction.redeem(address, key, now)
    node = fleet.at(address)
    if node is None:
        raise NotFound(f"{address} is no node of this grid")
    if redeemed is not None:
        return _bind(transaction, fleet, node, redeemed, now)
    row = transaction.invitation_of(address)
    if row is None or row.closed or row.invitation.expires <= now:
        raise Conflict("the invitation ran out", fix="ask for a new one", code="expired")
    if row.invitation.redeemed_key == key and row.redeemed_revision is not None:
        return Redeemed(node=node.name, role=node.role, revision=row.redeemed_revision)
    quarantine(transaction, node, why="a second key was offered for its invitation", now=now)
    return Conflict(
        "the invitation was redeemed with another key",
        fix="it may have leaked: tell the operator, who revokes the node and invites again",
        code="redeemed",
    )


def _bind(transaction: Writing, fleet: Fleet, node: Node, invitation: Invitation, now: datetime) -> Redeemed:
    bound = replace(node, state=NodeState.REDEEMED, public_key=invitation.redeemed_key)
    after = fleet
    if node.replaces is not None:
        after, bound = _take_over(transaction, fleet, bound, node.replaces)
    for open_ in fleet.invitations:
        if open_.node == node.name:
            after = after.put(replace(invitation, node=bound.name))
    revision = transaction.save(
        after.put(bound),
        author=f"node:{bound.name}",
        reason=f"{bound.name} redeemed its invitation"
        + (f" and replaces the old {node.replaces}" if node.replaces else ""),
        kind="invitation.redeemed",
        subject=bound.name,
        now=now,
        detail=f"{bound.address} has the key {bound.public_key}",
    )
    return Redeemed(node=bound.name, role=bound.role, revision=revision.number)


def _take_over(transaction: Writing, fleet: Fleet, bound: Node, name: NodeName) -> tuple[Fleet, Node]:
    """Revoke the old node and take its name. That it is cut everywhere is what confirming waits for."""
    old = next((n for n in fleet.nodes if n.name == name and n.state is not NodeState.REVOKED), None)
    if old is not None and old.role is bound.role:
        transaction.drop_credential(old.address)
        for invitation in fleet.invitations:
            if invitation.node == old.name:
                fleet = fleet.drop(invitation)
        return fleet.put(replace(old, state=NodeState.REVOKED)), replace(bound, name=old.name)
    # Revoked meanwhile; its name may have gone to another node since.
    return fleet, bound if old is not None else replace(bound, name=name)
