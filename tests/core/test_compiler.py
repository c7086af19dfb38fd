"""Fleet to node spec: a star, exact addresses, and nothing for those who are not in."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, ip_address
from typing import Any

import pytest
from pydantic import TypeAdapter

from gridwire.core.compiler import compile_spec, endpoint_port
from gridwire.core.errors import NotFound
from gridwire.core.fleet import Fleet, Invitation, Network, Node, NodeState, Policy, Role, Route, Selector, Service, Tls
from gridwire.core.names import NodeName, PolicyName, RouteName, ServiceName
from gridwire.core.proxy import ListenerKind
from gridwire.core.spec import NodeSpec
from gridwire.core.targets import parse_target
from gridwire.core.wireguard import PublicKey

EXPIRES = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(hours=1)
CLIENTS = (Selector("role", "client"),)


def _key(seed: str) -> PublicKey:
    return PublicKey(base64.b64encode(hashlib.sha256(seed.encode()).digest()).decode())


def _node(name: str, address: str, role: Role = Role.EDGE, **fields: Any) -> Node:
    values: dict[str, Any] = {"state": NodeState.ACTIVE, "public_key": _key(name), **fields}
    return Node(name=NodeName(name), role=role, address=ip_address(address), **values)


def _fleet() -> Fleet:
    fleet = Fleet(network=Network(prefix=IPv4Network("10.85.0.0/16")))
    for item in (
        _node("gw", "10.85.0.1", Role.GATEWAY, endpoint="gw.example.com:51820"),
        _node("gw-2", "10.85.0.2", Role.GATEWAY, endpoint="[2001:db8::2]:4500"),
        _node("home-1", "10.85.1.0", tags=(("site", "a"),)),
        _node("home-2", "10.85.1.1", tags=(("site", "a"),), drained=True),
        _node("laptop", "10.85.1.2", Role.OPERATOR),
        _node("phone", "10.85.1.3", Role.CLIENT),
        _node("waiting", "10.85.1.4", state=NodeState.PENDING, tags=(("site", "a"),)),
        _node("invited", "10.85.1.5", state=NodeState.INVITED, public_key=None),
        _node("bound", "10.85.1.6", state=NodeState.REDEEMED),
        _node("leaky", "10.85.1.7", state=NodeState.QUARANTINED, tags=(("site", "a"),)),
        _node("going", "10.85.1.8", state=NodeState.REVOKING, tags=(("site", "a"),)),
        _node("gone", "10.85.1.9", state=NodeState.REVOKED, tags=(("site", "a"),)),
        Invitation(node=NodeName("invited"), ephemeral_key=_key("e-invited"), expires=EXPIRES),
        Invitation(
            node=NodeName("bound"),
            ephemeral_key=_key("e-bound"),
            expires=EXPIRES,
            redeemed_at=EXPIRES,
            redeemed_key=_key("bound"),
        ),
        Service(
            name=ServiceName("api"),
            target=parse_target("127.0.0.1:9000"),
            on=(Selector("tag", "site=a"),),
            weights=((NodeName("home-1"), 3),),
        ),
        Policy(name=PolicyName("family"), allow=(Selector("node", "laptop"),)),
        Route(name=RouteName("api"), host="api", to=ServiceName("api"), allow=CLIENTS),
        Route(name=RouteName("api-v2"), host="api", path="/v2", to=ServiceName("api"), allow=CLIENTS),
        Route(name=RouteName("shut"), host="shut", to=ServiceName("api")),
        Route(name=RouteName("wild"), host="*.apps", to=ServiceName("api"), allow=CLIENTS),
        Route(name=RouteName("own"), host="api.example.com", to=ServiceName("api"), allow=CLIENTS),
        Route(name=RouteName("family"), host="photos", to=ServiceName("api"), allow=(Selector("policy", "family"),)),
    ):
        fleet = fleet.put(item)
    return fleet


def _spec(name: str, fleet: Fleet | None = None) -> NodeSpec:
    return compile_spec(fleet or _fleet(), name, epoch=1, revision=7)


@pytest.mark.parametrize("name", ["home-1", "laptop", "phone", "waiting", "bound", "invited"])
def test_a_nodes_only_peers_are_gateways_with_their_own_addresses(name: str) -> None:
    peers = _spec(name).mesh.peers
    assert {peer.node: [str(ip) for ip in peer.allowed_ips] for peer in peers} == {
        "gw": ["10.85.0.1/32"],
        "gw-2": ["10.85.0.2/32"],
    }
    assert all(peer.endpoint is not None and peer.keepalive > 0 for peer in peers)


def test_a_gateway_routes_each_address_to_one_key() -> None:
    mesh = _spec("gw").mesh
    assert mesh.listen_port == 51820
    routed = {(peer.node, peer.public_key): tuple(map(str, peer.allowed_ips)) for peer in mesh.peers}
    assert routed == {
        ("gw-2", _key("gw-2")): ("10.85.0.2/32",),
        ("home-1", _key("home-1")): ("10.85.1.0/32",),
        ("home-2", _key("home-2")): ("10.85.1.1/32",),
        ("laptop", _key("laptop")): ("10.85.1.2/32",),
        ("phone", _key("phone")): ("10.85.1.3/32",),
        ("waiting", _key("waiting")): ("10.85.1.4/32",),
        ("invited", _key("e-invited")): ("10.85.1.5/32",),
        ("bound", _key("bound")): ("10.85.1.6/32",),
        ("bound", _key("e-bound")): (),  # stays to be seen when it is used again
    }
    assert {peer.public_key: peer.expires for peer in mesh.peers if peer.expires} == {
        _key("e-invited"): EXPIRES,
        _key("e-bound"): EXPIRES,
    }


def test_a_gateway_opens_to_each_role_what_it_may_reach() -> None:
    openings = {o.role: ([str(a) for a in o.addresses], o.tcp_ports) for o in _spec("gw").guard.openings}
    assert openings == {
        "enrolling": (["10.85.1.5", "10.85.1.6"], (2087,)),
        "pending": (["10.85.1.4"], (2086,)),
        "edge": (["10.85.1.0", "10.85.1.1"], (80, 443, 2086)),
        "operator": (["10.85.1.2"], (80, 443, 2086, 2443)),
        "client": (["10.85.1.3"], (80, 443, 2086)),
        "gateway": (["10.85.0.2"], (2086,)),
    }


def test_an_edge_opens_to_gateways_alone_and_others_to_nobody() -> None:
    [opening] = _spec("home-1").guard.openings
    assert ([str(a) for a in opening.addresses], opening.tcp_ports) == (["10.85.0.1", "10.85.0.2"], (2085,))
    assert _spec("laptop").guard.openings == ()
    assert _spec("phone").proxy.listeners == ()


def test_listeners_stand_on_the_nodes_own_address() -> None:
    gateway = {(str(listener.address), listener.kind) for listener in _spec("gw").proxy.listeners}
    assert gateway == {("10.85.0.1", kind) for kind in set(ListenerKind) - {ListenerKind.EDGE}}
    assert [(str(x.address), x.port) for x in _spec("home-1").proxy.listeners] == [("10.85.1.0", 2085)]


def test_without_tls_no_port_of_its_is_listened_on_or_open() -> None:
    fleet = _fleet()
    spec = _spec("gw", replace(fleet, network=replace(fleet.network, tls=Tls.OFF)))
    assert {listener.port for listener in spec.proxy.listeners} == {80, 2086, 2087}
    assert {port for opening in spec.guard.openings for port in opening.tcp_ports} == {80, 2086, 2087}


def test_endpoints_are_active_edges_and_a_drained_one_is_marked() -> None:
    routing = _spec("gw").proxy.routing
    assert routing is not None
    [pool] = routing.pools
    assert [(e.node, str(e.address), e.port, e.weight, e.drained) for e in pool.endpoints] == [
        ("home-1", "10.85.1.0", 2085, 3, False),
        ("home-2", "10.85.1.1", 2085, 1, True),
    ]


def test_routes_stand_under_the_suffix_and_grant_addresses() -> None:
    routing = _spec("gw").proxy.routing
    assert routing is not None
    grants = {grant.id: [str(a) for a in grant.addresses] for grant in routing.grants}
    found = {(r.host, r.path): grants[r.grant] for r in routing.routes}
    assert found == {
        ("api.grid", "/"): ["10.85.1.3"],
        ("api.grid", "/v2"): ["10.85.1.3"],
        ("shut.grid", "/"): [],
        ("*.apps", "/"): ["10.85.1.3"],
        ("api.example.com", "/"): ["10.85.1.3"],
        ("photos.grid", "/"): ["10.85.1.2"],
    }
    assert len(routing.grants) == 3  # one per set of selectors, however many routes share it
    assert [(r.host, r.path) for r in routing.routes] == sorted((r.host, r.path) for r in routing.routes)


def test_names_are_those_that_the_node_may_use() -> None:
    assert {name: [(h, str(a)) for h, a in _spec(name).names.entries] for name in ("phone", "laptop", "home-1")} == {
        "phone": [("api.grid", "10.85.0.1")],  # no wildcard, and nothing outside the suffix
        "laptop": [("panel.grid", "10.85.0.1"), ("photos.grid", "10.85.0.1")],  # an operator's
        "home-1": [],
    }


def test_the_panel_is_for_active_operators_under_the_gateways_own_names() -> None:
    panel = _spec("gw").proxy.panel
    assert panel is not None
    assert panel.hosts == ("10.85.0.1", "panel.grid")
    assert [str(address) for address in panel.operators] == ["10.85.1.2"]
    assert _spec("laptop").proxy.panel is None


def test_an_edge_is_told_only_its_own_services() -> None:
    edge = _spec("home-1").proxy.edge
    assert edge is not None
    assert [(s.service, str(s.target)) for s in edge.services] == [("api", "127.0.0.1:9000")]
    waiting = _spec("waiting").proxy.edge
    assert waiting is not None
    assert waiting.services == ()  # an invitation's thief that waits for a yes learns nothing


def test_those_who_are_cut_are_tombstones_and_nothing_else() -> None:
    spec = _spec("gw")
    cut = {"leaky", "going", "gone"}
    assert {t.node for t in spec.tombstones} == cut
    assert {t.public_key for t in spec.tombstones} == {_key(name) for name in cut}
    addresses = {t.address for t in spec.tombstones}
    assert not any(ip.network_address in addresses for peer in spec.mesh.peers for ip in peer.allowed_ips)
    assert not any(address in addresses for opening in spec.guard.openings for address in opening.addresses)
    assert _spec("home-1").tombstones == ()


def test_a_revoked_node_has_no_spec() -> None:
    with pytest.raises(NotFound):
        _spec("gone")


@pytest.mark.parametrize("name", ["gw", "gw-2", "home-1", "laptop", "phone", "waiting", "bound"])
def test_a_spec_survives_the_wire(name: str) -> None:
    spec = _spec(name)
    adapter = TypeAdapter(NodeSpec)
    assert adapter.validate_json(adapter.dump_json(spec)) == spec


def test_a_spec_depends_on_nothing_but_the_fleet() -> None:
    fleet = _fleet()
    shuffled = replace(fleet, nodes=tuple(reversed(fleet.nodes)))
    gateway = _spec("gw", shuffled)
    assert gateway.mesh == _spec("gw").mesh
    assert gateway.guard == _spec("gw").guard


@pytest.mark.parametrize(
    ("endpoint", "port"), [(None, 0), ("gw.example.com:4500", 4500), ("[2001:db8::1]:4500", 4500), ("gw", 51820)]
)
def test_ports_of_endpoints(endpoint: str | None, port: int) -> None:
    assert endpoint_port(endpoint) == port
