"""Nouns refuse what cannot be, and a fleet changes one noun at a time."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, ip_address
from typing import Any

import pytest

from gridwire.core.errors import Invalid, NotFound
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
    check_path,
    parse_selector,
)
from gridwire.core.targets import parse_target

NETWORK = Network(prefix=IPv4Network("10.85.0.0/16"))


def _node(name: str, last: int, **fields: Any) -> Node:
    values = {"role": Role.EDGE, "state": NodeState.ACTIVE, "address": ip_address(f"10.85.1.{last}"), **fields}
    return Node(name=name, **values)  # type: ignore[arg-type]


def _service(name: str = "api", **fields: Any) -> Service:
    values = {"target": parse_target("127.0.0.1:9000"), "on": (Selector("role", "edge"),), **fields}
    return Service(name=name, **values)  # type: ignore[arg-type]


def test_put_replaces_by_identity_and_keeps_order() -> None:
    fleet = Fleet(network=NETWORK)
    for node in (_node("b", 1), _node("a", 2), _node("c", 3)):
        fleet = fleet.put(node)
    assert [n.name for n in fleet.nodes] == ["a", "b", "c"]
    renamed = fleet.put(_node("z", 1))  # a node is its address, whatever it is called
    assert [n.name for n in renamed.nodes] == ["a", "c", "z"]
    service = _service()
    changed = replace(service, retries=0)
    assert fleet.put(service).put(changed).services == (changed,)
    assert fleet.put(service).drop(changed) == fleet
    assert fleet.drop(service) == fleet


def test_a_tombstone_shares_its_name_and_is_never_found_by_it() -> None:
    old, new = _node("a", 1, state=NodeState.REVOKED), _node("a", 2)
    fleet = Fleet(network=NETWORK).put(old).put(new)
    assert fleet.node("a") == new
    assert fleet.at(old.address) == old
    with pytest.raises(NotFound):
        fleet.drop(new).node("a")


def test_tags_and_selectors_are_sets_in_order() -> None:
    assert _node("a", 1, tags=(("z", "1"), ("a", "1"), ("z", "1"))).tags == (("a", "1"), ("z", "1"))
    selectors = (Selector("tag", "site=a"), Selector("role", "client"), Selector("tag", "site=a"))
    route = Route(name="r", host="api", to="api", allow=selectors)  # type: ignore[arg-type]
    assert [str(s) for s in route.allow] == ["role:client", "tag:site=a"]


@pytest.mark.parametrize("text", ["role:client", "tag:site=a", "node:phone", "policy:home"])
def test_selectors_read_as_they_are_written(text: str) -> None:
    assert str(parse_selector(text)) == text


@pytest.mark.parametrize(
    "text", ["", "client", "role:", "role:king", "tag:si te", "tag:=a", "node:A B", "ip:1", ":", "role:*"]
)
def test_selectors_that_are_none(text: str) -> None:
    with pytest.raises(Invalid):
        parse_selector(text)


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1", "/api/", "/a-b_c~.d/@x"])
def test_paths(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "api", "//", "/a//b", "/./a", "/a/..", "/a%2fb", "/a?b", "/a b", "/ä", "/a\n", "/" + "a" * 1024, "/a\\b"],
)
def test_paths_that_are_not_in_normal_form(path: str) -> None:
    with pytest.raises(Invalid):
        check_path(path)


@pytest.mark.parametrize(
    "fields",
    [
        {"on": ()},
        {"retries": 11},
        {"read_timeout_ms": 1},
        {"connect_timeout_ms": 10**9},
        {"weights": (("a", 1), ("a", 2))},
        {"weights": (("a", -1),)},
        {"weights": (("A", 1),)},
    ],
)
def test_services_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        _service(**fields)


def test_policies_do_not_nest() -> None:
    with pytest.raises(Invalid, match="cannot name a policy"):
        Policy(name="p", allow=(Selector("policy", "q"),))  # type: ignore[arg-type]
