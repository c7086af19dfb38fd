"""Load the guard of a gateway on this host, by itself: what `gridwire guard load` does from a saved spec.

python -m gridwire.lab.weak_host_guard 10.85.0.1 10.85.0.0/16
"""

from __future__ import annotations

import sys
from ipaddress import ip_address, ip_network

from gridwire.agent.guard import load_guard
from gridwire.core.compiler import compile_spec
from gridwire.core.fleet import DEFAULT_SUFFIX, Fleet, Network, Node, NodeState, Role
from gridwire.core.names import node_name


def main(argv: list[str]) -> int:
    name = node_name("gateway")
    gateway = Node(
        name=name,
        role=Role.GATEWAY,
        state=NodeState.ACTIVE,
        address=ip_address(argv[1]),
        endpoint="203.0.113.7:51820",
    )
    fleet = Fleet(network=Network(prefix=ip_network(argv[2]), suffix=DEFAULT_SUFFIX), nodes=(gateway,))
    load_guard(compile_spec(fleet, name, epoch=1, revision=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
