"""What doctor makes of the networks around a host, of Docker, of other VPNs and firewalls."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from gridwire.core.addressing import Clash
from gridwire.core.doctor.surroundings import (
    Barrier,
    Docker,
    EndpointSeen,
    Forwarding,
    Interface,
    NameSeen,
    Published,
    Surroundings,
    judge_surroundings,
    parse_dnat,
    parse_docker_proxy,
)
from gridwire.core.observed import Known, Unknown


def link(name: str, kind: str = "", **more: Any) -> Interface:
    given = {"master": "", "mtu": 1500, "physical": not kind, "default_route": False, **more}
    return Interface(name=name, kind=kind, **given)


WAY_OUT = link("eth0", default_route=True)
WELL = Surroundings(
    mesh="gw0",
    called=True,
    addresses=(("eth0", ip_interface("203.0.113.7/24")),),
    clashes=(),
    interfaces=(WAY_OUT, link("gw0", "wireguard", mtu=1420)),
    forwarding=Forwarding(ipv4=False, ipv6=False, packets=0),
    docker=Docker(running=False, published=Known(())),
    programs=(),
    barriers=Known(()),
    name=Known(None),
    endpoint=None,
    route_localnet=(),
)
FORWARDS = Forwarding(ipv4=True, ipv6=False, packets=1234)
WEB = Published(address=ip_address("0.0.0.0"), port=8080, protocol="tcp", to="172.17.0.2:80", proxied=True)


def ids(seen: Surroundings) -> list[str]:
    return [finding.id for finding in judge_surroundings(seen)]


def test_a_plain_host_has_no_finding() -> None:
    assert ids(WELL) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"clashes": (Clash("address 10.85.0.9/24 of eth0", "another"),)}, ["prefix-clash"]),
        ({"addresses": (("eth0", ip_interface("100.71.2.3/24")),)}, ["behind-cgnat"]),
        ({"addresses": (("eth0", ip_interface("100.71.2.3/24")),), "called": False}, []),
        ({"addresses": (("tailscale0", ip_interface("100.71.2.3/32")),)}, []),
        ({"forwarding": FORWARDS}, ["routed"]),
        ({"forwarding": replace(FORWARDS, packets=0)}, []),
        ({"forwarding": FORWARDS, "docker": Docker(running=True, published=Known(()))}, ["docker-forwarding"]),
        ({"interfaces": (link("br0", "bridge", default_route=True), link("eth0", master="br0"))}, ["bridged"]),
        (
            {"interfaces": (WAY_OUT, link("virbr0", "bridge"), link("vnet0", "tun", master="virbr0"))},
            ["bridged", "other-vpn"],
        ),
        ({"interfaces": (WAY_OUT, link("docker0", "bridge"), link("veth1a2b3c4", "veth", master="docker0"))}, []),
        ({"interfaces": (WAY_OUT, link("vmbr1", "bridge"), link("veth100i0", "veth", master="vmbr1"))}, ["bridged"]),
        ({"programs": ("tailscaled",)}, ["other-vpn"]),
        ({"interfaces": (WAY_OUT, link("wg-home", "wireguard"))}, ["other-vpn"]),
        ({"interfaces": (WAY_OUT, link("tun0", "tun", default_route=True))}, ["other-vpn", "vpn-default-route"]),
        ({"interfaces": (link("eth0", default_route=True, mtu=1479),)}, ["link-mtu"]),
        ({"interfaces": (link("eth0", default_route=True, mtu=1480),)}, []),
        (
            {"barriers": Known((Barrier(firewall="ufw", drops=("51820/udp",), commands=("ufw allow 51820/udp",)),))},
            ["firewall"],
        ),
        ({"barriers": Unknown("only root")}, []),
        ({"name": Known(NameSeen(ok=False, stripped=True, what="stripped", fix=""))}, ["resolver-strips"]),
        ({"name": Known(NameSeen(ok=False, stripped=False, what="absent", fix=""))}, ["name-unresolved"]),
        ({"name": Known(NameSeen(ok=True, stripped=False, what="", fix=""))}, []),
        (
            {"endpoint": EndpointSeen(endpoint="gw.example.com:51820", addresses=(), here=False)},
            ["endpoint-unresolved"],
        ),
        (
            {"endpoint": EndpointSeen(endpoint="gw:1", addresses=(ip_address("192.0.2.1"),), here=False)},
            ["endpoint-not-here"],
        ),
        ({"endpoint": EndpointSeen(endpoint="gw:1", addresses=(ip_address("203.0.113.7"),), here=True)}, []),
        ({"route_localnet": ("docker0",)}, ["route-localnet"]),
        ({"docker": Docker(running=True, published=Known((WEB,)))}, ["docker-published", "docker-proxy"]),
        ({"docker": Docker(running=True, published=Known((replace(WEB, proxied=False),)))}, ["docker-published"]),
        (
            {"docker": Docker(running=True, published=Known((replace(WEB, address=ip_address("127.0.0.1")),)))},
            ["docker-proxy"],
        ),
        ({"docker": Docker(running=True, published=Unknown("only root"))}, []),
    ],
    ids=str,
)
def test_each_has_its_finding(changed: dict[str, Any], found: list[str]) -> None:
    assert ids(replace(WELL, **changed)) == found


def test_a_docker_proxys_command_line_names_the_port_and_where_it_leads() -> None:
    words = (
        "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80"
    )
    assert parse_docker_proxy(tuple(words.split())) == WEB
    assert parse_docker_proxy(("/usr/bin/docker-proxy", "-help")) is None


def test_dockers_rules_name_the_ports_that_have_no_proxy() -> None:
    listing = """-N DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A DOCKER -d 127.0.0.1/32 ! -i docker0 -p udp -m udp --dport 53 -j DNAT --to-destination 172.17.0.3:53
"""
    web, dns = parse_dnat(listing)
    assert web == replace(WEB, proxied=False)
    assert (str(dns.address), dns.port, dns.protocol) == ("127.0.0.1", 53, "udp")
