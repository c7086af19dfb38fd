"""A node of the tailnet that runs no gridwire, such as a phone: an operator lets it in by its name there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.control.usecases.invite_node import name_holder
from gridwire.core.errors import Conflict, Invalid, NotFound
from gridwire.core.fleet import Node, NodeState, Role
from gridwire.core.names import check_tags, shown
from gridwire.core.tailnet import Member
from gridwire.protocol.api import MemberDevice


def add_member(
    transaction: Writing, device: MemberDevice, members: Iterable[Member], *, author: str, now: datetime
) -> Node:
    """The node, active at once and without a credential.

    Raise Invalid for a role that needs an agent, NotFound for a member that no gateway sees, Conflict where its name
    says two, or it is in already.
    """
    if device.role not in (Role.OPERATOR, Role.CLIENT):
        raise Invalid("role", f"a device is no {device.role}", fix="use operator or client; an edge joins by itself")
    check_tags(device.tags)
    member = _named(device.member, members)
    fleet = transaction.fleet()
    there = next((n for n in fleet.nodes if n.address == member.addresses[0] and n.tailnet is not None), None)
    if there is not None:
        raise Conflict(
            f"{member.name} is the node {there.name} already, and {there.state}",
            fix=f"gridwire node show {there.name}" if there.state is not NodeState.REVOKED else "let it log in anew",
            code="name-taken",
        )
    if name_holder(fleet, device.name) is not None:
        raise Conflict(f"the name {device.name} is taken", fix="choose another: --name", code="name-taken")
    node = Node(
        name=device.name,
        role=device.role,
        state=NodeState.ACTIVE,
        address=member.addresses[0],
        tags=device.tags,
        tailnet=member,
    )
    transaction.save(
        fleet.put(node),
        author=author,
        reason=f"{node.name} ({node.role}) was let in as a device",
        kind="device.added",
        subject=node.name,
        now=now,
        detail=f"{node.role} at {node.address}: {member.name} of {member.owner()}",
    )
    return node


def _named(text: str, members: Iterable[Member]) -> Member:
    wanted = text.rstrip(".").lower()
    found = {m.id: m for m in members if wanted in (m.name, m.name.partition(".")[0], *map(str, m.addresses))}
    fix = "`tailscale status` on the gateway lists them; an address names one"
    if not found:
        raise NotFound(f"no gateway sees a node {shown(text)} on the tailnet", fix=fix)
    if len(found) > 1:
        raise Conflict(f"{len(found)} nodes of the tailnet are called {shown(text)}", fix=fix)
    return next(iter(found.values()))
