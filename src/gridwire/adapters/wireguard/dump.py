"""`wg show INTERFACE dump`, understood. Its first field is the private key: it is dropped here and goes no further."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network

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
    if text == "(none)":
        return ()
    return tuple(sorted(map(ip_network, text.split(",")), key=lambda p: (p.version, int(p.network_address))))
