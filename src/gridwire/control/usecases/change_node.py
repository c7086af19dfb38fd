"""Tags and drain of a node."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.errors import Conflict
from gridwire.core.fleet import ON_MESH, Node
from gridwire.core.names import check_tags
from gridwire.protocol.api import NodeChange


def change_node(transaction: Writing, name: str, change: NodeChange, *, author: str, now: datetime) -> Node:
    """The node as it now is; no difference makes no revision.

    Raise Conflict for one that is off the mesh, Invalid for wrong tags.
    """
    fleet = transaction.fleet()
    node = fleet.node(name)
    if node.state not in ON_MESH:
        raise Conflict(f"{node.name} is {node.state}, and is not changed any more")
    changed = replace(
        node,
        tags=node.tags if change.tags is None else check_tags(change.tags),
        drained=node.drained if change.drained is None else change.drained,
    )
    if changed == node:
        return node
    said = []
    if changed.tags != node.tags:
        said.append("tags " + (" ".join(f"{key}={value}" for key, value in changed.tags) or "none"))
    if changed.drained != node.drained:
        said.append("drained" if changed.drained else "no longer drained")
    transaction.save(
        fleet.put(changed),
        author=author,
        reason=f"{node.name}: {', '.join(said)}",
        kind="node.changed",
        subject=node.name,
        now=now,
    )
    return changed
