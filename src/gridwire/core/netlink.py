"""Messages of netlink(7) as bytes. What is in them, each of those who ask knows by itself."""

from __future__ import annotations

import struct
from typing import Final

DUMP: Final = 0x300  # NLM_F_DUMP, linux/netlink.h
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port: struct nlmsghdr
_ASK, _MULTI = 0x1, 0x2  # NLM_F_REQUEST, NLM_F_MULTI
_ERROR, _DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE


def request(kind: int, flags: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, _ASK | flags, 1, 0) + body


def answered(data: bytes) -> tuple[tuple[bytes, ...], bool]:
    """The messages of one answer of the kernel's, without the headers, which hold the socket's number; and whether
    more are to come. Raise OSError with the kernel's number where it refuses."""
    found: list[bytes] = []
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, flags, _, _ = _HEADER.unpack_from(data, at)
        if kind == _ERROR:
            raise OSError(-struct.unpack_from("=i", data, at + _HEADER.size)[0], "refused")
        if kind == _DONE:
            return tuple(found), False
        found.append(data[at + _HEADER.size : at + length])
        if not flags & _MULTI:
            return tuple(found), False
        at += max(length + 3 & ~3, _HEADER.size)
    return tuple(found), True
