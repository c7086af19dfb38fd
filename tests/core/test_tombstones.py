"""A spec that is older than a revocation lets nobody in again."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from gridwire.core.fleet import Role
from gridwire.core.guard import GuardSpec, Opening
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.proxy import ProxySpec
from gridwire.core.spec import NamesSpec, NodeSpec, Tombstone
from gridwire.core.tombstones import also_without
from gridwire.core.wireguard import MeshSpec, Peer, PublicKey

GW0, PREFIX, ADDRESS = Interface("gw0"), ip_network("10.85.0.0/16"), ip_address("10.85.0.1")
KEYS = tuple(PublicKey(f"{letter * 42}I=") for letter in "ABC")
ADDRESSES = tuple(ip_address(f"10.85.1.{number}") for number in range(3))
STONES = tuple(
    Tombstone(node=NodeName(f"n{number}"), address=address, public_key=key)
    for number, (address, key) in enumerate(zip(ADDRESSES, KEYS, strict=True))
)


def spec(*tombstones: Tombstone) -> NodeSpec:
    peers = tuple(
        Peer(node=stone.node, public_key=stone.public_key, allowed_ips=(ip_network(stone.address),), keepalive=0)
        for stone in STONES
        if stone.public_key is not None and stone not in tombstones
    )
    opening = Opening(role="client", addresses=tuple(p.allowed_ips[0].network_address for p in peers), tcp_ports=(80,))
    return NodeSpec(
        epoch=1,
        revision=1,
        node=NodeName("gw"),
        role=Role.GATEWAY,
        mesh=MeshSpec(interface=GW0, address=ADDRESS, prefix=PREFIX, listen_port=51820, mtu=1420, peers=peers),
        guard=GuardSpec(interface=GW0, prefix=PREFIX, address=ADDRESS, listen_port=51820, openings=(opening,)),
        proxy=ProxySpec(),
        names=NamesSpec(suffix=HostName("grid")),
        tombstones=tombstones,
    )


def test_one_that_knows_of_the_revocations_is_left_as_it_is() -> None:
    newer = spec(STONES[0], STONES[1])
    assert also_without(newer, (STONES[0],)) is newer
    assert also_without(newer, ()) is newer


def test_one_that_does_not_loses_those_nodes_and_keeps_its_own_tombstones() -> None:
    assert also_without(spec(STONES[0]), (STONES[1], STONES[0])) == spec(STONES[0], STONES[1])
    assert also_without(spec(), STONES) == spec(*STONES)
