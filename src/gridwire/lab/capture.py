"""Packets of a prefix, as they pass the interfaces of a lab host in clear: what a neighbour with a tap would read.

    python -m gridwire.lab.capture --prefix 10.85.0.0/16 --interface eth0

It prints ``ready``, looks until its standard input closes, then prints ``{"packets", "bytes", "seen"}``; ``seen``
names the first few. Without ``--interface`` it looks at every one.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import struct
import sys
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from gridwire.lab.host import Host
from gridwire.lab.lookout import Lookout

_ETH_P_ALL, _ETH_P_IP = 3, 0x0800  # linux/if_ether.h
_SO_RCVBUFFORCE = 33
_BUFFER_BYTES = 64 << 20
_SHOWN = 5


@dataclass(slots=True)
class Seen:
    """``bytes``: of IP packets with source or destination in the prefix; ``seen``: "interface source > destination"."""

    packets: int = 0
    bytes: int = 0
    seen: list[str] = field(default_factory=list)


def count(seen: Seen, prefix: IPv4Network, interface: str, packet: bytes) -> None:
    """``packet``: from its IPv4 header on."""
    if len(packet) < 20:
        return
    source, destination = struct.unpack("!II", packet[12:20])
    mask, network = int(prefix.netmask), int(prefix.network_address)
    if source & mask != network and destination & mask != network:
        return
    seen.packets += 1
    seen.bytes += len(packet)
    if len(seen.seen) < _SHOWN:
        seen.seen.append(f"{interface} {IPv4Address(source)} > {IPv4Address(destination)}")


class Capture(Lookout):
    """A capture on a lab host, from ``with`` to ``end``."""

    def __init__(self, host: Host, prefix: str, *, interface: str = "") -> None:
        super().__init__(host, __name__, ["--prefix", prefix, *(["--interface", interface] if interface else [])])

    def __enter__(self) -> Capture:
        return self

    def end(self) -> Seen:
        return Seen(**super().end())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gridwire.lab.capture", description="Count packets of a prefix.")
    parser.add_argument("--prefix", required=True, type=IPv4Network)
    parser.add_argument("--interface", default="", help="all of them unless given")
    given = parser.parse_args(argv)
    seen = Seen()
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))  # without link headers
    try:
        tap.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    except PermissionError:  # root of a user namespace has net.core.rmem_max
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    if given.interface:
        tap.bind((given.interface, _ETH_P_ALL))
    with selectors.DefaultSelector() as selector, tap:
        selector.register(tap, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if key.fileobj is tap:
                    packet, (interface, protocol, *_) = tap.recvfrom(65_535)
                    if protocol == _ETH_P_IP:
                        count(seen, given.prefix, interface, packet)
                elif not sys.stdin.read(1):
                    print(json.dumps({"packets": seen.packets, "bytes": seen.bytes, "seen": seen.seen}))
                    return 0


if __name__ == "__main__":
    sys.exit(main())
