"""Programs that listen on every address: each named once, with where it is told to keep to one."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gridwire.core.doctor.listeners import fix_of, judge_listeners
from gridwire.core.listening import Listening, Protocol
from gridwire.core.perimeter import Finding

MESH = ip_address("10.85.0.1")
NEEDED: set[tuple[Protocol, int]] = {("tcp", 80), ("tcp", 2086), ("udp", 51820)}


def at(
    address: str, port: int, process: str = "nginx", *, pid: int | None = 7, protocol: Protocol = "tcp"
) -> Listening:
    return Listening(protocol=protocol, address=ip_address(address), port=port, pid=pid, process=process)


def judged(*listeners: Listening, own: set[int] | None = None, root: bool = True) -> tuple[Finding, ...]:
    return judge_listeners(listeners, needed=NEEDED, mesh=MESH, own=own or set(), root=root)


def ids(*listeners: Listening, own: set[int] | None = None, root: bool = True) -> list[str]:
    return [finding.id for finding in judged(*listeners, own=own, root=root)]


@pytest.mark.parametrize(
    ("listener", "found"),
    [
        (at("0.0.0.0", 8080), ["wildcard-listener"]),
        (at("127.0.0.1", 8080), []),
        (at("203.0.113.7", 8080), []),
        (at("0.0.0.0", 80), ["port-held"]),
        (at("::", 80), ["port-held"]),
        (at("10.85.0.1", 80), ["port-held"]),
        (at("203.0.113.7", 80), []),
        (at("0.0.0.0", 51820, "openvpn", protocol="udp"), ["port-held"]),
        (at("0.0.0.0", 51820, "", pid=None, protocol="udp"), []),  # the kernel's WireGuard
        (at("0.0.0.0", 22, "sshd"), ["wildcard-expected"]),
        (at("0.0.0.0", 68, "dhclient", protocol="udp"), ["wildcard-expected"]),
        (at("0.0.0.0", 22, "sshd", protocol="udp"), ["wildcard-listener"]),
    ],
    ids=str,
)
def test_each_has_its_finding(listener: Listening, found: list[str]) -> None:
    assert ids(listener) == found


def test_gridwires_own_programs_are_no_findings() -> None:
    assert ids(at("10.85.0.1", 80), at("0.0.0.0", 51820, "wireguard-go", protocol="udp"), own={7}) == []


def test_without_root_what_cannot_be_seen_is_not_taken_for_the_kernels() -> None:
    assert ids(at("0.0.0.0", 5000, "", pid=None, protocol="udp"), root=False) == ["wildcard-listener"]
    assert ids(at("10.85.0.1", 80, "", pid=None), root=False) == [], "only gridwire's own can have the mesh address"


def test_ipv4_and_ipv6_of_one_program_are_one_finding() -> None:
    (finding,) = judged(at("0.0.0.0", 5432, "postgres"), at("::", 5432, "postgres"))
    assert finding.evidence == "tcp 0.0.0.0:5432, tcp [::]:5432"
    assert finding.what.startswith("postgres (process 7) listens on every address at 5432/tcp")
    assert "listen_addresses" in finding.fix


def test_a_process_for_each_family_is_one_finding_too() -> None:
    assert ids(at("0.0.0.0", 8080, "docker-proxy", pid=7), at("::", 8080, "docker-proxy", pid=8)) == [
        "wildcard-listener"
    ]


@pytest.mark.parametrize(
    ("process", "fix"),
    [
        ("nginx", "listen 127.0.0.1:9"),
        ("nginx: master", "listen 127.0.0.1:9"),
        ("docker-proxy", "127.0.0.1:9:"),
        ("python3.11", "127.0.0.1 as its host"),
        ("redis-server", "bind 127.0.0.1"),
        ("envoy", "socket_address: {address: 127.0.0.1"),
        ("something", "bind something to 127.0.0.1"),
        ("", "ss -lntup"),
    ],
)
def test_each_program_has_a_place_where_it_is_told(process: str, fix: str) -> None:
    assert fix in fix_of(at("0.0.0.0", 9, process))
