"""Targets and reach: what may be published at all, and what an edge consents to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridwire.core.errors import Invalid
from gridwire.core.targets import TcpTarget, UnixTarget, consents, parse_reach, parse_target

PORTS = st.integers(1, 65535)
LAN = st.integers(0, 0xFFFF).map(lambda n: IPv4Address(int(ip_address("192.168.0.0")) + n))


@pytest.mark.parametrize(
    "text", ["127.0.0.1:9000", "[::1]:80", "[fd12::7]:80", "192.168.1.5:443", "unix:/run/app.sock"]
)
def test_a_target_is_printed_as_it_is_read(text: str) -> None:
    assert str(parse_target(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9000",
        "127.0.0.1",
        "127.0.0.1:",
        ":80",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:+80",
        "127.0.0.1:8 0",
        "127.0.0.1:８０",
        "127.1:80",
        "0177.0.0.1:80",
        "2130706433:80",
        "localhost:80",
        "app.home:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[fe80::1%eth0]:80",
        "0.0.0.0:80",
        "[::]:80",
        "255.255.255.255:80",
        "224.0.0.1:80",
        "[ff02::1]:80",
        "169.254.169.254:80",
        "[fe80::1]:80",
        "[fd00:ec2::254]:80",
        "100.100.100.200:80",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:169.254.169.254]:80",
        "unix:",
        "unix:app.sock",
        "unix:/",
        "unix:/run/../etc/x",
        "unix:/run//x",
        "unix:/run/.x",
        "unix:/run/a b",
        "unix:/run/a;b",
        "unix:/run/$x",
        "unix:/var/run/docker.sock",
        "unix:/run/gridwire/local.sock",
        "unix:/run/gridwire/door/nginx.sock",
        "unix:/var/run/gridwire/door/nginx.sock",
        "unix:/run/wireguard/gw0.sock",
        "unix:/run/systemd/private",
        "unix:/run/user/1000/systemd/private",
        "unix:/run/snapd.socket",
        "unix:/run/libvirt/libvirt-sock",
        "unix:/var/run/libvirt/virtqemud-sock",
        "unix:/run/buildkit/buildkitd.sock",
        "unix:/srv/docker/Docker.sock",
        "unix:/run/dbus/system_bus_socket",
        "unix:/var/snap/lxd/common/lxd/unix.socket",
        "unix:/var/lib/incus/unix.socket",
        "168.63.129.16:80",
        "192.0.0.192:80",
        "[fd20:ce::254]:80",
        "[64:ff9b::a9fe:a9fe]:80",
        "[64:ff9b::168.63.129.16]:80",
        "[64:ff9b:1::a9fe:a9fe]:80",
        "[64:ff9b::0.0.0.0]:80",
        "[2002:a9fe:a9fe::1]:80",
        "[::ffff:168.63.129.16]:80",
        "[::169.254.169.254]:80",
        "[::a9fe:a9fe]:80",
        "[::127.0.0.1]:80",
        "[::192.168.1.5]:80",
        "[::2]:80",
        "[::ffff:0:169.254.169.254]:80",
        "[2001::1]:80",
        "[2001:0:a9fe:a9fe:0:ffff:5601:5601]:80",
        "[fd00:ec2::23]:80",
        "[fd00:ec2::253]:53",
        "[fd00:ec2:1::1]:80",
        "127.0.0.1:2375",
        "127.0.0.1:2376",
        "127.8.8.8:2375",
        "[::1]:2375",
        "unix:/run/cri-dockerd.sock",
        "unix:/var/run/dockershim.sock",
        "unix:/run/containerd/containerd.sock.ttrpc",
        "unix:/run/k3s/containerd/containerd.sock.ttrpc",
        "unix:/var/run/nri/nri.sock",
        "unix:/run/user/1000/bus",
        "unix:/var/run/user/0/bus",
        "unix:/run/user/1000/podman/podman.sock",
        "unix:/run/user/1000/podman/other.sock",
        "unix:/run/podman/io.podman",
        "unix:/" + "a" * 107,
    ],
)
def test_what_is_never_published(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_target(text, "to")
    assert caught.value.field == "to"


@pytest.mark.parametrize(
    "text",
    [
        "[::1]:80",
        "[2001:db8::7]:80",
        "[fd00:ec1::23]:80",
        "[::1:0:0:7]:80",
        "192.168.1.5:2375",
        "127.0.0.1:2377",
        "unix:/run/bus",
        "unix:/run/user/1000/app/bus",
        "unix:/srv/podman/app.sock",
    ],
)
def test_the_neighbours_of_what_is_never_published_are(text: str) -> None:
    assert parse_target(text, "to")


def test_docker_over_tcp_is_refused_with_its_reason() -> None:
    with pytest.raises(Invalid, match="port 2375 is Docker's own, which gives root on the host away"):
        TcpTarget(IPv4Address("127.0.0.1"), 2375)
    reach = parse_reach("127.0.0.1:2000-3000")
    assert consents((reach,), parse_target("127.0.0.1:2377"))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_target_that_reads_back_or_refused(text: str) -> None:
    try:
        target = parse_target(text)
    except Invalid:
        return
    assert parse_target(str(target)) == target


@settings(deadline=None)
@given(st.ip_addresses(), PORTS)
def test_every_spelling_of_an_address_that_is_let_through_is_its_plain_one(address: object, port: int) -> None:
    assert isinstance(address, IPv4Address | IPv6Address)
    text = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    try:
        target = parse_target(text)
    except Invalid:
        return
    assert isinstance(target, TcpTarget)
    assert not target.address.is_link_local
    assert not target.address.is_multicast
    assert not target.address.is_unspecified
    assert getattr(target.address, "ipv4_mapped", None) is None


@pytest.mark.parametrize(
    "text", ["127.0.0.1:9000", "127.0.0.1:9000-9010", "192.168.1.0/24:443", "[fd12::/64]:80-90", "unix:/run/app.sock"]
)
def test_reach_is_printed_as_it_is_read(text: str) -> None:
    assert str(parse_reach(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9000",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:2-1",
        "127.0.0.1:0-1",
        "127.0.0.1:1-2-3",
        "127.0.0.1:-5",
        "192.168.1.1/24:80",
        "169.254.169.254:80",
        "0.0.0.0:80",
        "lan:80",
        "unix:x",
        "unix:/run/docker.sock",
        "127.0.0.1:2375",
        "[::1]:2376",
        "[2001::1]:80",
        "[::192.168.1.5]:80",
    ],
)
def test_what_is_no_reach(text: str) -> None:
    with pytest.raises(Invalid):
        parse_reach(text)


def test_nothing_is_consented_to_by_default() -> None:
    assert not consents((), parse_target("127.0.0.1:80"))
    assert not consents((), UnixTarget("/run/app.sock"))


@pytest.mark.parametrize("text", ["10.85.1.1:9000", "10.85.1.0:2085", "10.85.0.1:2086"])
def test_nobody_lends_the_mesh_out_however_wide_its_reach(text: str) -> None:
    reach = (parse_reach("10.0.0.0/8:1-65535"),)
    assert consents(reach, parse_target("10.86.1.1:9000"), ip_network("10.85.0.0/16"))
    assert not consents(reach, parse_target(text), ip_network("10.85.0.0/16"))
    assert consents(reach, parse_target("10.85.1.1:9000"), ip_network("fd12::/64"))


@settings(deadline=None)
@given(LAN, PORTS, PORTS, PORTS)
def test_consent_is_inside_both_prefix_and_ports(address: IPv4Address, port: int, low: int, high: int) -> None:
    low, high = sorted((low, high))
    reach = (parse_reach(f"192.168.0.0/24:{low}-{high}"),)
    inside = str(address).startswith("192.168.0.") and low <= port <= high
    assert consents(reach, TcpTarget(address, port)) is inside


def test_families_and_kinds_do_not_mix() -> None:
    reach = (parse_reach("0.0.0.0/0:1-65535"),)
    assert not consents(reach, parse_target("[::1]:80"))
    assert not consents(reach, UnixTarget("/run/app.sock"))
    assert not consents((parse_reach("unix:/run/app.sock"),), UnixTarget("/run/app.sock2"))


def test_a_wide_reach_does_not_open_what_is_never_published() -> None:
    """The reach covers it; a target for it cannot be made."""
    assert parse_reach("0.0.0.0/0:80")
    with pytest.raises(Invalid):
        parse_target("169.254.169.254:80")
