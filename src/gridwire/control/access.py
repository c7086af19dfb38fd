"""Who may ask what. Deny by default: an endpoint that declares nobody is open to nobody.

    who          socket, listener            node's state                  besides
    LOCAL        local.sock                  –                             –
    ENROLLING    control.sock, enrol         invited, redeemed             –
    CONFIRMING   control.sock, enrol or api  redeemed, pending, active     its credential was never used
    AGENT        control.sock, api           pending, active               its own credential
    MEMBER       control.sock, enrol         none, or any but put out      the grid is on a tailnet, which says who asks
    DEVICE       control.sock, api           active, role operator         –
                 control.sock, breakglass    the gateway itself            –
    READER       as DEVICE                                                 a session, or an API token
    CHANGER      as DEVICE                                                 the same, of an operator who may change
    OWNER        as DEVICE                                                 a session: what is the person's own
    FRESH        as DEVICE                                                 a session of the last 15 minutes
    ADMIN        as DEVICE                                                 the same, of one who may change

An edge's or client's program that has stolen a session is told 403 as before: a session is worth nothing there. An API
token makes no other way in, and neither does a session that is not fresh: whoever finds one cannot stay.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from gridwire.control.caller import BREAKGLASS, Caller, Local, Peer, Person, Proof, Stranger
from gridwire.control.errors import NotKnown
from gridwire.core.errors import NotPermitted
from gridwire.core.fleet import Node, NodeState, Role
from gridwire.core.operators import May

F = TypeVar("F", bound=Callable[..., Any])


class Who(StrEnum):
    LOCAL = "local"
    ENROLLING = "enrolling"
    CONFIRMING = "confirming"
    AGENT = "agent"
    MEMBER = "member"
    DEVICE = "device"
    READER = "reader"
    CHANGER = "changer"
    OWNER = "owner"
    FRESH = "fresh"
    ADMIN = "admin"


# What a person may do; root on the gateway is one.
READ = (Who.LOCAL, Who.READER)
CHANGE = (Who.LOCAL, Who.CHANGER)
OWN = (Who.OWNER,)
OWN_FRESH = (Who.FRESH,)
MANAGE = (Who.LOCAL, Who.ADMIN)
PERSONS = frozenset({Who.DEVICE, Who.READER, Who.CHANGER, Who.OWNER, Who.FRESH, Who.ADMIN})

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


def check(access: frozenset[Who], caller: Caller, now: datetime) -> None:
    """Raise NotKnown (401) or NotPermitted (403) unless the caller is among those declared."""
    if isinstance(caller, Stranger):
        raise NotKnown(f"nobody vouches for this request: {caller.why}", fix="ask through the mesh")
    if isinstance(caller, Local):
        if Who.LOCAL not in access:
            raise NotPermitted("root on the gateway is no node and no session", fix="ask through the mesh")
        return
    if isinstance(caller, Person):
        _check_person(access, caller, now)
        return
    _check_peer(access, caller)


def operators_device(node: Node | None, listener: str) -> bool:
    """Whether a person may log in there: on an operator's device, or at the end of a tunnel to the gateway's root."""
    if node is None or node.state is not NodeState.ACTIVE:
        return False
    return listener == BREAKGLASS or (node.role is Role.OPERATOR and listener == "api")


def _check_person(access: frozenset[Who], person: Person, now: datetime) -> None:
    if access & {Who.DEVICE, Who.READER}:
        return
    if person.session is None and not access & {Who.CHANGER}:
        raise NotPermitted("an API token may not ask this", fix="log in", code="session-wanted")
    if Who.OWNER in access:
        return
    if Who.FRESH not in access and person.may is not May.CHANGE:
        raise NotPermitted(
            f"{person.operator} may read and not change" if person.session else "the token may read and not change",
            fix="ask an operator who may change",
            code="may-read",
        )
    if Who.CHANGER not in access and not person.fresh(now):
        raise NotPermitted("this wants a login of the last 15 minutes", fix="log in again", code="login-again")


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
    if operators_device(node, peer.listener):
        if Who.DEVICE in access:
            return
        raise NotKnown("nobody is logged in", fix="log in, or send an API token", code="login-wanted")
    raise NotPermitted(f"{node.name} ({node.role}, {node.state}) may not ask this")
