"""What two fleets differ in, against the matcher and the compiler that decide it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.access import endpoints_of
from gridwire.core.compiler import compile_spec, routing_table
from gridwire.core.difference import MOST, Difference, Why, difference
from gridwire.core.fleet import ON_MESH, Fleet, Network, Node, NodeState, Policy, Role, Route, Selector, Service
from gridwire.core.matcher import Decision, decide
from gridwire.core.names import NodeName, PolicyName, RouteName, ServiceName
from gridwire.core.sources import Index
from gridwire.core.targets import parse_target
from gridwire.core.wireguard import PublicKey

KEY = PublicKey("HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=")
NAMES = ("a", "b", "c", "d")
TAGS = (("site", "a"), ("who", "ann"))
HOSTS = ("r", "*", "*.r.grid", "x.r.grid", "y.example.com")
PATHS = ("/", "/p", "/p/q", "/P", "/p;q", "/q/")
PLAIN = st.sampled_from(
    [*(Selector("role", role) for role in Role)]
    + [Selector("tag", f"{key}={value}") for key, value in TAGS]
    + [Selector("node", name) for name in NAMES]
)
ALLOW = st.lists(st.one_of(PLAIN, st.just(Selector("policy", "home"))), max_size=3).map(tuple)
PLAINS = st.lists(PLAIN, min_size=1, max_size=3).map(tuple)


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    fleet = Fleet(network=Network(prefix=ip_network("10.85.0.0/16"), edge_port=draw(st.sampled_from((2085, 2095)))))
    for place, name in enumerate(("gw", *NAMES)):
        if name != "gw" and not draw(st.booleans()):
            continue
        fleet = fleet.put(
            Node(
                name=NodeName(name),
                role=Role.GATEWAY if name == "gw" else draw(st.sampled_from(list(Role))),
                state=draw(st.sampled_from(list(NodeState))),
                address=ip_address("10.85.1.0") + place,
                public_key=KEY,
                endpoint=draw(st.sampled_from(("gw.example.com:51820", "gw.example.com:51821")))
                if place == 0
                else None,
                tags=tuple(draw(st.lists(st.sampled_from(TAGS), max_size=2))),
                drained=draw(st.booleans()),
            )
        )
    fleet = fleet.put(Policy(name=PolicyName("home"), allow=draw(PLAINS)))
    for name in ("s", "t"):
        weights = tuple(draw(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 1), max_size=2)).items())
        to = parse_target(draw(st.sampled_from(("127.0.0.1:9000", "unix:/run/app.sock"))))
        fleet = fleet.put(Service(name=ServiceName(name), target=to, on=draw(PLAINS), weights=weights))
    places = draw(st.lists(st.tuples(st.sampled_from(HOSTS), st.sampled_from(PATHS)), max_size=7, unique=True))
    for number, (host, path) in enumerate(places):
        to = ServiceName(draw(st.sampled_from(("s", "t"))))
        fleet = fleet.put(Route(name=RouteName(f"r{number}"), host=host, path=path, to=to, allow=draw(ALLOW)))
    return fleet


def served(fleet: Fleet, host: str, path: str, node: Node) -> Decision | None:
    """Where the reference matcher lets the node in; an endpoint that is down is none of its business here."""
    table = routing_table(Index(fleet), (1, 1))
    asked = host.replace("*", "nobody-has-this")
    found = decide(table, asked, path, node.address)
    return found if found.status in (200, 503) else None


def places(*fleets: Fleet) -> set[tuple[str, str]]:
    hosts = {entry.host for fleet in fleets for entry in routing_table(Index(fleet), (1, 1)).routes}
    paths = {path.removesuffix("/") or "/" for path in PATHS}
    return {(host, path) for host in hosts for path in paths}


def told(found: Difference, which: str) -> set[tuple[str, str, str]]:
    return {
        (name, place.host, place.path)
        for access in getattr(found, which)
        for name in access.who.nodes
        for place in access.places
    }


@given(fleets(), fleets())
def test_who_gains_and_loses_what_is_what_the_matcher_says(before: Fleet, after: Fleet) -> None:
    found = difference(before, after)
    gains, losses = told(found, "gains"), told(found, "losses")
    moved = {(name, one.host, one.path): one for one in found.redirections for name in one.who.nodes}
    named = {place[1:] for place in gains | losses} | {place[1:] for place in moved}
    for host, path in places(before, after):
        for name in NAMES:
            had = has = None
            for fleet in (before, after):
                node = next((n for n in fleet.nodes if n.name == name), None)
                decision = None if node is None else served(fleet, host, path, node)
                had, has = (decision, has) if fleet is before else (had, decision)
            place = (name, host, path)
            if (host, path) not in named and path not in _own(before, after, host):
                continue  # a path that no route of the host has is for the shorter one that takes it
            assert (place in gains) == (has is not None and had is None), place
            assert (place in losses) == (had is not None and has is None), place
            redirected = had is not None and has is not None and had.route is not None and has.route is not None
            services = [{r.name: r.to for r in f.routes} for f in (before, after)]
            if redirected and services[0][had.route] != services[1][has.route]:
                assert (moved[place].before, moved[place].after) == (services[0][had.route], services[1][has.route])
            else:
                assert place not in moved


def _own(before: Fleet, after: Fleet, host: str) -> set[str]:
    tables = (routing_table(Index(fleet), (1, 1)) for fleet in (before, after))
    return {e.path.removesuffix("/") or "/" for table in tables for e in table.routes if e.host == host}


@given(fleets())
def test_nothing_differs_from_itself(fleet: Fleet) -> None:
    assert difference(fleet, fleet) == Difference()
    assert difference(fleet, replace(fleet)) == Difference()


@given(fleets(), fleets())
def test_what_one_way_is_gained_is_lost_the_other_way(before: Fleet, after: Fleet) -> None:
    there, back = difference(before, after), difference(after, before)

    def who(accesses: object) -> list[tuple[object, ...]]:
        return [(a.who, tuple((p.host, p.path, p.route, p.service) for p in a.places)) for a in accesses]  # type: ignore[attr-defined]

    assert who(there.gains) == who(back.losses)
    assert who(there.losses) == who(back.gains)
    assert there.appear == back.go
    assert [(u.service, u.before, u.after) for u in there.upstreams] == [
        (u.service, u.after, u.before) for u in back.upstreams
    ]
    assert {(n.noun, n.name) for n in there.nouns} == {(n.noun, n.name) for n in back.nouns}


@given(fleets(), fleets())
def test_sockets_are_those_of_the_specs(before: Fleet, after: Fleet) -> None:
    found = difference(before, after)

    def listening(fleet: Fleet) -> set[tuple[str, str, int]]:
        nodes = [node for node in fleet.nodes if node.state is NodeState.ACTIVE]
        specs = [compile_spec(fleet, node.name, epoch=1, revision=1) for node in nodes]
        return {(spec.node, str(one.address), one.port) for spec in specs for one in spec.proxy.listeners} | {
            (spec.node, "None", spec.mesh.listen_port) for spec in specs if spec.mesh.listen_port
        }

    old, new = listening(before), listening(after)
    assert {(s.node, str(s.address), s.port) for s in found.appear} == new - old
    assert {(s.node, str(s.address), s.port) for s in found.go} == old - new


@given(fleets(), fleets())
def test_endpoints_are_those_that_a_gateway_sends_to(before: Fleet, after: Fleet) -> None:
    def serving(fleet: Fleet, name: str) -> set[str]:
        service = next(s for s in fleet.services if s.name == name)
        idle = {node for node, weight in service.weights if weight == 0}
        return {n.name for n in endpoints_of(fleet, service) if not n.drained and n.name not in idle}

    found = {upstream.service: upstream for upstream in difference(before, after).upstreams}
    for name in ("s", "t"):
        old, new = serving(before, name), serving(after, name)
        upstream = found.get(ServiceName(name))
        if upstream is None:
            assert old == new
            continue
        assert set(upstream.enter.nodes) == new - old
        assert {*upstream.leave.nodes, *upstream.drain.nodes} == old - new
        assert not set(upstream.leave.nodes) & set(upstream.drain.nodes)
        assert (upstream.before, upstream.after) == (len(old), len(new))


@given(fleets(), fleets())
def test_whoever_is_put_out_is_cut(before: Fleet, after: Fleet) -> None:
    found = difference(before, after)
    names = {cut.why: set(cut.who.nodes) for cut in found.cuts}
    old = {n.name for n in before.nodes if n.state in ON_MESH}
    new = {n.name for n in after.nodes if n.state in ON_MESH}
    assert names.get(Why.REVOKED, set()) == old - new
    assert names.get(Why.WITHDRAWN, set()) == {name for name, *_ in told(found, "losses")} - (old - new)


def grid(clients: int) -> Fleet:
    fleet = Fleet(network=Network(prefix=ip_network("10.85.0.0/16")))
    nodes = [
        Node(
            name=NodeName(f"n{number}"),
            role=Role.CLIENT,
            state=NodeState.ACTIVE,
            address=ip_address("10.85.1.0") + number,
            tags=(("site", "a"),) if number < 10 else (),
        )
        for number in range(clients)
    ]
    service = Service(name=ServiceName("s"), target=parse_target("127.0.0.1:9000"), on=(Selector("node", "e"),))
    return replace(fleet, nodes=tuple(sorted(nodes, key=lambda node: node.name)), services=(service,))


def opened(fleet: Fleet, name: str, *allow: str, path: str = "/", to: str = "s") -> Fleet:
    selectors = tuple(Selector(*text.split(":", 1)) for text in allow)  # type: ignore[arg-type]
    return fleet.put(Route(name=RouteName(name), host="r", path=path, to=ServiceName(to), allow=selectors))


def test_many_are_told_of_by_what_names_them_all() -> None:
    fleet = grid(3000)
    gains = difference(fleet, opened(opened(fleet, "r", "role:client"), "q", "tag:site=a", path="/q")).gains
    assert [(access.who.count, [p.path for p in access.places]) for access in gains] == [(3000, ["/"]), (10, ["/q"])]
    assert [(group.selector, group.count) for group in gains[0].who.groups] == [("role:client", 3000)]
    assert gains[0].who.rest == 0
    assert len(gains[0].who.nodes) == 50
    assert [(group.selector, group.count) for group in gains[1].who.groups] == [("tag:site=a", 10)]


def test_a_route_that_goes_leaves_its_place_to_the_shorter_one() -> None:
    """Removing a route opens /admin to all of the route above it."""
    fleet = opened(opened(grid(20), "r", "role:client"), "admin", "tag:site=a", path="/admin")
    after = fleet.drop(next(route for route in fleet.routes if route.name == "admin"))
    gains = difference(fleet, after).gains
    assert [(access.who.count, access.places[0].path, access.places[0].route) for access in gains] == [
        (10, "/admin", "r")
    ]
    assert difference(fleet, after).losses == ()


def test_a_route_that_makes_the_path_of_another_ambiguous_closes_it() -> None:
    """Applications cut ;q off, so /p;q of one grant beside /p of another is answered 400 (core/readings.py)."""
    fleet = opened(opened(grid(20), "root", "tag:site=a"), "semicolon", "tag:site=a", path="/p;q")
    found = difference(fleet, opened(fleet, "p", "role:client", path="/p"))
    assert [(access.who.count, access.places[0].path) for access in found.losses] == [(10, "/p;q")]


def test_fields_are_told_in_the_words_of_the_command_line() -> None:
    fleet = opened(grid(2), "r", "role:client")
    service = replace(fleet.services[0], target=parse_target("unix:/run/app.sock"), retries=0)
    node = replace(fleet.nodes[0], tags=(("site", "b"),), drained=True)
    nouns = difference(fleet, fleet.put(service).put(node).drop(fleet.routes[0])).nouns
    changed = {(n.noun, n.name): {f.field: (f.before, f.after) for f in n.fields} for n in nouns}
    assert changed == {
        ("node", "n0"): {"tags": ("site=a", "site=b"), "drained": ("no", "yes")},
        ("service", "s"): {"target": ("127.0.0.1:9000", "unix:/run/app.sock"), "retries": ("2", "0")},
        ("route", "r"): {"name": ("r", None), "host": ("r", None), "to": ("s", None), "allow": ("role:client", None)},
    }
    assert all(isinstance(n.before, Node | Service | Route) for n in nouns)


def test_of_very_much_some_of_each_is_told_and_the_rest_is_counted() -> None:
    fleet = after = grid(20)
    for number in range(MOST):
        after = opened(after, f"a{number}", "role:client", path=f"/a{number}")
    for number in range(20):
        after = opened(after, f"b{number}", "tag:site=a", path=f"/b{number}")
    found = difference(fleet, after)
    assert [(access.who.count, len(access.places)) for access in found.gains] == [(20, MOST // 2), (10, 20)]
    assert found.left_out == MOST // 2 + 20  # places, and nouns
    assert len(found.nouns) == MOST
