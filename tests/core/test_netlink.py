"""Netlink's messages, against bytes as the kernel lays them out (linux/netlink.h)."""

from __future__ import annotations

import errno
import struct
import sys

import pytest

from gridwire.core.netlink import DUMP, answered, request

ERROR, DONE, RULE = 2, 3, 32
MULTI = 2


def message(kind: int, flags: int, body: bytes) -> bytes:
    whole = struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 4711) + body
    return whole + bytes(-len(whole) % 4)


def test_a_request_has_its_length_and_asks() -> None:
    asked = request(34, DUMP, b"\x02" + bytes(11))
    assert int.from_bytes(asked[:4], sys.byteorder) == len(asked) == 28
    assert struct.unpack_from("=HH", asked, 4) == (34, 0x301)
    assert asked[16:] == b"\x02" + bytes(11)


def test_one_message_is_the_whole_answer() -> None:
    assert answered(message(RULE, 0, b"alone")) == ((b"alone",), False)


def test_a_dump_goes_on_until_it_is_done() -> None:
    part = message(RULE, MULTI, b"odd") + message(RULE, MULTI, b"even")
    assert answered(part) == ((b"odd", b"even"), True)
    assert answered(part + message(DONE, MULTI, bytes(4)) + b"left") == ((b"odd", b"even"), False)
    assert answered(message(DONE, MULTI, bytes(4))) == ((), False)


def test_a_refusal_has_the_kernels_number() -> None:
    with pytest.raises(OSError, match="refused") as raised:
        answered(message(RULE, MULTI, b"before") + message(ERROR, 0, struct.pack("=i", -errno.ENOENT)))
    assert raised.value.errno == errno.ENOENT
