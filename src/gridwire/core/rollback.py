"""The fleet as it was in an older revision, as far as it can be so again.

Services, routes and policies are those of then, and so are the tags of nodes and whether they are drained. Nodes
themselves are not brought back: a key that was revoked, an address or an invitation is never given again, a state is
what its node came to by itself, and what all share is the settings file's.
"""

from __future__ import annotations

from dataclasses import replace

from gridwire.core.addressing import Address
from gridwire.core.fleet import ON_MESH, Fleet, Node, NodeState


def rolled_back(now: Fleet, then: Fleet) -> tuple[Fleet, tuple[str, ...]]:
    """The fleet, and what of then it is not, in sentences."""
    old = {node.address: node for node in then.nodes if node.state is not NodeState.REVOKED}
    nodes = tuple(_as_then(node, old.get(node.address)) for node in now.nodes)
    fleet = replace(now, nodes=nodes, services=then.services, routes=then.routes, policies=then.policies)
    return fleet, tuple(_kept(now, then, old))


def _as_then(node: Node, old: Node | None) -> Node:
    if old is None or node.state not in ON_MESH:
        return node
    if (node.tags, node.drained) == (old.tags, old.drained):
        return node
    return replace(node, tags=old.tags, drained=old.drained)


def _kept(now: Fleet, then: Fleet, old: dict[Address, Node]) -> list[str]:
    said = []
    present = {node.address: node for node in now.nodes}
    for address, was in old.items():
        node = present.get(was.address)
        state = NodeState.REVOKED if node is None else node.state
        if state not in ON_MESH:
            said.append(f"{was.name} ({address}) stays {state}: invite it again")
        elif node is not None and node.name != was.name:
            said.append(f"{address} stays {node.name}, which was {was.name}")
    came = [node.name for node in now.nodes if node.address not in old and node.state in ON_MESH]
    if came:
        said.append(f"{', '.join(came)} came later and {'stay' if len(came) > 1 else 'stays'} as it is")
    if now.network != then.network:
        said.append("ports, domain and MTU stay as the gateway's settings file has them")
    return said
