from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from gridwire.core.actions import Action
from gridwire.core.fleet import Role
from gridwire.core.guard import GuardObserved, GuardSpec
from gridwire.core.names import HostName, Interface
from gridwire.core.observed import Known, Unknown
from gridwire.core.plan import arrange, cuts_first, section_order
from gridwire.core.proxy import ProxySpec
from gridwire.core.spec import NamesSpec, NodeSpec, Tombstone
from gridwire.core.wireguard import MeshObserved, MeshSpec, PeerSeen

KEY = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
ADDRESS, PREFIX, GW0 = ip_address("10.85.0.1"), ip_network("10.85.0.0/16"), Interface("gw0")


def actions(*reasons: str) -> tuple[Action, ...]:
    return tuple(Action(reason=reason) for reason in reasons)


def test_order_is_fixed_whatever_order_the_sections_come_in() -> None:
    plan = arrange({"names": actions("n"), "proxy": actions("p"), "guard": actions("g1", "g2"), "mesh": actions("m")})
    assert plan.reasons == ("guard: g1", "guard: g2", "mesh: m", "proxy: p", "names: n")


def test_nothing_to_do_is_an_empty_plan() -> None:
    assert not arrange({"guard": (), "mesh": ()})


def test_a_section_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="printer"):
        section_order(("guard", "printer"))


def guard_seen(stands: bool) -> GuardObserved:
    spec = GuardSpec(interface=GW0, prefix=PREFIX, address=ADDRESS, listen_port=51820, openings=())
    return GuardObserved(stands=spec if stands else None, present=stands, altered="", families=(), rules=(), sysctls=())


def mesh_seen(*keys: str) -> MeshObserved:
    peer = PeerSeen(
        public_key=KEY,
        endpoint=None,
        allowed_ips=(),
        latest_handshake=None,
        received_bytes=0,
        sent_bytes=0,
        keepalive=0,
    )
    return MeshObserved(
        interface=GW0,
        kind="memory",
        public_key=None,
        listen_port=51820,
        mtu=1420,
        up=True,
        addresses=(),
        prefix_routed=True,
        blackholed=True,
        peers=tuple(replace(peer, public_key=key) for key in keys),
    )


def spec(*tombstones: Tombstone) -> NodeSpec:
    return NodeSpec(
        epoch=1,
        revision=1,
        node="gw",
        role=Role.GATEWAY,
        mesh=MeshSpec(interface=GW0, address=ADDRESS, prefix=PREFIX, listen_port=51820, mtu=1420, peers=()),
        guard=GuardSpec(interface=GW0, prefix=PREFIX, address=ADDRESS, listen_port=51820, openings=()),
        proxy=ProxySpec(),
        names=NamesSpec(suffix=HostName("grid")),
        tombstones=tombstones,
    )


STONE = Tombstone(node="old", address=ip_address("10.85.1.9"), public_key=KEY)


@pytest.mark.parametrize(
    ("tombstones", "guard", "mesh", "cut"),
    [
        ((STONE,), Known(guard_seen(True)), Known(mesh_seen(KEY)), True),
        ((STONE,), Known(guard_seen(False)), Known(mesh_seen(KEY)), False),
        ((STONE,), Unknown("no"), Known(mesh_seen(KEY)), False),
        ((STONE,), Known(guard_seen(True)), Known(None), False),
        ((STONE,), Known(guard_seen(True)), Known(mesh_seen("other")), False),
        ((), Known(guard_seen(True)), Known(mesh_seen(KEY)), False),
    ],
)
def test_a_cut_goes_first_only_where_a_revoked_node_is_a_peer_behind_a_guard(
    tombstones: tuple[Tombstone, ...], guard: Any, mesh: Any, cut: bool
) -> None:
    assert cuts_first(spec(*tombstones), guard, mesh) is cut
