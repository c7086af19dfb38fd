"""An invitation: a node with its permanent address, and a one-time right to become it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.control.usecases.expire_invitations import expire_invitations
from gridwire.core.access import selects
from gridwire.core.endpoint import split_endpoint
from gridwire.core.enrollment import GatewayContact, check_lifetime, provisional_name
from gridwire.core.errors import Conflict, Invalid
from gridwire.core.fleet import Fleet, Invitation, Node, NodeState, Role
from gridwire.core.names import NodeName, check_tags, node_name
from gridwire.core.tailnet import Provider
from gridwire.core.wireguard import public_key
from gridwire.protocol.api import Invite, Invited


def invite_node(transaction: Writing, ask: Invite, *, author: str, now: datetime) -> Invited:
    """Raise Invalid for a wrong value; Conflict where the name or key is taken or no gateway could answer."""
    _check(ask)
    lifetime = check_lifetime(ask.ttl_seconds)
    expire_invitations(transaction, now=now)
    fleet = transaction.fleet()
    check_invites(fleet)
    contacts = gateway_contacts(fleet)
    if not contacts:
        raise Conflict("the grid has no gateway that others can call", fix="run `gridwire init` with an endpoint")
    old = name_holder(fleet, ask.name)
    if ask.replace:
        fleet, old = _make_way(fleet, ask, old)
    elif old is not None:
        raise Conflict(
            f"the name {ask.name} is taken by a node that is {old.state}",
            fix=f"choose another name, or give {ask.name} to a new host with --replace",
            code="name-taken",
        )
    node = _newcomer(fleet, ask, old, transaction)
    invitation = Invitation(node=node.name, ephemeral_key=ask.ephemeral_key, expires=now + lifetime)
    transaction.save(
        fleet.put(node).put(invitation),
        author=author,
        reason=f"{node.name} ({node.role}) was invited" + (f" to replace {old.name}" if old else ""),
        kind="node.invited",
        subject=node.name,
        now=now,
        detail=f"{node.role} at {node.address}, until {invitation.expires:%Y-%m-%d %H:%M:%S} UTC",
    )
    return Invited(node=node, expires=invitation.expires, network=fleet.network, gateways=contacts)


def check_invites(fleet: Fleet) -> None:
    """Raise Conflict where nobody needs an invitation, and no key of WireGuard's is of use."""
    if fleet.network.provider is Provider.TAILSCALE:
        gateway = next((node.tailnet.name for node in fleet.gateways() if node.tailnet is not None), "GATEWAY")
        raise Conflict(
            "nodes of a tailnet join without an invitation",
            fix=f"on the node: gridwire join {gateway}",
            code="on-a-tailnet",
        )


def gateway_contacts(fleet: Fleet) -> tuple[GatewayContact, ...]:
    return tuple(
        GatewayContact(node=g.name, public_key=g.public_key, endpoint=g.endpoint, address=g.address)
        for g in fleet.gateways()
        if g.public_key is not None and g.endpoint is not None
    )


def _check(ask: Invite) -> None:
    node_name(ask.name)
    public_key(ask.ephemeral_key, "ephemeral_key")
    check_tags(ask.tags)
    if (ask.role is Role.GATEWAY) != (ask.endpoint is not None):
        raise Invalid("endpoint", "a gateway has one, and nobody else", fix="give host:port for role gateway alone")
    if ask.endpoint is not None:
        split_endpoint(ask.endpoint)


def name_holder(fleet: Fleet, name: str) -> Node | None:
    """Who has the name, or will have it when the invitation to replace is redeemed."""
    live = [node for node in fleet.nodes if node.state is not NodeState.REVOKED]
    coming = next((n for n in live if n.replaces == name and n.state is NodeState.INVITED), None)
    if coming is not None:
        raise Conflict(
            f"an invitation to replace {name} is out",
            fix=f"take it back first: gridwire invite {coming.name} --cancel",
            code="name-taken",
        )
    return next((node for node in live if node.name == name), None)


def _make_way(fleet: Fleet, ask: Invite, old: Node | None) -> tuple[Fleet, Node | None]:
    """For a replacement: an invitation that nobody redeemed ends at once, a joined node at redemption."""
    if old is None:
        raise Conflict(f"there is no node {ask.name} to replace", fix="invite without --replace")
    if old.role is Role.GATEWAY:
        raise Conflict("a gateway is not replaced by invitation", fix="add another gateway, then revoke this one")
    if old.state is NodeState.REVOKING:
        raise Conflict(f"{ask.name} is being revoked", fix="wait until it is revoked, then invite without --replace")
    if old.state is not NodeState.INVITED:
        return fleet, old
    for invitation in fleet.invitations:
        if invitation.node == old.name:
            fleet = fleet.drop(invitation)
    return fleet.put(replace(old, state=NodeState.REVOKED)), None


def _newcomer(fleet: Fleet, ask: Invite, old: Node | None, transaction: Writing) -> Node:
    role = old.role if old is not None else ask.role
    node = Node(
        name=ask.name if old is None else provisional_name(fleet, ask.name),
        role=role,
        state=NodeState.INVITED,
        address=transaction.next_address(gateway=role is Role.GATEWAY),
        tags=ask.tags or (old.tags if old is not None else ()),
        endpoint=ask.endpoint,
        replaces=ask.name if old is not None else None,
    )
    if ask.needs_approval is not None:
        return replace(node, needs_approval=ask.needs_approval)
    # Not yet is not no: a service may select its tags while the invitation is out.
    return replace(node, needs_approval=gets_traffic(fleet, node, ask.name) or None)


def gets_traffic(fleet: Fleet, node: Node, name: NodeName) -> bool:
    """Whether a service selects the node under that name: then a thief of the invitation would get live traffic."""
    as_named = replace(node, name=name)
    return node.role is Role.EDGE and any(
        selects(selector, as_named) for service in fleet.services for selector in service.on
    )
