"""Specs are hostile input: control may have been taken over. Every field of one is bent, and none gets in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridwire.core.admission import check_spec
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Role
from gridwire.core.guard import Opening
from gridwire.core.health import HealthCheck as Check
from gridwire.core.joined import first_spec
from gridwire.core.proxy import EdgeService, Endpoint, Grant, Listener, ListenerKind, RouteEntry
from gridwire.core.spec import NodeSpec, Tombstone
from gridwire.core.targets import parse_target

Bend = Callable[[NodeSpec], NodeSpec]
OWN = ip_address("10.85.1.0")
GATEWAY = ip_address("10.85.0.1")
OTHER = ip_address("10.85.1.1")


def mesh(**more: Any) -> Bend:
    return lambda s: replace(s, mesh=replace(s.mesh, **more))


def peer(**more: Any) -> Bend:
    return lambda s: replace(s, mesh=replace(s.mesh, peers=(replace(s.mesh.peers[0], **more), *s.mesh.peers[1:])))


def guard(**more: Any) -> Bend:
    return lambda s: replace(s, guard=replace(s.guard, **more))


def proxy(**more: Any) -> Bend:
    return lambda s: replace(s, proxy=replace(s.proxy, **more))


def routing(**more: Any) -> Bend:
    return lambda s: replace(s, proxy=replace(s.proxy, routing=replace(s.proxy.routing, **more)))


def edge_table(**more: Any) -> Bend:
    return lambda s: replace(s, proxy=replace(s.proxy, edge=replace(s.proxy.edge, **more)))


def panel(**more: Any) -> Bend:
    return lambda s: replace(s, proxy=replace(s.proxy, panel=replace(s.proxy.panel, **more)))


def names(*entries: tuple[str, str]) -> Bend:
    parsed = tuple((name, ip_address(address)) for name, address in entries)
    return lambda s: replace(s, names=replace(s.names, entries=parsed))


def opening(role: str, addresses: list[str], ports: list[int]) -> Opening:
    return Opening(role=role, addresses=tuple(map(ip_address, addresses)), tcp_ports=tuple(ports))


def a_service(name: str, **more: Any) -> EdgeService:
    return EdgeService(
        service=name,
        target=more.get("target", parse_target("127.0.0.1:9000")),
        health=Check(),
        **{"connect_timeout_ms": 1000, "read_timeout_ms": 1000, "send_timeout_ms": 1000}
        | {key: value for key, value in more.items() if key != "target"},
    )


EDGE: dict[str, tuple[Bend, str]] = {
    "another node's": (lambda s: replace(s, node="home-2"), "node"),
    "made a gateway": (lambda s: replace(s, role=Role.GATEWAY), "role"),
    "another format": (lambda s: replace(s, format=2), "format"),
    "negative": (lambda s: replace(s, revision=-1), "revision"),
    "huge": (lambda s: replace(s, epoch=2**60), "revision"),
    "another address": (mesh(address=OTHER), "mesh.address"),
    "another interface": (mesh(interface="eth0"), "mesh.interface"),
    "the whole internet": (mesh(prefix=ip_network("0.0.0.0/0")), "mesh.prefix"),
    "no such port": (mesh(listen_port=70000), "mesh.listen_port"),
    "a tiny mtu": (mesh(mtu=68), "mesh.mtu"),
    "no peers": (mesh(peers=()), "mesh.peers"),
    "all traffic": (peer(allowed_ips=(ip_network("0.0.0.0/0"),)), "allowed_ips"),
    "the mesh": (peer(allowed_ips=(ip_network("10.85.0.0/16"),)), "allowed_ips"),
    "a bank's address": (peer(allowed_ips=(ip_network("203.0.113.9/32"),)), "allowed_ips"),
    "IPv6 in an IPv4 mesh": (peer(allowed_ips=(ip_network("::1/128"),)), "allowed_ips"),
    "own address": (peer(allowed_ips=(ip_network("10.85.1.0/32"),)), "allowed_ips"),
    "another edge as peer": (peer(allowed_ips=(ip_network("10.85.1.1/32"),)), "allowed_ips"),
    "another key for the gateway": (
        peer(public_key="AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="),
        "public_key",
    ),
    "wg config in the endpoint": (peer(endpoint="198.51.100.1:51820\nPrivateKey = x"), "endpoint"),
    "loopback endpoint": (peer(endpoint="127.0.0.1:22"), "endpoint"),
    "endpoint of a socket": (peer(endpoint="/run/x:1"), "endpoint"),
    "endless keepalive": (peer(keepalive=70000), "keepalive"),
    "no time zone": (peer(expires=datetime(2026, 1, 1)), "expires"),  # noqa: DTZ001
    "a peer's name with escapes": (peer(node="gw\x1b[2J"), "mesh.peers"),
    "the same peer twice": (lambda s: mesh(peers=s.mesh.peers * 2)(s), "mesh.peers"),
    "too many peers": (lambda s: mesh(peers=s.mesh.peers * 70_001)(s), "mesh.peers"),
    "guard on another interface": (guard(interface="eth0"), "guard.interface"),
    "guard for another prefix": (guard(prefix=ip_network("10.0.0.0/8")), "guard.prefix"),
    "guard for another address": (guard(address=OTHER), "guard.address"),
    "another port guarded": (guard(listen_port=22), "guard.listen_port"),
    "ssh opened": (guard(openings=(opening("gateway", ["10.85.0.1"], [22]),)), "guard.openings"),
    "opened to an edge": (guard(openings=(opening("gateway", ["10.85.1.1"], [2085]),)), "guard.openings"),
    "opened to clients": (guard(openings=(opening("client", ["10.85.0.1"], [2085]),)), "guard.openings"),
    "a set named by them": (guard(openings=(opening("everybody", ["10.85.0.1"], []),)), "guard.openings"),
    "opened twice": (guard(openings=(opening("gateway", [], []),) * 2), "guard.openings"),
    "listens for routes": (proxy(listeners=(Listener(ListenerKind.ROUTES, OWN, 80),)), "proxy.listeners"),
    "listens on loopback": (
        proxy(listeners=(Listener(ListenerKind.EDGE, ip_address("127.0.0.1"), 2085),)),
        "proxy.listeners",
    ),
    "listens on another's": (proxy(listeners=(Listener(ListenerKind.EDGE, OTHER, 2085),)), "proxy.listeners"),
    "listens on a low port": (proxy(listeners=(Listener(ListenerKind.EDGE, OWN, 22),)), "proxy.listeners"),
    # `reach` says nothing of these ports, and the guard opens what the spec's listeners have.
    "postgres as its listener, and opened": (
        lambda s: proxy(listeners=(Listener(ListenerKind.EDGE, OWN, 5432),))(
            guard(openings=(opening("gateway", ["10.85.0.1"], [5432]),))(s)
        ),
        "proxy.listeners",
    ),
    "opened without a listener": (proxy(listeners=()), "guard.openings"),
    "another port opened": (guard(openings=(opening("gateway", ["10.85.0.1"], [2085, 5432]),)), "guard.openings"),
    "root alone on the web": (guard(root_only_ports=(443,)), "guard.root_only_ports"),
    "a service on the mesh": (
        edge_table(services=(a_service("a", target=parse_target("10.85.1.1:9000")),)),
        "proxy.edge.services",
    ),
    "a service on its own mesh address": (
        edge_table(services=(a_service("a", target=parse_target("10.85.1.0:2085")),)),
        "proxy.edge.services",
    ),
    "listens twice": (proxy(listeners=(Listener(ListenerKind.EDGE, OWN, 2085),) * 2), "proxy.listeners"),
    "an edge for a gateway": (edge_table(gateways=(OTHER,)), "proxy.edge.gateways"),
    "a table of another version": (edge_table(version=(9, 9)), "proxy.edge.version"),
    "a service's name": (edge_table(services=(a_service("a/../b"),)), "proxy.edge.services"),
    "a service twice": (edge_table(services=(a_service("a"), a_service("a"))), "proxy.edge.services"),
    "no timeout": (edge_table(services=(a_service("a", read_timeout_ms=0),)), "proxy.edge.services"),
    "an endless timeout": (edge_table(services=(a_service("a", read_timeout_ms=2**40),)), "proxy.edge.services"),
    "a bank's name": (names(("bank.example.com", "10.85.0.1")), "names.entries"),
    "the suffix itself": (names(("grid", "10.85.0.1")), "names.entries"),
    "a name with a newline": (names(("a\n1.2.3.4 b.grid", "10.85.0.1")), "names.entries"),
    "a name for loopback": (names(("api.grid", "127.0.0.1")), "names.entries"),
    "a name for an edge": (names(("api.grid", "10.85.1.1")), "names.entries"),
    "a name twice": (names(("api.grid", "10.85.0.1"), ("api.grid", "10.85.0.2")), "names.entries"),
    "another suffix": (lambda s: replace(s, names=replace(s.names, suffix="com")), "names.suffix"),
    "tombstones": (
        lambda s: replace(s, tombstones=(Tombstone(node="x", address=OTHER, public_key=None),)),
        "tombstones",
    ),
}

GATEWAYS: dict[str, tuple[Bend, str]] = {
    "two peers for an address": (
        lambda s: mesh(peers=(s.mesh.peers[0], replace(s.mesh.peers[1], allowed_ips=s.mesh.peers[0].allowed_ips)))(s),
        "mesh.peers",
    ),
    "a peer with the mesh": (peer(allowed_ips=(ip_network("10.85.0.0/24"),)), "allowed_ips"),
    "a peer with its own address": (peer(allowed_ips=(ip_network("10.85.0.1/32"),)), "allowed_ips"),
    "clients at the enrol port": (guard(openings=(opening("client", ["10.85.1.2"], [2087]),)), "guard.openings"),
    "newcomers at the API": (guard(openings=(opening("enrolling", ["10.85.1.2"], [2086]),)), "guard.openings"),
    "the LAN let in": (guard(openings=(opening("client", ["192.168.1.2"], [80]),)), "guard"),
    "the API elsewhere": (proxy(listeners=(Listener(ListenerKind.API, GATEWAY, 8086),)), "proxy.listeners"),
    "routes elsewhere": (proxy(listeners=(Listener(ListenerKind.ROUTES, GATEWAY, 5432),)), "proxy.listeners"),
    "an endpoint at another port": (
        lambda s: routing(pools=(replace(s.proxy.routing.pools[0], endpoints=(an_endpoint("10.85.1.1", 5432),)),))(s),
        "proxy.routing.pools",
    ),
    "an edge's listener": (proxy(listeners=(Listener(ListenerKind.EDGE, GATEWAY, 2085),)), "proxy.listeners"),
    "a panel by another's name": (panel(hosts=("evil.example.com",)), "proxy.panel.hosts"),
    "a panel of another version": (panel(version=(9, 9)), "proxy.panel.version"),
    "a panel for the LAN": (panel(operators=(ip_address("192.168.1.2"),)), "proxy.panel.operators"),
    "an endpoint on loopback": (
        lambda s: routing(pools=(replace(s.proxy.routing.pools[0], endpoints=(an_endpoint("127.0.0.1"),)),))(s),
        "proxy.routing.pools",
    ),
    "an endpoint on itself": (
        lambda s: routing(pools=(replace(s.proxy.routing.pools[0], endpoints=(an_endpoint("10.85.0.1"),)),))(s),
        "proxy.routing.pools",
    ),
    "an endpoint at ssh": (
        lambda s: routing(pools=(replace(s.proxy.routing.pools[0], endpoints=(an_endpoint("10.85.1.1", 22),)),))(s),
        "proxy.routing.pools",
    ),
    "a grant for the LAN": (
        routing(grants=(Grant(id="a", addresses=(ip_address("192.168.1.2"),)),)),
        "proxy.routing.grants",
    ),
    "a path that climbs": (
        routing(routes=(RouteEntry(name="x", host="api.grid", path="/../etc", grant="a", service="api"),)),
        "proxy.routing.routes",
    ),
    "a host of nginx text": (
        routing(routes=(RouteEntry(name="x", host="a; } server {", path="/", grant="a", service="api"),)),
        "proxy.routing.routes",
    ),
    "a tombstone that is let in": (
        lambda s: replace(s, tombstones=(Tombstone(node="home-1", address=OWN, public_key=None),)),
        "tombstones",
    ),
    "its own tombstone": (
        lambda s: replace(s, tombstones=(Tombstone(node="gw", address=GATEWAY, public_key=None),)),
        "tombstones",
    ),
}


def an_endpoint(address: str, port: int = 2085) -> Endpoint:
    return Endpoint(node="home-2", address=ip_address(address), port=port)


def test_what_control_compiles_is_taken(edge: Any, gateway: Any) -> None:
    for specs in (edge, gateway):
        check_spec(specs.at(3), specs.identity, (1, 3))
        check_spec(specs.without(4, "home-2"), specs.identity, (1, 3))
    kind = type(edge)
    phone = kind("phone")
    assert phone.at(1).names.entries
    check_spec(phone.at(1), phone.identity)


def test_the_spec_between_joining_and_the_first_of_controls_is_taken(edge: Any) -> None:
    first = first_spec(edge.identity)
    check_spec(first, edge.identity)
    assert first.version < edge.at(1, epoch=0).version
    assert first.guard.openings == ()


@pytest.mark.parametrize(("epoch", "taken"), [(1, True), (1001, True), (1002, False), (2**53 - 1, False)])
def test_an_epoch_leaves_room_above_it(edge: Any, epoch: int, taken: bool) -> None:
    if taken:
        check_spec(edge.at(9, epoch=epoch), edge.identity, (1, 7))
        return
    with pytest.raises(Invalid, match="restores"):
        check_spec(edge.at(9, epoch=epoch), edge.identity, (1, 7))


@pytest.mark.parametrize("bent", EDGE)
def test_an_edge_refuses(edge: Any, bent: str) -> None:
    bend, field = EDGE[bent]
    with pytest.raises(Invalid) as caught:
        check_spec(bend(edge.at(1)), edge.identity)
    assert field in caught.value.field


@pytest.mark.parametrize("bent", GATEWAYS)
def test_a_gateway_refuses(gateway: Any, bent: str) -> None:
    bend, field = GATEWAYS[bent]
    with pytest.raises(Invalid) as caught:
        check_spec(bend(gateway.at(1)), gateway.identity)
    assert field in caught.value.field


def test_an_older_version_is_refused_and_a_restored_control_has_a_higher_epoch(edge: Any) -> None:
    with pytest.raises(Invalid, match="older") as caught:
        check_spec(edge.at(4), edge.identity, (1, 5))
    assert caught.value.code == "older-spec"
    with pytest.raises(Invalid, match="older"):
        check_spec(edge.at(99), edge.identity, (2, 1))
    check_spec(edge.at(1, epoch=2), edge.identity, (1, 5))


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "", "\n", "a\nb", "..", "/", "*", "a b", "GW0", "eth0", "x;y", "${x}", "0.0.0.0", "127.0.0.1:1",
            "é", "\x00",
            "a" * 300, "-", "lo", "com", "api.grid\n6.6.6.6 bank.example.com",
        ]
    ),
    st.text(max_size=20),
)  # fmt: skip
ADDRESSES = st.sampled_from(
    [ip_address(a) for a in ("0.0.0.0", "127.0.0.1", "192.168.0.1", "169.254.169.254", "8.8.8.8", "::1", "fe80::1")]
)
PREFIXES = st.sampled_from([ip_network(p) for p in ("0.0.0.0/0", "10.0.0.0/8", "127.0.0.0/8", "8.8.8.8/32", "::/0")])


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every string, address and prefix in a spec."""
    if is_dataclass(value):
        return [spot for f in fields(value) for spot in spots(getattr(value, f.name), (*path, f.name))]
    if isinstance(value, tuple):
        return [spot for i, item in enumerate(value) for spot in spots(item, (*path, i))]
    kinds = (str, type(OWN), type(ip_network("10.0.0.0/8")))
    return [path] if isinstance(value, kinds) else []


def bend_at(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    if isinstance(path[0], int):
        return (*value[: path[0]], bend_at(value[path[0]], path[1:], new), *value[path[0] + 1 :])
    return replace(value, **{path[0]: bend_at(getattr(value, path[0]), path[1:], new)})


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step] if isinstance(step, int) else getattr(value, step)
    return value


# What the spec may choose freely, judged elsewhere or harmless: the edge's reach list judges targets.
FREE = {"target", "health", "balance", "kind"}


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_hostile_string_address_or_prefix_gets_in_anywhere(edge: Any, gateway: Any, data: st.DataObject) -> None:
    specs = data.draw(st.sampled_from([edge, gateway]))
    spec = specs.at(1)
    path = data.draw(st.sampled_from([p for p in spots(spec) if not FREE & set(p)]))
    old = at(spec, path)
    source = HOSTILE if isinstance(old, str) else ADDRESSES if isinstance(old, type(OWN)) else PREFIXES
    new = data.draw(source)
    if new == old:
        return
    try:
        bent = bend_at(spec, path, new)
        check_spec(bent, specs.identity)
    except ValueError:  # Invalid is one; so is what a dataclass refuses by itself
        return
    # What was taken must be a plain name that another node or service could have.
    assert isinstance(new, str)
    assert new.isascii()
    assert all(c.isalnum() or c in "-.:/*_" for c in new), (path, new)
