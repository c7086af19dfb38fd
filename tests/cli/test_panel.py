"""What ``gridwire panel`` says: where, whether somebody can open it, and the way without the mesh."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from gridwire.cli.panel import where_of
from gridwire.core.fleet import Network, Node, NodeState, Role, Tls
from gridwire.core.names import NodeName
from gridwire.protocol.api import NodeView

NETWORK = Network(prefix=ip_network("10.85.0.0/16"))


def view(
    name: str, role: Role, address: str, *, connected: bool | None = None, endpoint: str | None = None
) -> NodeView:
    node = Node(name=NodeName(name), role=role, state=NodeState.ACTIVE, address=ip_address(address), endpoint=endpoint)
    return NodeView(node=node, connected=connected)


GATEWAY = view("gw", Role.GATEWAY, "10.85.0.1", endpoint="gw.example.com:51820")
LAPTOP = view("laptop", Role.OPERATOR, "10.85.1.0", connected=True)


def test_every_way_to_the_panel_is_named() -> None:
    where = where_of(NETWORK, (GATEWAY, LAPTOP), built=True)
    assert where.urls == ("http://panel.grid:2086/", "http://10.85.0.1:2086/", "https://panel.grid:2443/")
    assert (where.devices, where.why_not) == (("laptop",), "")
    assert where.ssh == "ssh -N -L 8443:/run/gridwire/panel.sock root@gw.example.com"
    assert where.at == "http://localhost:8443/"
    assert len(where_of(replace(NETWORK, tls=Tls.OFF), (GATEWAY,), built=True).urls) == 2


@pytest.mark.parametrize(
    ("nodes", "built", "why"),
    [
        ((GATEWAY, LAPTOP), False, "make panel"),
        ((GATEWAY, view("e", Role.EDGE, "10.85.1.1", connected=True)), True, "gridwire invite"),
        ((GATEWAY, replace(LAPTOP, connected=False)), True, "on the mesh now (laptop)"),
        ((GATEWAY, replace(LAPTOP, connected=None)), True, "on the mesh now (laptop)"),
    ],
)
def test_why_nobody_can_open_it_is_said(nodes: tuple[NodeView, ...], built: bool, why: str) -> None:
    assert why in where_of(NETWORK, nodes, built=built).why_not
