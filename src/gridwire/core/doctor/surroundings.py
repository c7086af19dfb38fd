"""The networks around the host: what clashes, what forwards, what filters, and what Docker and other VPNs did."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from itertools import pairwise

from gridwire.core.addressing import SHARED, Address, Clash, HostAddress
from gridwire.core.doctor.kinds import found
from gridwire.core.doctor.machine import Seen
from gridwire.core.observed import Known
from gridwire.core.perimeter import Finding
from gridwire.core.wireguard import DEFAULT_MTU

OUTER_BYTES = 60  # IPv4 20, UDP 8, WireGuard 32: what a full inner packet grows by
# Of libvirt, QEMU and Proxmox; Docker's are veth and seven hexadecimal digits.
_GUESTS = re.compile(r"vnet\d+|tap.*|fwpr\d+.*|veth\d+i\d+")
_ANY = str(IPv4Address(0))
VPN_PROGRAMS = {
    "tailscaled": "Tailscale",
    "zerotier-one": "ZeroTier",
    "openvpn": "OpenVPN",
    "netbird": "NetBird",
    "nebula": "Nebula",
    "warp-svc": "Cloudflare WARP",
    "charon": "strongSwan",
    "charon-systemd": "strongSwan",
    "nordvpnd": "NordVPN",
    "mullvad-daemon": "Mullvad",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """``kind``: of rtnetlink, empty for a physical one; ``physical``: a device of the hardware's stands behind it."""

    name: str
    kind: str
    master: str
    mtu: int
    physical: bool
    default_route: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """``packets``: that this host passed on from one network to another since boot."""

    ipv4: bool
    ipv6: bool
    packets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A port that Docker publishes: ``proxied`` where its userland proxy holds it, else by rules of DNAT alone."""

    address: Address
    port: int
    protocol: str
    to: str
    proxied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """``published`` may be unknown while Docker runs: its rules are for root."""

    running: bool
    published: Seen[tuple[Published, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """A firewall in the way: what it drops, and the commands that open exactly that."""

    firewall: str
    drops: tuple[str, ...]
    commands: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameSeen:
    """What this host's resolver says of routes' names. ``stripped``: the name is there, its private address is not."""

    ok: bool
    stripped: bool
    what: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSeen:
    """A gateway's own endpoint. ``addresses``: that its host resolves to here; ``here``: one of them is this host's."""

    endpoint: str
    addresses: tuple[Address, ...]
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """``mesh``: the interface of this node, or the one that a node would have. ``called``: others call this host, so
    that it must be reachable. ``mtu``: of the mesh interface."""

    mesh: str
    mtu: int = DEFAULT_MTU
    called: bool
    addresses: tuple[tuple[str, HostAddress], ...]
    clashes: tuple[Clash, ...]
    interfaces: tuple[Interface, ...]
    forwarding: Forwarding
    docker: Docker
    programs: tuple[str, ...]
    barriers: Seen[tuple[Barrier, ...]]
    name: Seen[NameSeen | None]
    endpoint: EndpointSeen | None
    route_localnet: tuple[str, ...]


def judge_surroundings(seen: Surroundings) -> tuple[Finding, ...]:
    return (
        *_addresses(seen),
        *_through(seen),
        *_docker(seen),
        *_vpns(seen),
        *_links(seen),
        *_barriers(seen),
        *_names(seen),
        *_localnet(seen),
    )


def _addresses(seen: Surroundings) -> Iterable[Finding]:
    for clash in seen.clashes:
        yield found("prefix-clash", f"the mesh's addresses clash with {clash.with_what}", fix=clash.fix)
    carrier = [
        f"{address.ip} of {name}"
        for name, address in seen.addresses
        if address.version == 4 and address.ip in SHARED and not name.startswith("tailscale") and name != seen.mesh
    ]
    if carrier and seen.called:
        yield found(
            "behind-cgnat",
            "the provider gives this host an address behind its own NAT: nobody can call a gateway here",
            evidence=", ".join(carrier),
            fix="make the gateway on a host with a public address, and let this one be an edge, which only calls",
        )
    where = seen.endpoint
    if where is not None and not where.addresses:
        yield found(
            "endpoint-unresolved",
            f"{where.endpoint} does not resolve here",
            fix="create its record, and see /etc/resolv.conf",
        )
    elif where is not None and not where.here:
        led = ", ".join(map(str, where.addresses))
        yield found(
            "endpoint-not-here",
            f"nodes call {where.endpoint}, and that is no address of this host",
            evidence=f"it leads to {led}; this host has {_own(seen)}",
            fix="forward that UDP port to this host; if it moved: a new `endpoint` in its settings, and a restart",
        )


def _own(seen: Surroundings) -> str:
    plain = [str(a.ip) for name, a in seen.addresses if name not in ("lo", seen.mesh) and not a.ip.is_link_local]
    return ", ".join(plain) or "none"


def _through(seen: Surroundings) -> Iterable[Finding]:
    bridges = {one.name for one in seen.interfaces if one.kind == "bridge"}
    guests = [
        f"{one.name} in {one.master}"
        for one in seen.interfaces
        if one.master in bridges and (one.physical or _GUESTS.fullmatch(one.name))
    ]
    if guests:
        yield found(
            "bridged",
            "other machines' traffic is bridged through this host, which the host's rules do not see",
            evidence=", ".join(guests),
            fix="run gridwire in a guest of its own, or on a host that bridges for nobody",
        )
    forwards = seen.forwarding
    if (forwards.ipv4 or forwards.ipv6) and forwards.packets and not seen.docker.running and not guests:
        yield found(
            "routed",
            "this host forwards other machines' traffic: gridwire adds no address translation and no forwarding to it",
            evidence=f"{forwards.packets} packets forwarded since boot",
            fix="run gridwire behind it; where the router has to be the gateway, only its own forwarding stays",
        )


def _docker(seen: Surroundings) -> Iterable[Finding]:
    docker = seen.docker
    published = docker.published.value if isinstance(docker.published, Known) else ()
    for one in published:
        if one.address.is_loopback:
            continue
        yield found(
            "docker-published",
            f"Docker publishes {one.port}/{one.protocol} on {_every(one.address)}, past ufw and other input rules",
            evidence=f"→ {one.to}, by {'docker-proxy and DNAT' if one.proxied else 'DNAT'}",
            fix=f"publish it as 127.0.0.1:{one.port}, or run that container with `network_mode: host` on 127.0.0.1",
        )
    proxied = [one for one in published if one.proxied]
    if proxied:
        yield found(
            "docker-proxy",
            "Docker's userland proxy copies every byte of same-host traffic to published ports",
            evidence=f"{len(proxied)} docker-proxy processes; measured: 4.9 to 6.1 k requests/s, host 15.5 to 18.6",
            fix='move the service to the host\'s network, or "userland-proxy": false in /etc/docker/daemon.json',
        )
    if docker.running and seen.forwarding.ipv4:
        yield found(
            "docker-forwarding",
            "Docker has turned ip_forward on: packets are passed on, and gridwire's guard keeps the mesh out of that",
            evidence=f"net.ipv4.ip_forward = 1, {seen.forwarding.packets} packets forwarded since boot",
        )


def _every(address: Address) -> str:
    return "every address" if address.is_unspecified else str(address)


def _vpns(seen: Surroundings) -> Iterable[Finding]:
    names = {VPN_PROGRAMS[program] for program in seen.programs if program in VPN_PROGRAMS}
    devices = [one for one in seen.interfaces if one.name != seen.mesh and is_tunnel(one)]
    if names or devices:
        shown = ", ".join(one.name for one in devices)
        yield found(
            "other-vpn",
            f"another VPN is here: {', '.join(sorted(names)) or shown}",
            evidence=f"interfaces {shown}" if shown else "no interface of it is up",
            fix="nothing, while its addresses and routes are apart from the mesh's",
        )
    for one in devices:
        if one.default_route:
            yield found(
                "vpn-default-route",
                f"all traffic leaves by {one.name}: WireGuard's own packets would go through that tunnel, too",
                evidence=f"default route by {one.name}",
                fix="keep the gateway's endpoint out of it (wg-quick: AllowedIPs; OpenVPN: route … net_gateway)",
            )


def is_tunnel(interface: Interface) -> bool:
    named = ("tailscale", "zt", "wg", "tun", "utun", "nebula", "nordlynx", "CloudflareWARP", "ppp", "wt")
    return interface.kind in ("wireguard", "tun") or (not interface.physical and interface.name.startswith(named))


def _links(seen: Surroundings) -> Iterable[Finding]:
    for one in seen.interfaces:
        if one.default_route and not is_tunnel(one) and one.mtu < seen.mtu + OUTER_BYTES:
            yield found(
                "link-mtu",
                f"{one.name} carries {one.mtu} bytes, and a full packet of the mesh needs {seen.mtu + OUTER_BYTES}",
                evidence=f"mtu {one.mtu} of {one.name}, {seen.mtu} of the mesh",
                fix="raise it if the link can; else WireGuard's packets are cut in pieces, which some networks drop",
            )


def _barriers(seen: Surroundings) -> Iterable[Finding]:
    for one in seen.barriers.value if isinstance(seen.barriers, Known) else ():
        yield found(
            "firewall",
            f"{one.firewall} drops {' and '.join(one.drops)}",
            evidence="as its own rules say",
            fix="\n".join((*one.commands, *filter(None, (one.note,)))),
        )


def _names(seen: Surroundings) -> Iterable[Finding]:
    name = seen.name.value if isinstance(seen.name, Known) else None
    if name is not None and not name.ok:
        yield found("resolver-strips" if name.stripped else "name-unresolved", name.what, fix=name.fix)


def _localnet(seen: Surroundings) -> Iterable[Finding]:
    if seen.route_localnet:
        yield found(
            "route-localnet",
            f"route_localnet is on for {', '.join(seen.route_localnet)}: without the guard, 127.0.0.1 is open there",
            fix="set net.ipv4.conf.NAME.route_localnet to 0 unless whoever set it needs it",
        )


def parse_docker_proxy(words: tuple[str, ...]) -> Published | None:
    """The command line of a docker-proxy; none for any other."""
    given = {key.lstrip("-"): value for key, value in pairwise(words) if key.startswith("-")}
    try:
        return Published(
            address=ip_address(given["host-ip"]),
            port=int(given["host-port"]),
            protocol=given["proto"],
            to=f"{given['container-ip']}:{given['container-port']}",
            proxied=True,
        )
    except (KeyError, ValueError):
        return None


def parse_dnat(listing: str) -> tuple[Published, ...]:
    """`iptables -t nat -S DOCKER`: the ports that it sends to containers."""
    rules = [line.split() for line in listing.splitlines() if " -j DNAT " in f"{line} "]
    return tuple(one for one in map(_dnat, rules) if one is not None)


def _dnat(rule: list[str]) -> Published | None:
    given = {key: value for key, value in pairwise(rule) if key.startswith("-")}
    try:
        return Published(
            address=ip_address(given.get("-d", _ANY).partition("/")[0]),
            port=int(given["--dport"]),
            protocol=given["-p"],
            to=given["--to-destination"],
            proxied=False,
        )
    except (KeyError, ValueError):
        return None
