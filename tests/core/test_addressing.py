"""Mesh prefixes: their layout for every length, who gets which address, and what clashes."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.addressing import (
    DEFAULT_PREFIX,
    HostAddress,
    Prefix,
    address_at,
    clashes,
    layout,
    mesh_prefix,
    next_address,
)
from gridwire.core.errors import Conflict, Invalid

V4 = [ip_network(f"10.0.0.0/{length}") for length in range(8, 27)]
V6 = [ip_network(f"fd85:1:2::/{length}") for length in range(48, 121)]


@pytest.mark.parametrize("prefix", [*V4, *V6], ids=str)
def test_layout_holds_gateways_and_more_nodes(prefix: Prefix) -> None:
    plan = layout(prefix)
    gateways, nodes = plan.nodes_from - 1, plan.last - plan.nodes_from + 1
    assert 15 <= gateways <= 255
    assert nodes >= 3 * gateways
    assert address_at(prefix, plan.last) in prefix
    if isinstance(prefix, IPv4Network):
        assert address_at(prefix, plan.last) != prefix.broadcast_address


@pytest.mark.parametrize(
    ("prefix", "last_gateway", "first_node", "last_node"),
    [
        ("10.85.0.0/16", "10.85.0.255", "10.85.1.0", "10.85.255.254"),
        ("10.85.0.0/24", "10.85.0.15", "10.85.0.16", "10.85.0.254"),
        ("10.85.0.0/26", "10.85.0.15", "10.85.0.16", "10.85.0.62"),
    ],
)
def test_layout_is_the_documented_one(prefix: str, last_gateway: str, first_node: str, last_node: str) -> None:
    network = ip_network(prefix)
    plan = layout(network)
    found = [str(address_at(network, offset)) for offset in (1, plan.nodes_from - 1, plan.nodes_from, plan.last)]
    assert found == ["10.85.0.1", last_gateway, first_node, last_node]


@pytest.mark.parametrize("prefix", [ip_network("10.85.0.0/26"), ip_network("fd85:1:2::/120")], ids=str)
def test_every_address_is_given_once_until_none_is_left(prefix: Prefix) -> None:
    plan = layout(prefix)
    given_out = []
    for gateway, places in ((True, plan.nodes_from - 1), (False, plan.last - plan.nodes_from + 1)):
        for count in range(places):
            address, after = next_address(prefix, gateway=gateway, given=count)
            assert after == count + 1
            given_out.append(address)
        with pytest.raises(Conflict, match="no address left") as raised:
            next_address(prefix, gateway=gateway, given=places)
        assert raised.value.fix
    assert len(given_out) == len(set(given_out)) == plan.last
    assert prefix.network_address not in given_out
    assert all(address in prefix for address in given_out)


@given(st.sampled_from([*V4, *V6]), st.data())
def test_different_counts_never_give_the_same_address(prefix: Prefix, data: st.DataObject) -> None:
    plan = layout(prefix)
    nodes = st.integers(0, plan.last - plan.nodes_from)
    gateways = st.integers(0, plan.nodes_from - 2)
    one, two, gateway = data.draw(nodes), data.draw(nodes), data.draw(gateways)
    first, _ = next_address(prefix, gateway=False, given=one)
    second, _ = next_address(prefix, gateway=False, given=two)
    third, _ = next_address(prefix, gateway=True, given=gateway)
    assert (first == second) == (one == two)
    assert third not in (first, second)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10.85.0.0/27", "room"),
        ("10.0.0.0/7", "host bits|not private"),
        ("fd85::/121", "room"),
        ("fd00::/40", "room"),
        ("8.8.8.0/24", "not private"),
        ("172.32.0.0/16", "not private"),
        ("2001:db8::/64", "not a unique local"),
        ("10.85.0.1/16", "host bits"),
        ("100.64.0.0/16", "Tailscale"),
        ("0.0.0.0/0", "not private"),
        ("grid", "not a prefix"),
        ("", "not a prefix"),
    ],
)
def test_prefix_that_no_mesh_may_have_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as raised:
        mesh_prefix(text)
    assert raised.value.field == "network.prefix"
    assert raised.value.fix


def test_shared_address_space_only_on_request() -> None:
    assert mesh_prefix("100.85.0.0/16", shared_on_request=True) == ip_network("100.85.0.0/16")


def found(
    prefix: str = "10.85.0.0/16",
    *,
    addresses: tuple[tuple[str, str], ...] = (),
    routes: tuple[tuple[str, str], ...] = (),
    tailscale: bool = False,
) -> list[str]:
    listed: tuple[tuple[str, HostAddress], ...] = tuple((name, ip_interface(text)) for name, text in addresses)
    return [
        clash.with_what
        for clash in clashes(
            ip_network(prefix),
            interface="gw0",
            addresses=listed,
            routes=tuple((name, ip_network(text)) for name, text in routes),
            tailscale=tailscale,
        )
    ]


def test_the_mesh_itself_default_routes_and_the_other_family_do_not_clash() -> None:
    assert (
        found(
            addresses=(("gw0", "10.85.0.1/32"), ("eth0", "192.168.1.5/24"), ("eth0", "fd85::1/64")),
            routes=(("gw0", "10.85.0.0/16"), ("eth0", "0.0.0.0/0"), ("eth0", "::/0"), ("eth0", "192.168.1.0/24")),
        )
        == []
    )


def test_addresses_and_routes_that_overlap_are_named() -> None:
    assert found(addresses=(("eth0", "10.85.3.4/24"),)) == ["address 10.85.3.4/24 of eth0"]
    assert found(routes=(("wg0", "10.85.128.0/17"),)) == ["route 10.85.128.0/17 by wg0"]
    assert found(routes=(("tun0", "10.0.0.0/8"),)) == ["route 10.0.0.0/8 by tun0"]


def test_shared_address_space_clashes_with_tailscale_and_carrier_nat() -> None:
    assert len(found("100.85.0.0/16", tailscale=True)) == 1
    assert found("100.85.0.0/16", addresses=(("wan", "100.100.2.3/10"),)) == [
        "carrier-grade NAT or Tailscale: 100.100.2.3/10 of wan"
    ]
    assert found("100.85.0.0/16") == []
    assert found(tailscale=True) == []


def test_the_free_prefix_that_is_offered_is_free() -> None:
    (clash, *_) = clashes(
        DEFAULT_PREFIX,
        interface="gw0",
        addresses=(("eth0", ip_interface("10.85.0.5/16")), ("eth1", ip_interface("10.86.0.5/16"))),
        routes=(("eth2", ip_network("10.87.0.0/16")),),
        tailscale=False,
    )
    assert "10.88.0.0/16 is free" in clash.fix


@pytest.mark.parametrize(
    ("taken", "offered"),
    [
        (("10.85.0.0/16", "10.86.0.0/15", "10.88.0.0/13", "10.96.0.0/11", "10.128.0.0/9"), "10.0.0.0/16 is free"),
        (("10.0.0.0/8", "172.31.0.0/16"), "172.30.0.0/16 is free"),
        (("10.0.0.0/8", "172.16.0.0/12", "192.168.255.0/24"), "192.168.254.0/24 is free"),
        (("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), ""),
    ],
)
def test_nothing_is_called_free_that_is_not(taken: tuple[str, ...], offered: str) -> None:
    (clash, *_) = clashes(
        DEFAULT_PREFIX,
        interface="gw0",
        addresses=(),
        routes=tuple(("eth0", ip_network(prefix)) for prefix in taken),
        tailscale=False,
    )
    assert offered in clash.fix
    assert bool(offered) is ("is free" in clash.fix)


def test_prefix_kinds_are_what_they_say() -> None:
    assert isinstance(mesh_prefix("fd85:1:2::/64"), IPv6Network)
    assert isinstance(mesh_prefix("10.85.0.0/16"), IPv4Network)
