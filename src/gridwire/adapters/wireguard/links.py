"""Links, addresses and routes of one interface, by netlink. Each call opens and closes its own socket.

pyroute2's sync classes must not run on a thread with a running event loop: the agent calls these in threads.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from socket import AF_INET, AF_INET6
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from gridwire.core.addressing import Address, Prefix
from gridwire.core.errors import Conflict, GridwireError, NotPermitted, Unavailable
from gridwire.core.mesh_actions import BLACKHOLE_METRIC

_IFF_UP = 1
_MAIN = 254
_UNICAST, _BLACKHOLE = 1, 6  # rtnetlink(7), rtm_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """``kind``: wireguard, tun, … Without what is link-local, which the kernel gives by itself."""

    index: int
    kind: str
    mtu: int
    up: bool
    addresses: tuple[Address, ...]
    routes: tuple[Prefix, ...]


def read_link(interface: str) -> Link | None:
    """The link, or none; raise GridwireError."""
    with _netlink(f"read {interface}") as route:
        index = _index(route, interface)
        if index is None:
            return None
        facts = route.get_links(index)[0]
        info = facts.get_attr("IFLA_LINKINFO")
        return Link(
            index=index,
            kind=(info.get_attr("IFLA_INFO_KIND") if info is not None else None) or "",
            mtu=facts.get_attr("IFLA_MTU"),
            up=bool(facts["flags"] & _IFF_UP),
            addresses=tuple(address for address, _ in _addresses(route, index)),
            routes=tuple(
                prefix
                for prefix, entry in _main_routes(route)
                if entry["type"] == _UNICAST and entry.get_attr("RTA_OIF") == index and not prefix.is_link_local
            ),
        )


def exists(interface: str) -> bool:
    with _netlink(f"read {interface}") as route:
        return _index(route, interface) is not None


def read_blackholes() -> tuple[Prefix, ...]:
    """Prefixes with a blackhole route of gridwire's own metric; raise GridwireError."""
    with _netlink("read the routes") as route:
        return tuple(
            prefix
            for prefix, entry in _main_routes(route)
            if entry["type"] == _BLACKHOLE and entry.get_attr("RTA_PRIORITY") == BLACKHOLE_METRIC
        )


def add_blackhole(prefix: Prefix) -> None:
    with _netlink(f"add the blackhole route for {prefix}", fine=errno.EEXIST) as route:
        route.route("add", dst=str(prefix), type="blackhole", priority=BLACKHOLE_METRIC)


def remove_blackhole(prefix: Prefix) -> None:
    with _netlink(f"remove the blackhole route for {prefix}", fine=errno.ESRCH) as route:
        route.route("del", dst=str(prefix), type="blackhole", priority=BLACKHOLE_METRIC)


def add_wireguard(interface: str) -> None:
    with _netlink(f"make the device {interface}", fine=errno.EEXIST) as route:
        route.link("add", ifname=interface, kind="wireguard")


def remove_link(interface: str) -> None:
    with _netlink(f"remove {interface}", fine=errno.ENODEV) as route:
        index = _index(route, interface)
        if index is not None:
            route.link("del", index=index)


def add_address(interface: str, address: Address) -> None:
    """As a single address (/32, /128): the route of the prefix is one of its own."""
    with _netlink(f"add {address} to {interface}", fine=errno.EEXIST) as route:
        route.addr("add", index=_must(route, interface), address=str(address), prefixlen=address.max_prefixlen)


def remove_address(interface: str, address: Address) -> None:
    with _netlink(f"remove {address} from {interface}", fine=errno.EADDRNOTAVAIL) as route:
        index = _must(route, interface)
        for given, length in _addresses(route, index):
            if given == address:
                route.addr("del", index=index, address=str(given), prefixlen=length)


def set_mtu(interface: str, mtu: int) -> None:
    with _netlink(f"set the mtu of {interface}") as route:
        route.link("set", index=_must(route, interface), mtu=mtu)


def bring_up(interface: str) -> None:
    with _netlink(f"bring {interface} up") as route:
        route.link("set", index=_must(route, interface), state="up")


def route_prefix(interface: str, prefix: Prefix) -> None:
    """Raise Conflict where another interface holds the same route."""
    with _netlink(f"route {prefix} to {interface}") as route:
        index = _must(route, interface)
        try:
            route.route("add", dst=str(prefix), oif=index, scope=253 if prefix.version == 4 else 0)  # link; none
        except NetlinkError as error:
            if error.code != errno.EEXIST:
                raise
            held = [entry.get_attr("RTA_OIF") for taken, entry in _main_routes(route) if taken == prefix]
            if index not in held:
                raise Conflict(
                    f"{prefix} is already routed to another interface",
                    fix=f"see `ip route show {prefix}`, and remove that route or choose another mesh prefix",
                    code="prefix-clash",
                ) from None


@contextmanager
def _netlink(what: str, *, fine: int = 0) -> Iterator[Any]:
    """An IPRoute whose errors say what was being done; ``fine``: the errno that means it was so already."""
    try:
        with IPRoute() as route:
            yield route
    except NetlinkError as error:
        if error.code == fine:
            return
        raise _failure(what, error.code) from None
    except OSError as error:
        raise _failure(what, error.errno or 0) from None


def _failure(what: str, code: int) -> GridwireError:
    message = f"cannot {what}: {os.strerror(code)}"
    if code in (errno.EPERM, errno.EACCES):
        return NotPermitted(message, fix="run it as root")
    if code in (errno.ENODEV, errno.ENETDOWN):
        return Unavailable(message, code="no-device")
    if code == errno.EADDRINUSE:  # the kernel's device binds its port when it goes up
        return Conflict(f"{message} (its UDP port is taken)", code="port-taken")
    return GridwireError(message, code="netlink")


def _index(route: Any, interface: str) -> int | None:
    found = route.link_lookup(ifname=interface)
    return int(found[0]) if found else None


def _must(route: Any, interface: str) -> int:
    index = _index(route, interface)
    if index is None:
        raise NetlinkError(errno.ENODEV)
    return index


def _addresses(route: Any, index: int) -> list[tuple[Address, int]]:
    found = []
    for entry in route.get_addr(index=index):
        address = ip_address(entry.get_attr("IFA_LOCAL") or entry.get_attr("IFA_ADDRESS"))
        if not address.is_link_local:
            found.append((address, int(entry["prefixlen"])))
    return sorted(found, key=lambda pair: (pair[0].version, int(pair[0])))


def _main_routes(route: Any) -> Iterator[tuple[Prefix, Any]]:
    for family in (AF_INET, AF_INET6):
        for entry in route.get_routes(family=family, table=_MAIN):
            destination = entry.get_attr("RTA_DST")
            if destination is not None:
                yield ip_network(f"{destination}/{entry['dst_len']}"), entry
