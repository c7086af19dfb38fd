"""The first fleet: a network and the gateway that carries it."""

from __future__ import annotations

from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.addressing import Address
from gridwire.core.errors import Conflict
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role
from gridwire.core.names import NodeName
from gridwire.core.tailnet import Member
from gridwire.core.wireguard import PublicKey


def bootstrap_fleet(
    transaction: Writing,
    *,
    network: Network,
    name: NodeName,
    public_key: PublicKey | None,
    endpoint: str | None,
    author: str,
    now: datetime,
    tailnet: Member | None = None,
) -> Fleet:
    """Make revision 1, or give the fleet that is there if it is the same; raise Conflict for another."""
    if transaction.version() is not None:
        fleet = transaction.fleet()
        _same(fleet, network, name, public_key, endpoint)
        return fleet
    transaction.create(network)
    address: Address = transaction.next_address(gateway=True) if tailnet is None else tailnet.addresses[0]
    gateway = Node(
        name=name,
        role=Role.GATEWAY,
        state=NodeState.ACTIVE,
        address=address,
        public_key=public_key,
        endpoint=endpoint,
        tailnet=tailnet,
    )
    transaction.save(
        transaction.fleet().put(gateway),
        author=author,
        reason=f"the grid was made, with {name} as its gateway",
        kind="grid.made",
        subject=name,
        now=now,
        detail=f"{network.prefix}, gateway {name} at {endpoint or (tailnet and tailnet.name)}",
    )
    return transaction.fleet()


def _same(fleet: Fleet, network: Network, name: str, public_key: str | None, endpoint: str | None) -> None:
    there = next((node for node in fleet.gateways() if node.name == name), None)
    if there is None or (there.public_key, there.endpoint) != (public_key, endpoint) or fleet.network != network:
        raise Conflict(
            f"the database holds a grid already, {fleet.network.prefix} with another gateway, key, endpoint or network",
            fix="keep it, or move its database away and run `gridwire init` again",
            code="grid-exists",
        )
