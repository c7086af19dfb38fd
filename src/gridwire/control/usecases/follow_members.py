"""What the tailnet says of the grid's nodes: users, tags and addresses change there, and here with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.addressing import Address
from gridwire.core.fleet import Fleet, Node, NodeState
from gridwire.core.tailnet import Member, MemberSeen

_GONE = (NodeState.REVOKING, NodeState.REVOKED)


def follows(fleet: Fleet, members: tuple[MemberSeen, ...]) -> bool:
    """Whether something is to be followed; asked of every report, so it costs a look-up for each node."""
    return bool(_changed(fleet, members))


def follow_members(transaction: Writing, members: tuple[MemberSeen, ...], *, now: datetime) -> None:
    """One revision for all that changed.

    An address that another node of the tailnet has now is no longer who had it: a live node loses its place (its
    rights are by address), and whoever was put out there keeps out nobody else.
    """
    fleet = transaction.fleet()
    changed = _changed(fleet, members)
    if not changed:
        return
    for node in changed:
        fleet = fleet.put(node)
    names = ", ".join(dict.fromkeys(str(node.name) for node in changed))
    transaction.save(
        fleet,
        author="tailnet",
        reason=f"{names[:200]}: as the tailnet knows them now",
        kind="node.identified",
        subject=names[:255],
        now=now,
        detail="; ".join(_said(node) for node in changed),
    )


def _changed(fleet: Fleet, members: tuple[MemberSeen, ...]) -> list[Node]:
    by_id = {seen.member.id: seen.member for seen in members}
    by_address = {address: seen.member for seen in members for address in seen.member.addresses}
    found = (_followed(node, by_id, by_address) for node in fleet.nodes if node.tailnet is not None)
    return [node for node in found if node is not None]


def _followed(node: Node, by_id: dict[str, Member], by_address: dict[Address, Member]) -> Node | None:
    """The node as it is to be; none where it stays."""
    known = node.tailnet
    assert known is not None
    here = by_address.get(node.address)
    if here is not None and here.id != known.id:
        return replace(node, state=NodeState.REVOKED, tailnet=None)
    now = by_id.get(known.id)
    if now is None or now == known or node.address not in now.addresses or node.state in _GONE:
        return None  # not seen by this gateway, the same, moved (it says so itself), or gone
    return replace(node, tailnet=now)


def _said(node: Node) -> str:
    if node.tailnet is None:
        return f"{node.name}: {node.address} is another's now"
    return f"{node.name} is {node.tailnet.name} of {node.tailnet.owner()}"
