"""What init finds out: ports that others hold, endpoints, and how both are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Literal

import pytest

from gridwire.cli import words
from gridwire.cli.survey import endpoint_line, free_ports, wireguard_go
from gridwire.core.errors import Conflict, Invalid
from gridwire.core.health import Health
from gridwire.core.listening import Listening
from gridwire.core.names import NodeName
from gridwire.core.settings import NodeSettings, PortSettings, Settings
from gridwire.protocol.api import EndpointView

MESH = ip_address("10.85.0.1")
WANTED = Settings(node=NodeSettings(name=NodeName("gw")), endpoint="gw.example.com:51820")


def listening(address: str, port: int, *, protocol: Literal["tcp", "udp"] = "tcp") -> Listening:
    return Listening(protocol=protocol, address=ip_address(address), port=port, pid=7, process="docker-proxy")


def test_free_ports_stay_as_they_are() -> None:
    assert free_ports(WANTED, MESH, [listening("192.0.2.1", 80), listening("127.0.0.1", 2086)]) == (WANTED, ())


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.85.0.1"])
def test_a_port_that_is_held_gets_another_and_its_holder_is_named(address: str) -> None:
    settings, held = free_ports(WANTED, MESH, [listening(address, 80), listening("0.0.0.0", 8080)])
    assert settings.network.ports == PortSettings(routes=8081)
    assert held == (("routes", 80, f"docker-proxy on {address}", 8081),)


def test_two_of_ours_never_get_the_same_port() -> None:
    ports = PortSettings(routes=80, api=2186, enrol=2087)
    wanted = replace(WANTED, network=replace(WANTED.network, ports=ports))
    settings, _ = free_ports(wanted, MESH, [listening("0.0.0.0", 2087), listening("0.0.0.0", 2186)])
    chosen = settings.network.ports
    assert len({chosen.routes, chosen.api, chosen.enrol}) == 3


def test_where_all_are_held_it_is_refused() -> None:
    with pytest.raises(Conflict, match="docker-proxy"):
        free_ports(WANTED, MESH, [listening("0.0.0.0", port) for port in (80, 8080, 8081, 8880)])


def test_udp_sockets_hold_no_tcp_port() -> None:
    assert free_ports(WANTED, MESH, [listening("0.0.0.0", 80, protocol="udp")])[1] == ()


@pytest.mark.parametrize(
    ("endpoint", "own", "ok", "said"),
    [
        ("203.0.113.7:51820", ("203.0.113.7",), True, "this host ✓"),
        ("203.0.113.7:51820", ("192.168.1.2",), False, "forward this UDP port"),
        ("localhost:51820", ("127.0.0.1", "::1"), True, "→ "),
        ("no-such-name.invalid:51820", ("192.168.1.2",), False, "does not resolve"),
    ],
)
def test_an_endpoint_is_told_to_lead_here_or_not(endpoint: str, own: tuple[str, ...], ok: bool, said: str) -> None:
    found, line = endpoint_line(endpoint, tuple(map(ip_address, own)))
    assert found is ok
    assert said in line


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("7d", 604_800)])
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert words.seconds_of(text, "ttl") == seconds


@pytest.mark.parametrize("text", ["", "h", "1", "0h", "-1h", "1.5h", "1 h", "1w", "²h", "99999999h"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(Invalid):
        words.seconds_of(text, "ttl")


def test_times_read_as_a_person_says_them() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert words.ago(None, now) == "never"
    assert words.ago(now - timedelta(seconds=5), now) == "5 s ago"
    assert words.ago(now - timedelta(hours=49), now) == "2 d ago"
    assert words.ago(now + timedelta(seconds=3), now) == "0 s ago"
    assert words.lasting(timedelta(seconds=3599.6)) == "60 minutes"


def test_endpoints_read_as_in_the_readme() -> None:
    up = EndpointView(node=NodeName("home-1"), health=Health.UP)
    checking = EndpointView(node=NodeName("home-2"), health=Health.CHECKING)
    assert words.endpoint_list((up, checking)) == "2 endpoints (home-1 ✓, home-2 checking)"
    assert words.endpoint_list((up,)) == "1 endpoint (home-1 ✓)"
    assert words.endpoint_list(()) == "no endpoint yet"


def test_an_endpoint_under_the_routes_wildcard_needs_a_record_of_its_own() -> None:
    found, line = endpoint_line("localhost:51820", (ip_address("192.0.2.1"),), ip_address("127.0.0.1"))
    assert not found
    assert "a record of its own" in line
    assert "forward" not in line


@pytest.mark.parametrize("path", ["/nonexistent/wireguard-go", "/bin/true", "/bin/false", "wireguard-go"])
def test_what_is_no_wireguard_go_is_refused_with_its_option(path: str) -> None:
    with pytest.raises(Invalid) as caught:
        wireguard_go(path)
    assert caught.value.field == "--wireguard-go"


@pytest.mark.parametrize(
    ("health", "reason", "said"),
    [
        (Health.DOWN, "connection refused", "✗ connection refused"),
        (Health.UP, "drained", "✓ drained"),
        (Health.UNKNOWN, "its tunnel is down", "unknown: its tunnel is down"),
        (Health.REFUSED, "it does not allow 127.0.0.1:9000", "refused"),
        (Health.CHECKING, "", "checking"),
    ],
)
def test_why_an_endpoint_is_as_it_is_is_told(health: Health, reason: str, said: str) -> None:
    endpoint = EndpointView(node=NodeName("web"), health=health, reason=reason)
    assert words.endpoint_list((endpoint,)) == f"1 endpoint (web {said})"
