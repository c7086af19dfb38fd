"""A node of the tailnet asks to be let in: the tailnet says who it is, an operator or a rule whether it may come."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.control.usecases.invite_node import name_holder
from gridwire.core.access import belongs
from gridwire.core.addressing import Address
from gridwire.core.enrollment import GatewayContact
from gridwire.core.errors import Conflict, Invalid, NotPermitted
from gridwire.core.fleet import Fleet, Node, NodeState, Role
from gridwire.core.tailnet import Member
from gridwire.protocol.tailnet import AskIn, LetIn

_LIVE = (NodeState.PENDING, NodeState.ACTIVE)
_BY_RULE = (Role.EDGE, Role.CLIENT)  # an operator's device is a person's yes


def admit_member(
    transaction: Writing,
    member: Member,
    ask: AskIn,
    *,
    bearer: str | None,
    credential: tuple[str, str],
    now: datetime,
) -> LetIn:
    """``bearer``: the hash of a credential that was shown; ``credential``: a new one, and its hash.

    Raise Conflict where the name is taken, Invalid for a role that nobody asks for, NotPermitted where the node is in
    already and another program of its host asks.
    """
    if ask.role is Role.GATEWAY:
        raise Invalid("role", "a gateway is not let in by another", fix="run `gridwire init` there")
    fleet = transaction.fleet()
    known = next((n for n in fleet.nodes if n.address == member.addresses[0] and n.state in _LIVE), None)
    owner = None if bearer is None else transaction.credential_owner(bearer)
    if known is not None and known.tailnet is not None and known.tailnet.id == member.id:
        return _again(transaction, known, member, proven=owner == known.address, credential=credential, now=now)
    if owner is not None:
        return _let_in(fleet, _move(transaction, owner, member, author_of=member, now=now), member, None)
    if name_holder(fleet, ask.name) is not None:
        raise Conflict(
            f"the name {ask.name} is taken",
            fix=f"join under another: --name NAME; or put the old one out: gridwire node revoke {ask.name}",
            code="name-taken",
        )
    waits = not (ask.role in _BY_RULE and any(belongs(rule, member) for rule in fleet.network.approve))
    node = Node(
        name=ask.name,
        role=ask.role,
        state=NodeState.PENDING if waits else NodeState.ACTIVE,
        address=member.addresses[0],
        needs_approval=waits,
        tailnet=member,
    )
    transaction.save(
        fleet.put(node),
        author=f"node:{node.name}",
        reason=f"{node.name} joined" + (", and waits for a yes" if waits else ", as a rule approves"),
        kind="node.joined",
        subject=node.name,
        now=now,
        detail=f"{node.role} at {node.address}: {member.name} of {member.owner()} is {node.state}",
    )
    transaction.set_credential(node.address, credential[1], now)
    return _let_in(transaction.fleet(), node, member, credential[0])


def move_node(transaction: Writing, node: Node, member: Member, *, now: datetime) -> Node:
    """This host's own gateway, which its agent found at another address; nothing where it is there already."""
    if node.tailnet == member and node.address == member.addresses[0]:
        return node
    return _move(transaction, node.address, member, author_of=None, now=now)


def tailnet_contacts(fleet: Fleet) -> tuple[GatewayContact, ...]:
    return tuple(
        GatewayContact(node=gateway.name, address=gateway.address, tailnet=gateway.tailnet)
        for gateway in fleet.gateways()
        if gateway.tailnet is not None
    )


def _again(
    transaction: Writing, node: Node, member: Member, *, proven: bool, credential: tuple[str, str], now: datetime
) -> LetIn:
    """The answer was lost, or the agent asks whether it is in; whoever else asks from there gets nothing."""
    fleet = transaction.fleet()
    if proven:
        return _let_in(fleet, node, member, None)
    issued = transaction.credential(node.address)
    if issued is None or issued.used:
        raise NotPermitted(
            f"this host is the node {node.name} already",
            fix=f"on the gateway: gridwire node revoke {node.name}, where it is to join anew",
            code="joined",
        )
    transaction.set_credential(node.address, credential[1], now)
    return _let_in(fleet, node, member, credential[0])


def _move(transaction: Writing, old: Address, member: Member, *, author_of: Member | None, now: datetime) -> Node:
    """The node of ``old`` at its new address; raise NotPermitted where it is another's now."""
    fleet = transaction.fleet()
    node = next((n for n in fleet.nodes if n.address == old and n.state is not NodeState.REVOKED), None)
    if node is None or node.tailnet is None or node.state not in _LIVE:
        raise NotPermitted("the node of that credential was put out", fix="ask the grid's operator", code="put-out")
    if author_of is not None and member.id != node.tailnet.id and not member.same_owner(node.tailnet):
        raise NotPermitted(
            f"{node.name} was of {node.tailnet.owner()}, and this host is of {member.owner()} now",
            fix=f"log in as before, or on the gateway: gridwire node revoke {node.name}, and join anew",
            code="another-owner",
        )
    moved = replace(node, address=member.addresses[0], tailnet=member)
    if moved.address != node.address:
        fleet = fleet.put(replace(node, state=NodeState.REVOKED, tailnet=None))
    transaction.save(
        fleet.put(moved),
        author=f"node:{node.name}",
        reason=f"{node.name} has another address on the tailnet",
        kind="node.moved",
        subject=node.name,
        now=now,
        detail=f"{node.address} → {moved.address}, as {member.name} of {member.owner()}",
    )
    if moved.address != node.address:
        transaction.move_credential(node.address, moved.address)
    return moved


def _let_in(fleet: Fleet, node: Node, member: Member, credential: str | None) -> LetIn:
    return LetIn(
        node=node.name,
        role=node.role,
        state=node.state,
        tailnet=member,
        network=fleet.network,
        gateways=tailnet_contacts(fleet),
        credential=credential,
    )
