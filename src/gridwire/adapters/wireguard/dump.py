"""`wg show INTERFACE dump` and wireguard-go's own words for the same, understood.

Both hold the private key and preshared keys: they are dropped here and go no further.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_network

from gridwire.adapters.wireguard.keys import public_of
from gridwire.core.addressing import Prefix
from gridwire.core.wireguard import PeerSeen, PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    public_key: PublicKey | None
    listen_port: int
    peers: tuple[PeerSeen, ...]


def parse_dump(text: str) -> Dump:
    """wg(8), "show … dump": tab-separated; one line for the device, one for each peer. Raise ValueError.

    private-key public-key listen-port fwmark
    public-key preshared-key endpoint allowed-ips latest-handshake transfer-rx transfer-tx persistent-keepalive
    """
    lines = text.splitlines()
    device = lines[0].split("\t") if lines else []
    if len(device) != 4:
        raise ValueError(f"the device's line has {len(device)} fields, not 4")
    return Dump(
        public_key=None if device[1] == "(none)" else PublicKey(device[1]),
        listen_port=int(device[2]),
        peers=tuple(sorted((_peer(line) for line in lines[1:]), key=lambda peer: peer.public_key)),
    )


def parse_device(text: str) -> Dump:
    """The answer to ``get=1`` (https://www.wireguard.com/xplatform/): lines of key=value, those from a public_key on
    the peer's. Raise ValueError or KeyError."""
    device: dict[str, str] = {}
    peers: list[tuple[dict[str, str], list[str]]] = []
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name == "public_key":
            peers.append(({}, []))
        if name == "allowed_ip" and peers:
            peers[-1][1].append(value)
        elif line and name != "errno":
            (peers[-1][0] if peers else device)[name] = value
        elif name == "errno" and value != "0":
            raise ValueError(line)
    private = device.get("private_key", "")
    return Dump(
        public_key=_public(private) if private.strip("0") else None,
        listen_port=int(device.get("listen_port", "0")),
        peers=tuple(sorted((_told(*peer) for peer in peers), key=lambda peer: peer.public_key)),
    )


def _told(fields: dict[str, str], allowed_ips: list[str]) -> PeerSeen:
    handshake = int(fields.get("last_handshake_time_sec", "0"))
    return PeerSeen(
        public_key=PublicKey(_base64(fields["public_key"])),
        endpoint=fields.get("endpoint"),
        allowed_ips=_sorted(allowed_ips),
        latest_handshake=datetime.fromtimestamp(handshake, UTC) if handshake else None,
        received_bytes=int(fields.get("rx_bytes", "0")),
        sent_bytes=int(fields.get("tx_bytes", "0")),
        keepalive=int(fields.get("persistent_keepalive_interval", "0")),
    )


def _base64(key: str) -> str:
    return base64.b64encode(bytes.fromhex(key)).decode()


@lru_cache(maxsize=4)  # 0.1 ms; of this host's own keys, which the process reads from their file anyway
def _public(private: str) -> PublicKey:
    return public_of(_base64(private))


def _peer(line: str) -> PeerSeen:
    fields = line.split("\t")
    if len(fields) != 8:
        raise ValueError(f"a peer's line has {len(fields)} fields, not 8")
    key, _, endpoint, allowed_ips, handshake, received, sent, keepalive = fields
    return PeerSeen(
        public_key=PublicKey(key),
        endpoint=None if endpoint == "(none)" else endpoint,
        allowed_ips=_prefixes(allowed_ips),
        latest_handshake=datetime.fromtimestamp(int(handshake), UTC) if handshake != "0" else None,
        received_bytes=int(received),
        sent_bytes=int(sent),
        keepalive=0 if keepalive == "off" else int(keepalive),
    )


def _prefixes(text: str) -> tuple[Prefix, ...]:
    return () if text == "(none)" else _sorted(text.split(","))


def _sorted(prefixes: Iterable[str]) -> tuple[Prefix, ...]:
    return tuple(sorted(map(ip_network, prefixes), key=lambda p: (p.version, int(p.network_address))))
