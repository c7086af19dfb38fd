"""Who calls: the first messages of handshakes that arrive at this host, before any firewall, and what they hold.

A handshake's first message is sealed for the called: with this host's private key its caller's public key and the time
by the caller's clock are read from it (WireGuard paper §5.4.2). Nothing is answered, and nothing of a session can be
read. What WireGuard itself does with a message it does not tell: that a node calls and is refused is seen only here.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import hmac
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from gridwire.core.endpoint import join_endpoint
from gridwire.core.errors import NotPermitted
from gridwire.core.wireguard import PublicKey, decode_key

BYTES = 148
_CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
_IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
_TAI64 = (1 << 62) + 10  # TAI64's epoch, 10 s ahead of 1970 in TAI
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FARTHEST = 7000 * 365 * 86_400  # seconds; datetime ends with the year 9999
_UDP = 17
_ETH_P_ALL = 3  # linux/if_ether.h
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """``source`` as address:port; ``caller``: none where the message is not for this host's key."""

    source: str
    caller: PublicKey | None
    stamp: datetime


def watch_calls(private: str, port: int, seconds: float, enough: Callable[[Arrived], bool]) -> tuple[Arrived, ...]:
    """Handshakes that begin at UDP ``port`` for ``seconds``, or until ``enough`` says so of one.

    Raise NotPermitted without CAP_NET_RAW.
    """
    found: list[Arrived] = []
    with closing(listen(port)) as tap:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([tap], [], [], left)[0]:
                packet = tap.recv(2048)
                source, message = _outer(packet)
                found.append(understand(private, source, message))
                if enough(found[-1]):
                    break
    return tuple(found)


def listen(port: int) -> socket.socket:
    """A tap that gets UDP packets to ``port`` of WireGuard's type 1 alone, from the IP header on."""
    try:
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    except PermissionError:
        raise NotPermitted("packets may not be looked at", fix="run it as root") from None
    program = _filter(port)
    _attach(tap, len(program), b"".join(struct.pack("HBBI", *instruction) for instruction in program))
    return tap


def understand(private: str, source: str, message: bytes) -> Arrived:
    """Decrypt a handshake's first message with the key of whom it is for; its caller is none where that fails."""
    secret = X25519PrivateKey.from_private_bytes(decode_key(private, "private key"))
    own = secret.public_key().public_bytes_raw()
    ephemeral, static, stamp = message[8:40], message[40:88], message[88:116]
    chain = _hash(_CONSTRUCTION)
    transcript = _hash(_hash(_hash(chain + _IDENTIFIER) + own) + ephemeral)
    (chain,) = _derive(chain, ephemeral, 1)
    unknown = Arrived(source=source, caller=None, stamp=_EPOCH)
    try:
        chain, key = _derive(chain, _shared(secret, ephemeral), 2)
        caller = ChaCha20Poly1305(key).decrypt(bytes(12), static, transcript)
        transcript = _hash(transcript + static)
        chain, key = _derive(chain, _shared(secret, caller), 2)
        told = ChaCha20Poly1305(key).decrypt(bytes(12), stamp, transcript)
    except (InvalidTag, ValueError):
        return unknown
    return Arrived(source=source, caller=_spelled(caller), stamp=time_of(told))


def time_of(stamp: bytes) -> datetime:
    """TAI64N (https://cr.yp.to/libtai/tai64.html) as WireGuard fills it: without leap seconds."""
    seconds, nanoseconds = struct.unpack("!QI", stamp)
    passed = min(max(seconds - _TAI64, 0), _FARTHEST)  # whoever calls may stamp anything
    return _EPOCH + timedelta(seconds=passed, microseconds=nanoseconds // 1000)


def _spelled(raw: bytes) -> PublicKey:
    return PublicKey(base64.b64encode(raw).decode())


def _shared(secret: X25519PrivateKey, public: bytes) -> bytes:
    return secret.exchange(X25519PublicKey.from_public_bytes(public))


def _hash(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def _derive(chain: bytes, data: bytes, parts: int) -> tuple[bytes, ...]:
    """HKDF (RFC 5869) over BLAKE2s, whitepaper §5.4."""
    extracted = hmac.new(chain, data, hashlib.blake2s).digest()
    return tuple(_expanded(extracted, parts))


def _expanded(extracted: bytes, parts: int) -> Iterator[bytes]:
    last = b""
    for number in range(1, parts + 1):
        last = hmac.new(extracted, last + bytes([number]), hashlib.blake2s).digest()
        yield last


def _outer(packet: bytes) -> tuple[str, bytes]:
    """Source and payload of a UDP packet."""
    if packet[0] >> 4 == 6:
        return join_endpoint(str(IPv6Address(packet[8:24])), int.from_bytes(packet[40:42])), packet[48 : 48 + BYTES]
    start = (packet[0] & 0x0F) * 4
    port = int.from_bytes(packet[start : start + 2])
    return join_endpoint(str(IPv4Address(packet[12:16])), port), packet[start + 8 : start + 8 + BYTES]


def _filter(port: int) -> list[tuple[int, int, int, int]]:
    """Classic BPF (code, jump if true, jump if false, value), bpf(4) by way of socket(7): a gateway's other traffic
    never reaches Python."""
    load_byte, load_half, load_byte_x, load_half_x = 0x30, 0x28, 0x50, 0x48
    equal, mask, header_length, give = 0x15, 0x54, 0xB1, 0x06
    return [
        (load_byte, 0, 0, 0),
        (mask, 0, 0, 0xF0),
        (equal, 0, 7, 0x40),
        (load_byte, 0, 0, 9),
        (equal, 0, 12, _UDP),
        (header_length, 0, 0, 0),
        (load_half_x, 0, 0, 2),
        (equal, 0, 9, port),
        (load_byte_x, 0, 0, 8),
        (equal, 6, 7, 1),
        (load_byte, 0, 0, 6),
        (equal, 0, 5, _UDP),
        (load_half, 0, 0, 42),
        (equal, 0, 3, port),
        (load_byte, 0, 0, 48),
        (equal, 0, 1, 1),
        (give, 0, 0, 2048),
        (give, 0, 0, 0),
    ]


def _attach(tap: socket.socket, length: int, code: bytes) -> None:
    """SO_ATTACH_FILTER takes a struct sock_fprog: a length and a pointer."""
    held = ctypes.create_string_buffer(code)
    tap.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", length, ctypes.addressof(held)))
