"""Two fleets → what differs for those who use them: who reaches what, on which sockets, served by whom, what is cut.

The same answers for a preview, for two revisions and for `gridwire plan`. What is cut follows the data path: a node
that is put out loses its tunnel, a permission that is withdrawn ends what is under way on it, and an endpoint that
drains or leaves ends nothing (lua/gridwire/withdraw.lua).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from gridwire.core.addressing import Address
from gridwire.core.compiler import endpoint_port, listeners_of
from gridwire.core.crowd import NOBODY, Crowd, Crowds, Mask, Roster
from gridwire.core.fleet import Fleet, Invitation, Network, Node, NodeState, Policy, Role, Route, Service
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.noun_change import FieldChange, fields_of
from gridwire.core.proxy import ListenerKind
from gridwire.core.reachability import Access, Reach, Redirection, reached
from gridwire.core.revision import changes
from gridwire.core.tailnet import Provider

T = TypeVar("T")
MOST = 500  # of a kind; the rest is counted


class Transport(StrEnum):
    TCP = "tcp"
    UDP = "udp"


class Why(StrEnum):
    """Why connections are cut."""

    REVOKED = "revoked"  # the node is put out: its tunnel, and whatever goes through it
    WITHDRAWN = "withdrawn"  # it may not use a route any more: what is under way on that route


@dataclass(frozen=True, slots=True, kw_only=True)
class NounChange:
    """One noun before and after, whole and field by field; none where it was added or removed."""

    noun: str
    name: str
    fields: tuple[FieldChange, ...]
    before: Node | Invitation | Service | Route | Policy | Network | None
    after: Node | Invitation | Service | Route | Policy | Network | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """One that listens. ``kind``: of nginx's listeners, or ``mesh``, WireGuard's, which is on every address (none)."""

    node: NodeName
    kind: str
    transport: Transport
    address: Address | None
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The endpoints of a service that take new requests: how many, who comes and who goes. Those that ``drain`` stay
    its endpoints; what is under way there, as with those that leave, goes to its end."""

    service: ServiceName
    before: int
    after: int
    enter: Crowd = NOBODY
    leave: Crowd = NOBODY
    drain: Crowd = NOBODY
    target_before: str | None = None
    target_after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    why: Why
    who: Crowd


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``unserved``: services with a route and from now on without an endpoint. ``left_out``: how much of all this
    there is besides, where a kind has more than MOST."""

    nouns: tuple[NounChange, ...] = ()
    gains: tuple[Access, ...] = ()
    losses: tuple[Access, ...] = ()
    redirections: tuple[Redirection, ...] = ()
    appear: tuple[Socket, ...] = ()
    go: tuple[Socket, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    unserved: tuple[ServiceName, ...] = ()
    cuts: tuple[Cut, ...] = ()
    left_out: int = 0


def difference(before: Fleet, after: Fleet) -> Difference:
    if before is after:
        return Difference()
    roster = Roster(before, after)
    old, new = Crowds(before, roster), Crowds(after, roster)
    reach = reached(Reach(before, old), Reach(after, new))
    upstreams = tuple(_upstreams(before, after, old, new))
    sockets = _sockets(before, after), _sockets(after, before)
    limit = _Limit()
    routed = {route.to for route in after.routes}
    return Difference(
        nouns=limit.most(_nouns(before, after)),
        gains=limit.places(reach.gains),
        losses=limit.places(reach.losses),
        redirections=limit.most(reach.redirections),
        appear=limit.most(sorted(sockets[1] - sockets[0], key=_place)),
        go=limit.most(sorted(sockets[0] - sockets[1], key=_place)),
        upstreams=limit.most(upstreams),
        unserved=tuple(u.service for u in upstreams if u.before and not u.after and u.service in routed),
        cuts=tuple(_cuts(old, new, reach.lost)),
        left_out=limit.left_out,
    )


class _Limit:
    """Cuts lists to what a person and a browser can take, and counts what that leaves out."""

    def __init__(self) -> None:
        self.left_out = 0

    def most(self, items: Iterable[T]) -> tuple[T, ...]:
        listed = tuple(items)
        self.left_out += max(0, len(listed) - MOST)
        return listed[:MOST]

    def places(self, items: tuple[Access, ...]) -> tuple[Access, ...]:
        """Of every crowd some places, rather than of the first crowds all."""
        kept = items[:MOST]
        share = max(1, MOST // max(1, len(kept)))
        listed = tuple(Access(who=access.who, places=access.places[:share]) for access in kept)
        self.left_out += sum(len(access.places) for access in items) - sum(len(access.places) for access in listed)
        return listed


def _nouns(before: Fleet, after: Fleet) -> Iterable[NounChange]:
    for change in changes(before, after):
        old, new = change.before, change.after
        known = (Node, Invitation, Service, Route, Policy, Network)
        assert old is None or isinstance(old, known)
        assert new is None or isinstance(new, known)
        name = change.name.partition("@")[0].partition("/")[0]
        yield NounChange(noun=change.noun, name=name, fields=fields_of(old, new), before=old, after=new)


def _sockets(fleet: Fleet, other: Fleet) -> set[Socket]:
    """Those of the nodes that are not the same in the other fleet; of all where the network is not."""
    found: set[Socket] = set()
    same = {id(node) for node in other.nodes} if fleet.network == other.network else set()
    for node in fleet.nodes:
        if id(node) in same or node.state is not NodeState.ACTIVE or node.role not in (Role.GATEWAY, Role.EDGE):
            continue
        found |= {
            Socket(node=node.name, kind=one.kind, transport=Transport.TCP, address=one.address, port=one.port)
            for one in listeners_of(fleet.network, node)
        }
        port = endpoint_port(node.endpoint)
        if port and fleet.network.provider is Provider.WIREGUARD:
            found.add(Socket(node=node.name, kind="mesh", transport=Transport.UDP, address=None, port=port))
    return found


def _place(socket: Socket) -> tuple[str, int, str, int]:
    order = (*ListenerKind, "mesh").index(socket.kind)
    return socket.node, order, str(socket.address), socket.port


def _upstreams(before: Fleet, after: Fleet, old: Crowds, new: Crowds) -> Iterable[Upstream]:
    was = {service.name: service for service in before.services}
    now = {service.name: service for service in after.services}
    for name in sorted(was.keys() | now.keys()):
        one, other = was.get(name), now.get(name)
        chosen_before, serving_before = _endpoints(one, before, old)
        chosen_after, serving_after = _endpoints(other, after, new)
        target_before = None if one is None else str(one.target)
        target_after = None if other is None else str(other.target)
        retargeted = None not in (target_before, target_after) and target_before != target_after
        if serving_before == serving_after and not retargeted:
            continue
        goes = serving_before & ~serving_after
        yield Upstream(
            service=name,
            before=serving_before.bit_count(),
            after=serving_after.bit_count(),
            enter=new.crowd(serving_after & ~serving_before),
            leave=old.crowd(goes & ~(chosen_before & chosen_after)),
            drain=old.crowd(goes & chosen_before & chosen_after),
            target_before=target_before if retargeted else None,
            target_after=target_after if retargeted else None,
        )


def _endpoints(service: Service | None, fleet: Fleet, crowds: Crowds) -> tuple[Mask, Mask]:
    """The endpoints of a service, and those that take new requests."""
    if service is None:
        return 0, 0
    chosen = crowds.selected(service.on) & crowds.edges
    without = 0
    for name, weight in service.weights:
        if weight == 0:
            without |= crowds.of("node", name)
    return chosen, chosen & ~crowds.drained & ~without


def _cuts(old: Crowds, new: Crowds, lost: Mask) -> Iterable[Cut]:
    out = old.on_mesh & ~new.on_mesh
    if out:
        yield Cut(why=Why.REVOKED, who=old.crowd(out))
    if lost & ~out:
        yield Cut(why=Why.WITHDRAWN, who=old.crowd(lost & ~out))
