"""Back to an older revision: what comes back, and what never does."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role, Route, Selector, Service
from gridwire.core.names import NodeName, RouteName, ServiceName
from gridwire.core.rollback import rolled_back
from gridwire.core.targets import parse_target


def node(name: str, number: int, **fields: object) -> Node:
    plain = Node(name=NodeName(name), role=Role.EDGE, state=NodeState.ACTIVE, address=ip_address("10.85.1.0") + number)
    return replace(plain, **fields)  # type: ignore[arg-type]  # fields of a node


THEN = Fleet(
    network=Network(prefix=ip_network("10.85.0.0/16")),
    nodes=(
        node("a", 1, tags=(("site", "a"),)),
        node("b", 2),
        node("c", 3, drained=True),
        node("d", 4, state=NodeState.REVOKED),
    ),
    services=(Service(name=ServiceName("s"), target=parse_target("127.0.0.1:9000"), on=(Selector("role", "edge"),)),),
    routes=(Route(name=RouteName("r"), host="r", to=ServiceName("s")),),
)


def test_services_routes_tags_and_drains_come_back() -> None:
    now = replace(THEN, nodes=(node("a", 1, drained=True), *THEN.nodes[1:]), services=(), routes=())
    assert rolled_back(now, THEN) == (THEN, ())


def test_revoked_nodes_stay_out_and_newer_ones_stay_in() -> None:
    now = replace(
        THEN,
        nodes=(
            node("a", 1, state=NodeState.REVOKED),
            node("b", 2, state=NodeState.QUARANTINED, tags=(("who", "thief"),)),
            node("renamed", 3),
            THEN.nodes[3],
            node("late", 5, tags=(("site", "z"),)),
        ),
    )
    fleet, said = rolled_back(now, THEN)
    assert fleet.nodes == (*now.nodes[:2], replace(now.nodes[2], drained=True), *now.nodes[3:])
    assert said == (
        "a (10.85.1.1) stays revoked: invite it again",
        "b (10.85.1.2) stays quarantined: invite it again",
        "10.85.1.3 stays renamed, which was c",
        "late came later and stays as it is",
    )


def test_what_all_share_is_the_settings_files() -> None:
    now = replace(THEN, network=replace(THEN.network, mtu=1380))
    fleet, said = rolled_back(now, THEN)
    assert fleet.network.mtu == 1380
    assert said == ("ports, domain and MTU stay as the gateway's settings file has them",)
