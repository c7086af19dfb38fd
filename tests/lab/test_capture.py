"""What a capture counts: packets from or to a prefix, in clear."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from gridwire.lab.capture import Seen, count
from gridwire.lab.packets import datagram

MESH = IPv4Network("10.85.0.0/16")
NODE, OTHER, OUTSIDE = (IPv4Address(text) for text in ("10.85.1.7", "203.0.113.7", "198.51.100.11"))


@pytest.mark.parametrize(("source", "destination"), [(NODE, OTHER), (OTHER, NODE), (NODE, NODE)])
def test_a_packet_of_the_prefix_is_counted_whole(source: IPv4Address, destination: IPv4Address) -> None:
    packet, seen = datagram(source, destination, 1, 2, b"in clear"), Seen()

    count(seen, MESH, "eth0", packet)

    assert (seen.packets, seen.bytes) == (1, len(packet))
    assert seen.seen == [f"eth0 {source} > {destination}"]


@pytest.mark.parametrize("packet", [datagram(OTHER, OUTSIDE, 1, 2, b"tunnel"), b"", b"\x45" * 10])
def test_other_packets_and_pieces_are_not(packet: bytes) -> None:
    seen = Seen()

    count(seen, MESH, "eth0", packet)

    assert seen == Seen()
