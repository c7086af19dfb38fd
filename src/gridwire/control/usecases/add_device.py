"""A person's device with the official WireGuard app: a key made elsewhere, no agent, no credential."""

from __future__ import annotations

from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.control.usecases.expire_invitations import expire_invitations
from gridwire.control.usecases.invite_node import check_invites, name_holder
from gridwire.core.errors import Conflict, Invalid
from gridwire.core.fleet import Node, NodeState, Role
from gridwire.core.names import check_tags
from gridwire.core.wireguard import public_key
from gridwire.protocol.api import Device


def add_device(transaction: Writing, device: Device, *, author: str, now: datetime) -> Node:
    """The node, active at once; raise Invalid for a role that needs an agent, Conflict for a name or key in use."""
    public_key(device.public_key)
    check_tags(device.tags)
    if device.role not in (Role.OPERATOR, Role.CLIENT):
        raise Invalid(
            "role", f"a device is no {device.role}", fix="use operator or client; an edge joins by invitation"
        )
    expire_invitations(transaction, now=now)
    fleet = transaction.fleet()
    check_invites(fleet)
    if name_holder(fleet, device.name) is not None:
        raise Conflict(f"the name {device.name} is taken", fix="choose another", code="name-taken")
    node = Node(
        name=device.name,
        role=device.role,
        state=NodeState.ACTIVE,
        address=transaction.next_address(gateway=False),
        public_key=device.public_key,
        tags=device.tags,
    )
    transaction.save(
        fleet.put(node),
        author=author,
        reason=f"{node.name} ({node.role}) was added as a device",
        kind="device.added",
        subject=node.name,
        now=now,
        detail=f"{node.role} at {node.address} with the key {node.public_key}",
    )
    return node
