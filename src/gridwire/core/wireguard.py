"""WireGuard as gridwire uses it: keys, peers, a device's spec and what `wg show dump` says of it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from gridwire.core.addressing import Address, Prefix
from gridwire.core.errors import Invalid
from gridwire.core.names import Interface, NodeName, shown

PublicKey = NewType("PublicKey", str)

KEY_LENGTH = 32
DEFAULT_PORT = 51820
DEFAULT_MTU = 1420  # 1500 - 40 (IPv6) - 8 (UDP) - 32 (WireGuard), wg-quick(8)
KEEPALIVE_SECONDS = 15
STALE_HANDSHAKE_SECONDS = 135  # REKEY_AFTER_TIME 120 + KEEPALIVE 10 + REKEY_TIMEOUT 5 (WireGuard paper §6.1)

# Points of small order on Curve25519, and their non-canonical twins: Diffie-Hellman with one of them gives a
# constant (https://cr.yp.to/ecdh.html#validate). Little endian, top bit cleared.
_LOW_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def decode_key(text: str, field: str) -> bytes:
    """The 32 bytes of a key in WireGuard's base64; raise Invalid for any other spelling."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != KEY_LENGTH or base64.b64encode(raw).decode() != text:
        raise Invalid(field, f"{shown(text)} is not a WireGuard key", fix="give 44 characters of base64")
    return raw


def public_key(text: str, field: str = "public_key") -> PublicKey:
    """Check a public key: spelling, and that it is not a point of small order; raise Invalid."""
    raw = bytearray(decode_key(text, field))
    raw[31] &= 0x7F  # RFC 7748 §5: the top bit is masked by every implementation
    if bytes(raw) in _LOW_ORDER:
        raise Invalid(field, "the key is all zero or of low order", fix="make one with `wg genkey | wg pubkey`")
    return PublicKey(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer that a device must have.

    ``allowed_ips`` masked and sorted; ``endpoint`` as host:port, or none where the peer calls us; ``expires``
    is kept by the agent's own clock, with control dead too.
    """

    node: NodeName
    public_key: PublicKey
    allowed_ips: tuple[Prefix, ...]
    endpoint: str | None = None
    keepalive: int = 0
    expires: datetime | None = None

    def __post_init__(self) -> None:
        public_key(self.public_key, f"peer {self.node}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSpec:
    """One WireGuard device: its address, the port it listens on (0: any), its peers sorted by key."""

    interface: Interface
    address: Address
    prefix: Prefix
    listen_port: int
    mtu: int
    peers: tuple[Peer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSeen:
    """A line of `wg show dump`: what the device knows of a peer. Bytes since the device was made."""

    public_key: PublicKey
    endpoint: str | None
    allowed_ips: tuple[Prefix, ...]
    latest_handshake: datetime | None
    received_bytes: int
    sent_bytes: int
    keepalive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshObserved:
    """A device as kernel and wg report it, in the same normal form as the spec.

    ``routes``: prefixes routed to the device; ``blackholes``: those with gridwire's blackhole route under them.
    """

    interface: Interface
    kind: str  # "kernel" | "wireguard-go" | "memory"
    public_key: PublicKey | None
    listen_port: int
    mtu: int
    up: bool
    addresses: tuple[Address, ...]
    prefix_routed: bool
    blackholed: bool
    peers: tuple[PeerSeen, ...]
    routes: tuple[Prefix, ...] = ()
    blackholes: tuple[Prefix, ...] = ()
