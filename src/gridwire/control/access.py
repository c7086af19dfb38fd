"""Who may ask what. Deny by default: an endpoint that declares nobody is open to nobody.

    who          socket, listener            node's state                  besides
    LOCAL        local.sock                  –                             –
    ENROLLING    control.sock, enrol         invited, redeemed             –
    CONFIRMING   control.sock, enrol or api  redeemed, pending, active     its credential was never used
    AGENT        control.sock, api           pending, active               its own credential
    MEMBER       control.sock, enrol         none, or any but put out      the grid is on a tailnet, which says who asks

Operators' devices are nodes too; until logins exist they get 401 on everything that only LOCAL may.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from gridwire.control.caller import Caller, Local, Peer, Proof, Stranger
from gridwire.control.errors import NotKnown
from gridwire.core.errors import NotPermitted
from gridwire.core.fleet import Node, NodeState, Role

F = TypeVar("F", bound=Callable[..., Any])


class Who(StrEnum):
    LOCAL = "local"
    ENROLLING = "enrolling"
    CONFIRMING = "confirming"
    AGENT = "agent"
    MEMBER = "member"


# What a person may do. Both are one until logins exist.
READ = (Who.LOCAL,)
CHANGE = (Who.LOCAL,)

_ENROLLING = frozenset({NodeState.INVITED, NodeState.REDEEMED})
_CONFIRMING = frozenset({NodeState.REDEEMED, NodeState.PENDING, NodeState.ACTIVE})
_OUT = frozenset({NodeState.REVOKING, NodeState.REVOKED, NodeState.QUARANTINED})
_JOINED = frozenset({NodeState.PENDING, NodeState.ACTIVE})


def allow(*who: Who) -> Callable[[F], F]:
    """Declare who may call an endpoint."""

    def declare(endpoint: F) -> F:
        endpoint.__gridwire_access__ = frozenset(who)  # type: ignore[attr-defined]
        return endpoint

    return declare


def declared(endpoint: object) -> frozenset[Who]:
    found: frozenset[Who] = getattr(endpoint, "__gridwire_access__", frozenset())
    return found


def check(access: frozenset[Who], caller: Caller) -> None:
    """Raise NotKnown (401) or NotPermitted (403) unless the caller is among those declared."""
    if isinstance(caller, Stranger):
        raise NotKnown(f"nobody vouches for this request: {caller.why}", fix="ask through the mesh")
    if isinstance(caller, Local):
        if Who.LOCAL not in access:
            raise NotPermitted("only a newcomer asks this, through its tunnel", fix="`gridwire join` does")
        return
    _check_peer(access, caller)


def put_out(node: Node | None) -> bool:
    """Whether an operator, or a leak, has put the node out; one that moved away from its address was not."""
    return node is not None and node.state in _OUT and node.tailnet is not None


def _check_peer(access: frozenset[Who], peer: Peer) -> None:
    node = peer.node
    if Who.MEMBER in access and peer.tailnet and peer.listener == "enrol" and not put_out(node):
        return
    if node is None or node.state in (NodeState.REVOKING, NodeState.REVOKED):
        raise NotKnown(f"{peer.address} is no node of this grid", fix="ask its operator for an invitation")
    if Who.ENROLLING in access and peer.listener == "enrol" and node.state in _ENROLLING:
        return
    if Who.CONFIRMING in access and node.state in _CONFIRMING and not peer.confirmed:
        return
    if Who.AGENT in access and peer.listener == "api" and node.state in _JOINED:
        if peer.proof is not Proof.OWN:
            raise NotKnown(
                "the node's own credential is missing or wrong", fix="the agent sends it; see its state directory"
            )
        return
    if node.role is Role.OPERATOR and node.state is NodeState.ACTIVE and peer.listener == "api":
        raise NotKnown("operators log in, and logins do not exist yet", fix="administer on the gateway itself")
    raise NotPermitted(f"{node.name} ({node.role}, {node.state}) may not ask this")
