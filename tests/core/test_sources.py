"""The index of a fleet against the search that it replaces."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.access import may_use, resolved, selects
from gridwire.core.compiler import compile_spec
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Policy, Role, Route, Selector, Service
from gridwire.core.names import NodeName, PolicyName, RouteName, ServiceName, under_suffix
from gridwire.core.sources import Index, edge_service
from gridwire.core.targets import parse_target
from gridwire.core.wireguard import PublicKey

KEY = PublicKey("HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=")
NAMES = ("a", "b", "c", "d")
TAGS = (("site", "a"), ("site", "b"), ("who", "ann"))
PLAIN = st.sampled_from(
    [*(Selector("role", role) for role in Role)]
    + [Selector("tag", f"{key}={value}") for key, value in TAGS]
    + [Selector("node", name) for name in NAMES]
)
PLAINS = st.lists(PLAIN, min_size=1, max_size=4).map(tuple)


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    fleet = Fleet(network=Network(prefix=ip_network("10.85.0.0/16")))
    for place, name in enumerate(("gw", *NAMES)):
        fleet = fleet.put(
            Node(
                name=NodeName(name),
                role=Role.GATEWAY if name == "gw" else draw(st.sampled_from(list(Role))),
                state=draw(st.sampled_from(list(NodeState))),
                address=ip_address("10.85.1.0") + place,
                public_key=KEY,
                tags=tuple(draw(st.lists(st.sampled_from(TAGS), max_size=2))),
                drained=draw(st.booleans()),
            )
        )
    fleet = fleet.put(Policy(name=PolicyName("home"), allow=draw(PLAINS)))
    for name in ("s", "t"):
        service = Service(name=ServiceName(name), target=parse_target("127.0.0.1:9000"), on=draw(PLAINS))
        fleet = fleet.put(service)
    for name, host in (("r", "r"), ("v", "v"), ("w", "*.w"), ("x", "x.example.com"), ("y", "*")):
        allow = draw(st.lists(st.one_of(PLAIN, st.just(Selector("policy", "home"))), max_size=3))
        fleet = fleet.put(Route(name=RouteName(name), host=host, to=ServiceName("s"), allow=tuple(allow)))
    return fleet


@given(fleets(), PLAINS)
def test_selected_are_the_active_nodes_that_a_selector_names(fleet: Fleet, selectors: tuple[Selector, ...]) -> None:
    wanted = tuple(node for node in fleet.active() if any(selects(selector, node) for selector in selectors))
    assert Index(fleet).selected(selectors) == wanted


@given(fleets())
def test_sources_are_what_a_search_through_the_fleet_finds(fleet: Fleet) -> None:
    index = Index(fleet)
    for node in index.nodes():
        if node.role is Role.GATEWAY:
            continue
        found = index.sources(node)
        runs = node.role is Role.EDGE and node.state is NodeState.ACTIVE
        assert found.services == tuple(
            edge_service(service)
            for service in fleet.services
            if runs and any(selects(selector, node) for selector in service.on)
        )
        assert found.names == tuple(
            sorted(
                under_suffix(route.host, fleet.network.suffix)
                for route in fleet.routes
                if route.host in ("r", "v") and may_use(node, resolved(route.allow, fleet.policies)) and found.gateways
            )
        )


@given(fleets(), fleets())
def test_where_the_sources_are_equal_it_is_the_same_spec(before: Fleet, after: Fleet) -> None:
    changed = replace(after, services=before.services, routes=before.routes, policies=before.policies)
    one, two = Index(before), Index(changed)
    for name in {node.name for node in one.nodes()} & {node.name for node in two.nodes()}:
        old, new = one.node(name), two.node(name)
        if Role.GATEWAY not in (old.role, new.role) and one.sources(old) == two.sources(new):
            assert compile_spec(before, name, epoch=1, revision=1) == compile_spec(changed, name, epoch=1, revision=1)
