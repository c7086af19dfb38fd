"""Who may reach a socket of a node, and by which rule. Nothing here is measured: it is what the kernel and the guard
do with a packet, said for each socket beforehand, and tests compare it with what a connection really gets.

    host      programs of the host itself
    mesh      nodes of the grid, through the mesh
    link      hosts of a network that the host is connected to, containers on its bridges among them
    internet  anybody: the host has a public address

Linux answers for any of its addresses on any of its links (RFC 1122 §3.3.4.2), so what is bound to one link's address
is reachable from all of them, and only the guard keeps the mesh's address from all but the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gridwire.core.addressing import Address, in_any
from gridwire.core.guard import GuardSpec, Shared
from gridwire.core.listening import Listening, Owner
from gridwire.core.names import Interface
from gridwire.core.routing_rules import LOOPBACK


class Realm(StrEnum):
    """From where; in the order of how many may come. ``unknown``: nothing is known that would be narrower."""

    NOBODY = "nobody"
    HOST = "host"
    MESH = "mesh"
    LINK = "link"
    INTERNET = "internet"
    UNKNOWN = "unknown"


_OUTSIDE = (Realm.LINK, Realm.INTERNET)
EVERYBODY = "everybody on the tailnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A network device of the host that is up, but for lo, with its addresses, sorted."""

    name: Interface
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One realm's way to a socket. ``open`` none: unknown. ``who``: roles, or links. ``rule``: by which it is so.

    ``unless``: what else may close it and is not judged here.
    """

    realm: Realm
    open: bool | None
    rule: str
    who: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """``reach``: the widest realm that may come, or unknown where a wider one than any that may is unknown."""

    reach: Realm
    ways: tuple[Way, ...]

    @property
    def public(self) -> bool:
        return any(way.open and way.realm in _OUTSIDE for way in self.ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """What is known of a node that its sockets are judged by.

    ``unknown``: why nothing is (its agent is silent); empty where something is. ``guard`` none: never heard of.
    ``stands``: whether it was read back as ``guard`` says; none: not known. ``late``: it is of an older spec, whose
    roles may be others. ``localnet``: devices that take 127.0.0.0/8 from outside (route_localnet). ``firewalls``:
    others of the host that drop what they do not know.
    """

    unknown: str = ""
    guard: GuardSpec | None = None
    stands: bool | None = None
    late: bool = False
    links: tuple[Link, ...] = ()
    localnet: tuple[Interface, ...] = ()
    firewalls: tuple[str, ...] = ()

    @property
    def mesh(self) -> Interface | None:
        return None if self.guard is None else self.guard.interface

    @property
    def outside(self) -> tuple[Link, ...]:
        """Links that are not the mesh."""
        return tuple(link for link in self.links if link.name != self.mesh)


def expose(one: Listening, seen: Standpoint) -> Exposure:
    """Who may reach ``one``."""
    if seen.unknown:
        return _exposure(Way(realm=Realm.INTERNET, open=None, rule=seen.unknown))
    if one.device is not None and one.device not in (LOOPBACK, *(link.name for link in seen.links)):
        rule = f"{one.device}, which it hears alone, is not there or down"
        return _exposure(Way(realm=Realm.LINK, open=False, rule=rule))
    if one.address.is_loopback and one.device not in (None, LOOPBACK):
        rule = f"it hears {one.device} alone, and nothing for a loopback address comes by it"
        return _exposure(Way(realm=Realm.LINK, open=False, rule=rule))
    if one.device == LOOPBACK and not (one.address.is_unspecified or one.address.is_loopback):
        rule = f"it hears lo alone, and what the host sends to {one.address} counts as of that address's own device"
        return _exposure(Way(realm=Realm.HOST, open=False, rule=rule))
    if one.address.is_loopback or one.device == LOOPBACK:
        return _exposure(_host(one), *_loopback(one, seen))
    if seen.guard is None:
        return _exposure(_host(one), Way(realm=Realm.INTERNET, open=None, rule="of the guard nothing is known"))
    if not one.address.is_multicast and _nowhere(one, seen, seen.guard):
        return _exposure(Way(realm=Realm.LINK, open=False, rule=f"no device has {one.address}"))
    ways = [_host(one), _mesh(one, seen, seen.guard), *_links(one, seen, seen.guard)]
    return _exposure(*(way for way in ways if _hears(one, way, seen)))


def _exposure(*ways: Way) -> Exposure:
    order = tuple(Realm)
    found = [way for way in ways if way.open is not False]
    widest = max(found, key=lambda way: (order.index(way.realm), way.open is not None), default=None)
    if widest is None:
        return Exposure(reach=Realm.NOBODY, ways=ways)
    return Exposure(reach=widest.realm if widest.open else Realm.UNKNOWN, ways=ways)


def _hears(one: Listening, way: Way, seen: Standpoint) -> bool:
    """A socket that is bound to a device hears that device alone. What the host itself sends comes by lo, and the
    kernel takes it for the device that has the address (inet_iif, ip6_rcv_core)."""
    if one.device is None:
        return True
    if way.realm is Realm.HOST:
        mine = next((link.addresses for link in seen.links if link.name == one.device), ())
        if one.address.is_unspecified:
            return any(address.version in _families(one) for address in mine)
        return one.address in mine
    return (way.realm is Realm.MESH) == (one.device == seen.mesh)


def _host(one: Listening) -> Way:
    return Way(realm=Realm.HOST, open=True, rule="programs of the host itself")


def _loopback(one: Listening, seen: Standpoint) -> tuple[Way, ...]:
    if one.address.version == 6 or not seen.localnet or one.device == LOOPBACK:
        return (Way(realm=Realm.LINK, open=False, rule="the kernel takes no loopback address from a link"),)
    names = tuple(map(str, seen.localnet))
    if seen.stands:
        rule = "guard: what comes for 127.0.0.0/8 by another device than lo is dropped (route_localnet is on)"
        return (Way(realm=Realm.LINK, open=False, rule=rule, who=names),)
    rule = "route_localnet is on, and that the guard stands is not known"
    return (Way(realm=Realm.LINK, open=None, rule=rule, who=names),)


def _nowhere(one: Listening, seen: Standpoint, guard: GuardSpec) -> bool:
    """Whether it waits for an address that the host has not (ip_nonlocal_bind); of the mesh's, the spec knows."""
    if one.address.is_unspecified or not seen.links:
        return False
    own = (guard.address,) if guard.shared is None else guard.shared.addresses
    return one.address not in own and not any(one.address in link.addresses for link in seen.links)


def _families(one: Listening) -> tuple[int, ...]:
    return (6, 4) if one.both else (one.address.version,)


def _mesh(one: Listening, seen: Standpoint, guard: GuardSpec) -> Way:
    if guard.shared is not None:
        return _tailnet(one, seen, guard, guard.shared)
    own = one.address == guard.address or (one.address.is_unspecified and guard.prefix.version in _families(one))
    roles = _roles(one, guard) if own else ()
    if not seen.stands:
        return Way(realm=Realm.MESH, open=None, rule="that the guard stands is not known")
    if own and seen.late and one.protocol == "tcp":
        return Way(realm=Realm.MESH, open=None, rule="the guard is of an older spec, whose roles may be others")
    if roles:
        rule = f"guard: from {guard.interface}, {' '.join(f'role_{role}' for role in roles)} to tcp {one.port}"
        return Way(realm=Realm.MESH, open=True, rule=rule, who=roles)
    what = f"to {one.protocol} {one.port}" if own else f"to another address than {guard.address}"
    return Way(realm=Realm.MESH, open=False, rule=f"guard: from {guard.interface} {what} nothing is let in (unopened)")


def _roles(one: Listening, guard: GuardSpec) -> tuple[str, ...]:
    """Those that have somebody in them, sorted."""
    if one.protocol != "tcp":
        return ()
    return tuple(sorted(o.role for o in guard.openings if one.port in o.tcp_ports and o.addresses))


def _tailnet(one: Listening, seen: Standpoint, guard: GuardSpec, shared: Shared) -> Way:
    """Of a device that is not gridwire's alone the guard judges gridwire's ports on this node's addresses."""
    if not _on_shared(one, shared):
        rule = f"it has no address of {guard.interface}"
        return Way(realm=Realm.MESH, open=False, rule=rule)
    if not _guarded(one, shared):
        rule = f"the tailnet's, not gridwire's: what comes by {guard.interface} for other ports is left as it is"
        return Way(realm=Realm.MESH, open=True, rule=rule, who=(EVERYBODY,), unless=("the tailnet's access rules",))
    if not seen.stands:
        return Way(realm=Realm.MESH, open=None, rule="that the guard stands is not known")
    if one.port == shared.open_port:
        rule = f"guard: from {guard.interface}, everybody but those put out to tcp {one.port}"
        return Way(realm=Realm.MESH, open=True, rule=rule, who=(EVERYBODY,), unless=("the tailnet's access rules",))
    if seen.late:
        return Way(realm=Realm.MESH, open=None, rule="the guard is of an older spec, whose roles may be others")
    if roles := _roles(one, guard):
        rule = f"guard: from {guard.interface}, {' '.join(f'role_{role}' for role in roles)} to tcp {one.port}"
        return Way(realm=Realm.MESH, open=True, rule=rule, who=roles, unless=("the tailnet's access rules",))
    rule = f"guard: from {guard.interface} to tcp {one.port} nothing is let in (unopened)"
    return Way(realm=Realm.MESH, open=False, rule=rule)


def _on_shared(one: Listening, shared: Shared) -> bool:
    if one.address.is_unspecified:
        return any(address.version in _families(one) for address in shared.addresses)
    return one.address in shared.addresses


def _guarded(one: Listening, shared: Shared) -> bool:
    return one.protocol == "tcp" and one.port in shared.ports


def _links(one: Listening, seen: Standpoint, guard: GuardSpec) -> tuple[Way, ...]:
    """The ways of the networks around, and of whoever has a public address of this host to call."""
    if _hidden(one, guard):
        what = str(guard.prefix) if guard.shared is None else one.place
        if seen.stands:
            rule = f"guard: what comes for {what} by another device than {guard.interface} and lo is dropped (stranger)"
            return (Way(realm=Realm.LINK, open=False, rule=rule),)
        return (Way(realm=Realm.LINK, open=None, rule="that the guard stands is not known"),)
    if not seen.links:
        return (Way(realm=Realm.INTERNET, open=None, rule="the host's networks are not known"),)
    links = tuple(link for link in seen.outside if one.device in (None, link.name))
    called = _called(one, links)
    names = tuple(str(link.name) for link in links if any(a.version in _families(one) for a in link.addresses))
    if not names or not called:
        return (Way(realm=Realm.LINK, open=False, rule="no link has an address by which it is called"),)
    where = "every address of the host" if one.address.is_unspecified else f"{one.address}, on whatever link it comes"
    why = (
        " (WireGuard: whose key it does not know gets no answer)"
        if one.owner is Owner.OURS and one.protocol == "udp"
        else ""
    )
    found = [Way(realm=Realm.LINK, open=True, rule=f"it listens on {where}{why}", who=names, unless=seen.firewalls)]
    if public := tuple(str(address) for address in called if address.is_global and not address.is_multicast):
        rule = f"{', '.join(public[:4])} {'is a public address' if len(public) == 1 else 'are public addresses'}{why}"
        unless = (*seen.firewalls, "a firewall before the host")
        found.append(Way(realm=Realm.INTERNET, open=True, rule=rule, who=("anybody",), unless=unless))
    return tuple(found)


def _hidden(one: Listening, guard: GuardSpec) -> bool:
    """Whether nobody but the mesh comes to it, by the guard: it is bound to an address that the guard keeps."""
    if guard.shared is None:
        return in_any(one.address, guard.prefixes)
    return one.address in guard.shared.addresses and _guarded(one, guard.shared)


def _called(one: Listening, links: tuple[Link, ...]) -> tuple[Address, ...]:
    """The addresses by which hosts of these links may call it."""
    if one.address.is_multicast:
        return (one.address,)
    if not one.address.is_unspecified:
        return (one.address,)
    return tuple(a for link in links for a in link.addresses if a.version in _families(one))
