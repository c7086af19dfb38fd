"""Which listeners of others are in the way of a node's services."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Literal

import pytest

from gridwire.cli.foreign import in_the_way
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.listening import Listening
from gridwire.core.names import HostName, Interface, NodeName


def node(role: Role) -> JoinedAs:
    return JoinedAs(
        node=NodeName("n"),
        role=role,
        address=ip_address("10.85.0.1"),
        prefix=ip_network("10.85.0.0/16"),
        interface=Interface("gw0"),
        suffix=HostName("grid"),
    )


def listening(address: str, port: int, protocol: Literal["tcp", "udp"] = "tcp", pid: int | None = 7) -> Listening:
    return Listening(protocol=protocol, address=ip_address(address), port=port, pid=pid, process="apache2")


@pytest.mark.parametrize(
    ("role", "one", "held"),
    [
        (Role.GATEWAY, listening("0.0.0.0", 80), True),
        (Role.GATEWAY, listening("::", 2086), True),
        (Role.GATEWAY, listening("10.85.0.1", 2087), True),
        (Role.GATEWAY, listening("192.0.2.1", 80), False),
        (Role.GATEWAY, listening("0.0.0.0", 2085), False),
        (Role.GATEWAY, listening("0.0.0.0", 51820, "udp"), True),
        (Role.GATEWAY, listening("0.0.0.0", 51820, "udp", pid=None), False),
        (Role.EDGE, listening("0.0.0.0", 80), False),
        (Role.EDGE, listening("0.0.0.0", 2085), True),
    ],
)
def test_a_listener_is_in_the_way_where_it_holds_a_port_of_this_role(role: Role, one: Listening, held: bool) -> None:
    port = 51820 if role is Role.GATEWAY else 0
    assert in_the_way(node(role), port, [one]) == ((one,) if held else ())
