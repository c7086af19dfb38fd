"""What counts as an answer to a scan, and what is told apart from one."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from gridwire.lab.packets import (
    ETHERNET_IPV4,
    ETHERNET_IPV6,
    TCP,
    UDP,
    Heard,
    Kind,
    checksum,
    datagram,
    ethernet,
    hear,
    packet,
    syn,
    syns,
)
from gridwire.lab.scan import Probe, classify, parse_probe

GATEWAY, OWN = IPv4Address("10.85.0.1"), IPv4Address("203.0.113.66")
LOCAL_PORT = 40_001


def tcp_frame(flags: int, *, source: IPv4Address | IPv6Address = GATEWAY, to: int = LOCAL_PORT) -> bytes:
    own = OWN if source.version == 4 else IPv6Address("2001:db8::42")
    segment = struct.pack("!HHIIBBHHH", 80, to, 1, 2, 5 << 4, flags, 1000, 0, 0)
    kind = ETHERNET_IPV4 if source.version == 4 else ETHERNET_IPV6
    return ethernet(b"\x02" * 6, b"\x04" * 6, kind, packet(source, own, TCP, segment))


@pytest.mark.parametrize(
    ("flags", "kind"),
    [pytest.param(0x12, Kind.SYN_ACK, id="syn-ack"), pytest.param(0x14, Kind.RST, id="rst")],
)
@pytest.mark.parametrize("source", ["10.85.0.1", "2001:db8::7"])
def test_a_segment_is_heard_for_what_it_is(flags: int, kind: Kind, source: str) -> None:
    assert hear(tcp_frame(flags, source=ip_address(source))) == Heard(kind, ip_address(source), 80, LOCAL_PORT)


def test_a_syn_to_us_is_no_answer() -> None:
    assert hear(tcp_frame(0x02)) is None


def test_an_icmp_error_names_the_address_it_is_about() -> None:
    asked = datagram(OWN, GATEWAY, LOCAL_PORT, 53, b"?")
    router = IPv4Address("203.0.113.1")
    body = struct.pack("!BBHI", 3, 3, 0, 0) + asked[:28]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0) + router.packed + OWN.packed
    heard = hear(ethernet(b"\x02" * 6, b"\x04" * 6, ETHERNET_IPV4, head + body))

    assert heard is not None
    assert (heard.kind, heard.about) == (Kind.ICMP, GATEWAY)


@pytest.mark.parametrize("length", [0, 10, 14, 20, 33])
def test_a_cut_frame_is_nothing(length: int) -> None:
    assert hear(tcp_frame(0x12)[:length]) is None


def test_only_syn_acks_and_udp_payloads_are_answers() -> None:
    heard = [
        Heard(Kind.SYN_ACK, GATEWAY, 80, LOCAL_PORT),
        Heard(Kind.SYN_ACK, GATEWAY, 80, LOCAL_PORT),  # sent again by the other side
        Heard(Kind.UDP, GATEWAY, 53, LOCAL_PORT),
        Heard(Kind.RST, GATEWAY, 81, LOCAL_PORT),
        Heard(Kind.ARP, GATEWAY),
        Heard(Kind.ICMP, IPv4Address("203.0.113.1"), about=GATEWAY),
    ]

    answers, counts = classify(Probe(target=GATEWAY), LOCAL_PORT, heard)

    assert answers == ["tcp/80", "udp/53"]
    assert counts == {"syn-ack": 2, "udp": 1, "rst": 1, "arp": 1, "icmp": 1}


def test_answers_of_other_hosts_and_to_other_probes_do_not_count() -> None:
    heard = [
        Heard(Kind.SYN_ACK, IPv4Address("203.0.113.7"), 80, LOCAL_PORT),
        Heard(Kind.SYN_ACK, GATEWAY, 80, LOCAL_PORT - 1),
        Heard(Kind.ICMP, GATEWAY, about=OWN),
    ]

    assert classify(Probe(target=GATEWAY), LOCAL_PORT, heard) == ([], {})


@pytest.mark.parametrize(("own", "target"), [("203.0.113.66", "10.85.0.1"), ("2001:db8::42", "2001:db8::7")])
def test_fast_probes_are_the_plain_ones(own: str, target: str) -> None:
    source, destination = ip_address(own), ip_address(target)
    ports = [1, 80, 443, 32_767, 65_535]

    assert list(syns(source, destination, LOCAL_PORT, ports)) == [
        syn(source, destination, LOCAL_PORT, port) for port in ports
    ]


def test_checksums_add_up() -> None:
    raw = datagram(OWN, GATEWAY, LOCAL_PORT, 53, b"odd")
    pseudo = OWN.packed + GATEWAY.packed + struct.pack("!IHBB", len(raw) - 20, 0, 0, UDP)

    assert checksum(raw[:20]) == 0
    assert checksum(pseudo + raw[20:]) == 0


def test_a_probe_is_read_from_json() -> None:
    assert parse_probe('{"target": "10.85.0.1", "source": "10.85.1.7", "tcp": [1, 9], "udp": 3, "also": [7]}') == Probe(
        target=GATEWAY, source=IPv4Address("10.85.1.7"), tcp=(1, 9), udp=3, also=(7,)
    )
