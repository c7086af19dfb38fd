"""ICMP echoes of a given size, never cut in pieces: what passes a way, and what does not."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from itertools import count

from gridwire.core.addressing import Address
from gridwire.core.errors import NotPermitted

SMALL = 100  # bytes of the whole IP packet
STEP = 8  # bytes: how exactly the largest is found
_MTU_DISCOVER = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}  # linux/in.h, linux/in6.h
_PROBE = 3  # IP_PMTUDISC_PROBE: set DF, and do not believe what was learnt before
_HEADERS = {4: 20 + 8, 6: 40 + 8}
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_sequence = count(1)


def echo(address: Address, size: int, *, tries: int = 3, patience: float = 1.0) -> bool:
    """Whether one of ``tries`` echoes of ``size`` bytes (with headers) is answered in ``patience`` seconds each.

    Raise NotPermitted without CAP_NET_RAW. What cannot be sent at all is not answered.
    """
    version = address.version
    with _socket(version) as asking:
        asking.setsockopt(*_MTU_DISCOVER[version], _PROBE)
        asking.setblocking(False)
        try:
            asking.connect((str(address), 0))
        except OSError:
            return False
        return any(_answered(asking, version, size, patience) for _ in range(tries))


def largest_echo(address: Address, least: int, most: int, *, patience: float = 0.7) -> int:
    """The largest size from ``least`` on that is answered, to STEP bytes; 0 where not even that one is."""
    if not echo(address, least, tries=2, patience=patience):
        return 0
    while most - least > STEP:
        middle = (least + most) // 2
        if echo(address, middle, tries=2, patience=patience):
            least = middle
        else:
            most = middle
    return least


def _answered(asking: socket.socket, version: int, size: int, patience: float) -> bool:
    mine, number = os.getpid() & 0xFFFF, next(_sequence) & 0xFFFF
    body = bytes(max(0, size - _HEADERS[version]))
    head = struct.pack("!BBHHH", _REQUEST[version], 0, 0, mine, number)
    checked = (
        head[:2] + struct.pack("!H", _checksum(head + body)) + head[4:] if version == 4 else head
    )  # v6: the kernel
    until = time.monotonic() + patience
    try:
        asking.send(checked + body)
    except OSError:
        return False
    while (left := until - time.monotonic()) > 0:
        if not select.select([asking], [], [], left)[0]:
            return False
        try:
            got = asking.recv(65_535)
        except OSError:
            return False  # a router's complaint
        start = (got[0] & 0x0F) * 4 if version == 4 else 0  # a raw IPv4 socket hands the header over, too
        if got[start : start + 1] == bytes([_REPLY[version]]) and got[start + 4 : start + 8] == head[4:]:
            return True
    return False


def _socket(version: int) -> socket.socket:
    family, protocol = (
        (socket.AF_INET, socket.IPPROTO_ICMP) if version == 4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    )
    try:
        return socket.socket(family, socket.SOCK_RAW, protocol)
    except PermissionError:
        raise NotPermitted("echoes may not be sent", fix="run it as root") from None


def _checksum(message: bytes) -> int:
    """RFC 1071."""
    padded = message + bytes(len(message) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
