"""What a stranger without a key finds: every TCP port, known and random UDP ports, of addresses given.

Frames are written to the link itself, to the hardware address of the next hop, so that no routing table, filter
or source check of the scanning host stands between it and the target: any destination (mesh addresses, 127.0.0.1)
by any source (its own, or a mesh address). Everything that comes back is heard on the same socket.

    python -m gridwire.lab.scan --interface eth0 --next-hop 203.0.113.7 '{"target": "10.85.0.1"}' …

prints, for each probe, what answered: a SYN-ACK or a UDP payload is an answer; RST, ICMP and ARP are counted apart.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import random
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import Any

from gridwire.lab.packets import (
    ANSWERS,
    ETHERNET_IPV4,
    ETHERNET_IPV6,
    Address,
    Heard,
    Kind,
    arp_request,
    datagram,
    ethernet,
    hear,
    syns,
)

_ETH_P_ALL = 3  # linux/if_ether.h
_SOL_PACKET, _PACKET_STATISTICS, _PACKET_IGNORE_OUTGOING = 263, 6, 23  # linux/if_packet.h
_SIOCGIFADDR, _SIOCGIFHWADDR = 0x8915, 0x8927
_SO_RCVBUFFORCE = 33
_BUFFER_BYTES = 64 << 20
# Frames between two looks at what came back; the other end's softirq takes them at once. The first that loses nothing.
_BURSTS, _SMALL_BURSTS = (512,), (64, 16, 4)
ALL_PORTS = 65_535
KNOWN_UDP = {
    53: b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03",
    67: b"\x01\x01\x06\0" + b"\x22" * 232,
    69: b"\0\x01boot\0octet\0",
    123: b"\x1b" + b"\0" * 47,
    161: bytes.fromhex("302602010104067075626c6963a019020101020100020100300e300c06082b060102010101000500"),
    443: b"\xc0\xff\0\0\x1d" + b"\x07" * 1195,
    500: b"\x11" * 8 + b"\0" * 20,
    1900: b'M-SEARCH * HTTP/1.1\r\nHOST:239.255.255.250:1900\r\nMAN:"ssdp:discover"\r\nST:ssdp:all\r\n\r\n',
    3478: b"\0\x01\0\0\x21\x12\xa4\x42" + b"\x33" * 12,
    5353: b"\0\0\0\0\0\x01\0\0\0\0\0\0\x09_services\x07_dns-sd\x04_udp\x05local\0\0\x0c\0\x01",
    51820: b"\x01\0\0\0" + b"\x44" * 144,  # a handshake initiation of the right length, by nobody's key
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Ports of one target. ``source`` none: the scanner's own. ``udp``: how many random ports beside the known.

    ``also``: UDP ports that are tried whatever ``udp`` says.
    """

    target: Address
    source: Address | None = None
    tcp: tuple[int, int] = (1, ALL_PORTS)
    udp: int = 0
    also: tuple[int, ...] = ()


@dataclass(slots=True)
class Found:
    """``answers``: "tcp/80", "udp/53", …; ``counts``: frames heard, by kind, from the target or about it."""

    target: str
    source: str
    sent: int = 0
    answers: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def classify(probe: Probe, local_port: int, heard: list[Heard]) -> tuple[list[str], dict[str, int]]:
    """Which of the frames heard answer a probe. A late answer to another probe has another local port."""
    answers: set[str] = set()
    counts: Counter[str] = Counter()
    for one in heard:
        if one.kind is Kind.ICMP:
            if one.about == probe.target:
                counts[one.kind] += 1
        elif one.source == probe.target and (one.kind is Kind.ARP or one.local_port == local_port):
            counts[one.kind] += 1
            if one.kind in ANSWERS:
                answers.add(f"{'udp' if one.kind is Kind.UDP else 'tcp'}/{one.port}")
    return sorted(answers, key=lambda name: (name[:3], int(name[4:]))), dict(counts)


class Scanner:
    """A raw socket on one interface. ``next_hop``: whose hardware address frames go to; on this link."""

    def __init__(self, interface: str, next_hop: IPv4Address, *, seed: int = 1) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.bind((interface, _ETH_P_ALL))
        self._bursts = self._make_room()
        self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        self._socket.setblocking(False)
        self._mac = self._ask(interface, _SIOCGIFHWADDR)[18:24]
        self.address = IPv4Address(self._ask(interface, _SIOCGIFADDR)[20:24])
        self._address6 = _own_address6(interface)
        self._random = random.Random(seed)  # noqa: S311  # which ports are tried; the same seed tries the same
        self._local_port = 40_000
        self._next_hop = self._resolve(next_hop)

    def _make_room(self) -> tuple[int, ...]:
        """A buffer for what comes back while frames go out; the bursts that it is good for."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        except PermissionError:  # root of a user namespace has net.core.rmem_max, 208 KiB by default
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            return _SMALL_BURSTS
        return _BURSTS

    def _dropped(self) -> int:
        """Frames that found no room since it was last asked (packet(7))."""
        _, drops = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return int(drops)

    def _ask(self, interface: str, what: int) -> bytes:
        return fcntl.ioctl(self._socket.fileno(), what, struct.pack("256s", interface.encode()))

    def _resolve(self, wanted: IPv4Address) -> bytes:
        """The hardware address of a neighbour; raise TimeoutError where it does not tell."""
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            self._socket.send(arp_request(self._mac, self.address, wanted))
            until = time.monotonic() + 0.2
            while time.monotonic() < until:
                for frame in self._frames():
                    heard = hear(frame)
                    if heard is not None and heard.kind is Kind.ARP and heard.source == wanted:
                        return frame[22:28]
                time.sleep(0.002)
        raise TimeoutError(f"{wanted} does not answer ARP")

    def _frames(self) -> Iterator[bytes]:
        while True:
            try:
                yield self._socket.recv(2048)
            except BlockingIOError:
                return

    def arp(self, wanted: IPv4Address, patience: float) -> bool:
        """Whether anybody on the link tells a hardware address for ``wanted``."""
        self._socket.send(arp_request(self._mac, self.address, wanted))
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if any(h is not None and h.kind is Kind.ARP and h.source == wanted for h in map(hear, self._frames())):
                return True
            time.sleep(0.005)
        return False

    def run(self, probe: Probe, *, patience: float) -> Found:
        """Send all of a probe, then listen for ``patience`` seconds more.

        Raise BufferError where an answer may have been lost, however slowly it was asked.
        """
        self._dropped()
        for burst in self._bursts:
            found = self._once(probe, burst, patience)
            if not (dropped := self._dropped()):
                return found
        raise BufferError(f"{dropped} frames from {probe.target} found no room; nothing can be said about it")

    def _once(self, probe: Probe, burst: int, patience: float) -> Found:
        self._local_port += 1
        own: Address = self.address if probe.target.version == 4 else self._address6 or ip_address("::1")
        source = probe.source or own
        kind = ETHERNET_IPV4 if probe.target.version == 4 else ETHERNET_IPV6
        head = ethernet(self._next_hop, self._mac, kind, b"")
        heard: list[Heard] = []
        sent = 0
        for packet in self._packets(probe, source):
            self._write(head + packet)
            sent += 1
            if sent % burst == 0:
                heard += self._hear()
        until = time.monotonic() + patience
        while time.monotonic() < until:
            heard += self._hear()
            time.sleep(0.005)
        answers, counts = classify(probe, self._local_port, heard)
        return Found(str(probe.target), str(source), sent, answers, counts)

    def _packets(self, probe: Probe, source: Address) -> Iterator[bytes]:
        first, last = probe.tcp
        yield from syns(source, probe.target, self._local_port, range(first, last + 1))
        for port in probe.also:
            yield datagram(source, probe.target, self._local_port, port, b"\r\n\r\n")
        if probe.udp:
            for port, payload in KNOWN_UDP.items():
                yield datagram(source, probe.target, self._local_port, port, payload)
            others = min(probe.udp, ALL_PORTS)
            for port in self._random.sample(range(1, ALL_PORTS + 1), others):
                yield datagram(source, probe.target, self._local_port, port, b"\r\n\r\n")

    def _write(self, frame: bytes) -> None:
        while True:
            try:
                self._socket.send(frame)
            except (BlockingIOError, OSError) as error:
                if error.errno not in (11, 105):  # EAGAIN, ENOBUFS: the queue is full for a moment
                    raise
                time.sleep(0.0005)
            else:
                return

    def _hear(self) -> list[Heard]:
        return [one for one in map(hear, self._frames()) if one is not None]


def _own_address6(interface: str) -> Address | None:
    """The first global IPv6 address, as /proc/net/if_inet6 has it (scope 00)."""
    with open("/proc/net/if_inet6") as file:  # noqa: PTH123  # runs before pathlib would be loaded
        for line in file:
            raw, _, _, scope, _, name = line.split()
            if name == interface and scope == "00":
                return ip_address(bytes.fromhex(raw))
    return None


def parse_probe(text: str) -> Probe:
    """A probe as JSON: {"target": …, "source": …, "tcp": [first, last], "udp": n, "also": [port, …]}."""
    raw: dict[str, Any] = json.loads(text)
    source = raw.get("source")
    first, last = raw.get("tcp", (1, ALL_PORTS))
    return Probe(
        target=ip_address(raw["target"]),
        source=ip_address(source) if source else None,
        tcp=(int(first), int(last)),
        udp=int(raw.get("udp", 0)),
        also=tuple(map(int, raw.get("also", ()))),
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gridwire.lab.scan", description="Find what answers a stranger.")
    parser.add_argument("--interface", default="eth0")
    parser.add_argument("--next-hop", required=True, type=IPv4Address)
    parser.add_argument("--patience", type=float, default=0.3, help="seconds to listen after the last frame")
    parser.add_argument("--arp", action="append", default=[], type=IPv4Address, help="ask the link who has it")
    parser.add_argument("probes", nargs="*")
    given = parser.parse_args(argv)
    scanner = Scanner(given.interface, given.next_hop)
    told = [str(wanted) for wanted in given.arp if scanner.arp(wanted, given.patience)]
    found = [asdict(scanner.run(parse_probe(text), patience=given.patience)) for text in given.probes]
    print(json.dumps({"found": found, "arp": told}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
