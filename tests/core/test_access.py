"""Who may use a route: deny by default, active nodes only, policies resolved."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.access import allowed_nodes, endpoints_of, may_use, resolved
from gridwire.core.errors import Invalid
from gridwire.core.fleet import (
    Fleet,
    Network,
    Node,
    NodeState,
    Policy,
    Role,
    Route,
    Selector,
    Service,
    parse_selector,
)
from gridwire.core.names import NodeName, PolicyName, RouteName, ServiceName
from gridwire.core.targets import parse_target


def node(name: str, role: Role, offset: int, *tags: tuple[str, str], state: NodeState = NodeState.ACTIVE) -> Node:
    address = ip_address("10.85.1.0") + offset
    return Node(name=NodeName(name), role=role, state=state, address=address, tags=tags)


PHONE = node("phone", Role.CLIENT, 1, ("who", "ann"))
TABLET = node("tablet", Role.CLIENT, 2, state=NodeState.PENDING)
EDGE = node("home-1", Role.EDGE, 3, ("site", "a"))
GATEWAY = node("gw-1", Role.GATEWAY, 4)
POLICY = Policy(name=PolicyName("family"), allow=(parse_selector("tag:who=ann"),))
FLEET = Fleet(
    network=Network(prefix=ip_network("10.85.0.0/16")), nodes=(GATEWAY, EDGE, PHONE, TABLET), policies=(POLICY,)
)


def route(*allow: str) -> Route:
    return Route(
        name=RouteName("api"), host="api", to=ServiceName("api"), allow=tuple(parse_selector(text) for text in allow)
    )


@pytest.mark.parametrize(
    ("allow", "names"),
    [
        ((), ()),
        (("role:client",), ("phone",)),
        (("node:home-1",), ("home-1",)),
        (("tag:site=a", "policy:family"), ("home-1", "phone")),
        (("tag:site=b",), ()),
        (("role:gateway",), ()),
    ],
)
def test_a_route_is_open_to_those_it_names_and_nobody_else(allow: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert tuple(n.name for n in allowed_nodes(FLEET, route(*allow))) == names


def test_a_policy_that_does_not_exist_is_an_error_not_an_empty_set() -> None:
    with pytest.raises(Invalid, match="no policy"):
        resolved((parse_selector("policy:gone"),), FLEET.policies)


@given(st.sampled_from(list(NodeState)), st.sampled_from(list(Role)))
def test_only_active_nodes_that_are_no_gateway_may_use_anything(state: NodeState, role: Role) -> None:
    everything = tuple(Selector("role", each) for each in Role)
    asker = replace(PHONE, state=state, role=role)
    assert may_use(asker, everything) == (state is NodeState.ACTIVE and role is not Role.GATEWAY)


def test_a_service_runs_on_active_edges_alone() -> None:
    everywhere = tuple(parse_selector(f"role:{role}") for role in Role)
    service = Service(name=ServiceName("api"), target=parse_target("127.0.0.1:9000"), on=everywhere)
    assert endpoints_of(FLEET, service) == (EDGE,)


@pytest.mark.parametrize("text", ["", "client", "role:", "role:boss", "tag:si/te", "tag:=a", "node:A", "user:ann"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_selector(text)


def test_policies_do_not_nest() -> None:
    with pytest.raises(Invalid, match="cannot name a policy"):
        Policy(name=PolicyName("all"), allow=(parse_selector("policy:family"),))
