"""Which sockets of a host listen where, as the kernel's tables of its network say."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

from gridwire.lab.host import Host

_TCP_LISTEN, _TCP_ESTABLISHED, _UDP_UNCONNECTED = "0A", "01", "07"  # include/net/tcp_states.h


@dataclass(frozen=True, slots=True)
class Listening:
    protocol: str
    address: IPv4Address | IPv6Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{self.protocol} {host}:{self.port}"


def parse_table(text: str, protocol: str) -> list[Listening]:
    """The listening lines of /proc/net/{tcp,tcp6,udp,udp6}: addresses are words in the host's byte order."""
    state = _TCP_LISTEN if protocol == "tcp" else _UDP_UNCONNECTED
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 4 or fields[3] != state:
            continue
        raw, _, port = fields[1].partition(":")
        found.append(Listening(protocol, _address(raw), int(port, 16)))
    return found


def _address(raw: str) -> IPv4Address | IPv6Address:
    words = [int(raw[at : at + 8], 16) for at in range(0, len(raw), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def connected(host: Host, remote: str) -> int:
    """TCP connections of a host that stand with an IPv4 address."""
    lines = Path(f"/proc/{host.pid}/net/tcp").read_text().splitlines()[1:]
    standing = (fields[2].partition(":")[0] for fields in map(str.split, lines) if fields[3] == _TCP_ESTABLISHED)
    return sum(1 for raw in standing if str(_address(raw)) == remote)


def listening(host: Host) -> list[Listening]:
    tables = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))
    return [
        one
        for file, protocol in tables
        for one in parse_table(Path(f"/proc/{host.pid}/net/{file}").read_text(), protocol)
    ]


def public(host: Host, mesh_prefix: str) -> list[Listening]:
    """What listens on an address that others than the mesh and the host itself can call; wildcards do."""
    mesh = ip_network(mesh_prefix)
    return [one for one in listening(host) if not one.address.is_loopback and one.address not in mesh]
