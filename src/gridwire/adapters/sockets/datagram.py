"""Datagrams to an endpoint, and what routers and the host there say of it. WireGuard itself says nothing."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time

from gridwire.core.addressing import Address
from gridwire.core.doctor.tunnel import Reply

AGAIN_SECONDS = 1.0  # a router that still believes in a host's old address complains only once it has asked for it
_RECVERR = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}  # linux/in.h, linux/in6.h
_ERROR = struct.Struct("=IBBBBII")  # struct sock_extended_err, ip(7)
_PROHIBITED = {4: {9, 10, 13}, 6: {1, 5, 6}}  # codes of "unreachable", RFC 1812 §5.2.7.1 and RFC 4443 §3.1
_NO_PORT = {4: 3, 6: 4}


def ask(address: Address, port: int, *, patience: float) -> Reply:
    """Send a byte every second until somebody complains, for ``patience`` seconds at most."""
    version = address.version
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.setsockopt(*_RECVERR[version], 1)
        poll = select.poll()
        poll.register(asking, 0)  # errors are always told
        until = time.monotonic() + patience
        while (left := until - time.monotonic()) > 0:
            try:
                asking.connect((str(address), port))
                asking.send(b"\0")
            except OSError as error:
                return _complaint(asking, version) if poll.poll(0) else _failed(error)
            if poll.poll(min(left, AGAIN_SECONDS) * 1000):
                return _complaint(asking, version)
    return Reply.SILENT


def _failed(error: OSError) -> Reply:
    if error.errno in (errno.EPERM, errno.EACCES):
        return Reply.PROHIBITED  # this host's own rules
    return Reply.NO_ROUTE


def _complaint(asking: socket.socket, version: int) -> Reply:
    try:
        _, ancillary, _, _ = asking.recvmsg(64, 512, socket.MSG_ERRQUEUE)
    except OSError as error:
        return Reply.REFUSED if error.errno == errno.ECONNREFUSED else Reply.NO_HOST
    for level, kind, told in ancillary:
        if (level, kind) == _RECVERR[version] and len(told) >= _ERROR.size:
            number, _, _, code, _, _, _ = _ERROR.unpack(told[: _ERROR.size])
            if number == errno.ECONNREFUSED or code == _NO_PORT[version]:
                return Reply.REFUSED
            return Reply.PROHIBITED if code in _PROHIBITED[version] else Reply.NO_HOST
    return Reply.NO_HOST
