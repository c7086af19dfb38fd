"""What a revision says has changed."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role
from gridwire.core.names import NodeName
from gridwire.core.revision import changes, sentence

NODE = Node(name=NodeName("home-1"), role=Role.EDGE, state=NodeState.ACTIVE, address=ip_address("10.85.1.0"))
FLEET = Fleet(network=Network(prefix=ip_network("10.85.0.0/16")))


def test_nothing_changed_says_nothing() -> None:
    assert changes(FLEET, FLEET) == ()


def test_each_noun_that_differs_is_named_with_what_became_of_it() -> None:
    with_node = replace(FLEET, nodes=(NODE,))
    drained = replace(FLEET, nodes=(replace(NODE, drained=True),))
    assert [sentence(c) for c in changes(FLEET, with_node)] == ["node home-1: added"]
    assert [sentence(c) for c in changes(with_node, drained)] == ["node home-1: changed"]
    assert [sentence(c) for c in changes(with_node, FLEET)] == ["node home-1: removed"]


def test_a_replacement_of_the_same_name_is_told_apart_from_the_node_it_replaces() -> None:
    old = replace(FLEET, nodes=(NODE,))
    new = replace(FLEET, nodes=(replace(NODE, address=ip_address("10.85.1.1")),))
    assert [sentence(c) for c in changes(old, new)] == ["node home-1: removed", "node home-1: added"]
