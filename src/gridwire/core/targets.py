"""What a service may point at on an edge, and what the edge consents to: targets and reach rules.

A reach rule names one target, a range of ports, or a prefix of the edge's LAN with ports:

    127.0.0.1:9000    127.0.0.1:9000-9010    192.168.1.0/24:443    [fd12::7]:80    unix:/run/app.sock
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from gridwire.core.addressing import Address, Prefix
from gridwire.core.errors import Invalid
from gridwire.core.names import shown

_UNIX_PATH = re.compile(r"/[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_UNIX_PATH_MAX = 107  # sun_path without its NUL, unix(7)

# Sockets whose other end is root on the host, by their last or any segment or by where they lie; never reachable,
# whatever the edge says. Case is folded: it costs nobody a service.
_FORBIDDEN_SOCKETS = frozenset(
    {
        "buildkitd.sock",
        "containerd.sock",
        "containerd.sock.ttrpc",
        "control.sock",
        "cri-dockerd.sock",
        "crio.sock",
        "docker.sock",
        "dockershim.sock",
        "local.sock",
        "nri.sock",  # containerd's and CRI-O's plugins, which may change any container
        "podman.sock",
        "snapd.socket",
        "system_bus_socket",
    }
)
_FORBIDDEN_SEGMENTS = ("libvirt", "lxd", "incus", "virtqemud")  # what a segment begins with
_FORBIDDEN_PLACES = ("/run/gridwire/", "/run/wireguard/", "/run/podman/")  # podman's also serves as docker.sock
# A user's own bus and podman give that user away, who may well be the one that may sudo; systemd's is anybody's.
_FORBIDDEN_PATHS = re.compile(r".*/systemd/private|/run/user/[^/]+/(?:bus|podman/.*)")
_DOCKER_PORTS = frozenset({2375, 2376})  # Docker over TCP, without and with TLS, as its documentation has them
# Metadata services of clouds (AWS, Alibaba, Oracle, Azure, Google); 169.254/16 and fe80::/10 are link-local.
_METADATA = frozenset(
    map(
        ip_address,
        ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd20:ce::254"),
    )
)
# All that AWS has of its own in there: metadata is ::254, EKS gives credentials at ::23, DNS and time are ::253, ::123.
_AWS = IPv6Network("fd00:ec2::/32")
# IPv4 inside of IPv6, by the last 32 bits: RFC 4291 §2.5.5.1 (deprecated); RFC 6052 §2.1, RFC 8215, RFC 2765 §2.1.
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::ffff:0:0:0/96"))
_TEREDO = IPv6Network("2001::/32")  # RFC 4380: an IPv4 server's and, behind it, any IPv4 client's


@dataclass(frozen=True, slots=True)
class TcpTarget:
    address: Address
    port: int
    kind: Literal["tcp"] = "tcp"

    def __post_init__(self) -> None:
        check_target_address(self.address, "target")
        if not 1 <= self.port <= 65535:
            raise Invalid("target", f"{self.port} is not a port", fix="give one from 1 to 65535")
        _check_docker(self.address, self.port, "target")

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixTarget:
    path: str
    kind: Literal["unix"] = "unix"

    def __post_init__(self) -> None:
        check_socket_path(self.path, "target")

    def __str__(self) -> str:
        return f"unix:{self.path}"


Target = TcpTarget | UnixTarget


@dataclass(frozen=True, slots=True)
class TcpReach:
    prefix: Prefix
    first_port: int
    last_port: int
    kind: Literal["tcp"] = "tcp"

    def __post_init__(self) -> None:
        if not 1 <= self.first_port <= self.last_port <= 65535:
            raise Invalid("reach", f"{self.first_port}-{self.last_port} is not a range of ports")
        if self.prefix.prefixlen == self.prefix.max_prefixlen:
            check_target_address(self.prefix.network_address, "reach")
            if self.first_port == self.last_port:
                _check_docker(self.prefix.network_address, self.first_port, "reach")

    def __str__(self) -> str:
        single = self.prefix.prefixlen == self.prefix.max_prefixlen
        host = str(self.prefix.network_address if single else self.prefix)
        ports = str(self.first_port)
        if self.last_port != self.first_port:
            ports += f"-{self.last_port}"
        return f"[{host}]:{ports}" if self.prefix.version == 6 else f"{host}:{ports}"


@dataclass(frozen=True, slots=True)
class UnixReach:
    path: str
    kind: Literal["unix"] = "unix"

    def __post_init__(self) -> None:
        check_socket_path(self.path, "reach")

    def __str__(self) -> str:
        return f"unix:{self.path}"


Reach = TcpReach | UnixReach


def check_target_address(address: Address, field: str) -> None:
    """Refuse what no service may be: unspecified, multicast, link-local, cloud metadata, however spelt."""
    plain = _plain(address)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise Invalid(field, f"{address} names an interface", fix="give an address without %")
    if plain.is_unspecified or plain.is_multicast or plain == IPv4Address("255.255.255.255"):
        raise Invalid(field, f"{address} is no host's address", fix="give 127.0.0.1 or an address of the edge's LAN")
    if plain.is_link_local or plain in _METADATA or plain in _AWS:
        raise Invalid(field, f"{address} is link-local or a cloud's metadata service, which is never published")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        raise Invalid(field, f"{address} is IPv4 in IPv6's clothes", fix=f"write {plain}")
    if address in _COMPATIBLE and not address.is_loopback:
        raise Invalid(field, f"{address} is IPv4 in IPv6's old clothes", fix=f"write {plain}")
    if address in _TEREDO:
        raise Invalid(field, f"{address} is a way to some IPv4 host (Teredo), which is never published")


def _check_docker(address: Address, port: int, field: str) -> None:
    """On the edge itself alone: on another host it may as well be something else, and is that host's to guard."""
    if address.is_loopback and port in _DOCKER_PORTS:
        raise Invalid(field, f"port {port} is Docker's own, which gives root on the host away, and is never published")


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for: mapped, through a NAT64, or by 6to4 (RFC 3056)."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in prefix for prefix in _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def on_mesh(target: Target, prefix: Prefix) -> bool:
    """Whether a target lies on the mesh: an edge publishes its own host and LAN, and lends nobody its mesh address."""
    return isinstance(target, TcpTarget) and target.address.version == prefix.version and target.address in prefix


def check_absolute_path(path: str, field: str) -> None:
    """An absolute path of safe characters without dot segments; raise Invalid."""
    if len(path) > _UNIX_PATH_MAX or _UNIX_PATH.fullmatch(path) is None:
        raise Invalid(
            field,
            f"{shown(path)} is not a socket path",
            fix="give an absolute path of at most 107 of A-Z a-z 0-9 _ . - and /, no segment with leading '.'",
        )


def check_socket_path(path: str, field: str) -> None:
    """As check_absolute_path, and none behind which root waits; raise Invalid."""
    check_absolute_path(path, field)
    folded = path.casefold().removeprefix("/var") if path.startswith("/var/run/") else path.casefold()
    segments = folded.split("/")
    if (
        segments[-1] in _FORBIDDEN_SOCKETS
        or folded.startswith(_FORBIDDEN_PLACES)
        or _FORBIDDEN_PATHS.fullmatch(folded)
        or any(segment.startswith(_FORBIDDEN_SEGMENTS) for segment in segments)
    ):
        raise Invalid(field, f"{path} gives root on the host away, and is never published")


def parse_target(text: str, field: str = "to") -> Target:
    """``address:port``, ``[v6]:port`` or ``unix:/path`` → target; raise Invalid. Names are not resolved."""
    if text.startswith("unix:"):
        check_socket_path(text[5:], field)
        return UnixTarget(text[5:])
    host, port = _split(text, field)
    try:
        address = ip_address(host)
    except ValueError:
        raise Invalid(
            field,
            f"{shown(host)} is not an address",
            fix="give 127.0.0.1:PORT or unix:/PATH; names are never looked up",
        ) from None
    number = _port(port, field)
    check_target_address(address, field)
    _check_docker(address, number, field)
    return TcpTarget(address, number)


def parse_reach(text: str, field: str = "reach") -> Reach:
    """One entry of an edge's reach list; raise Invalid."""
    if text.startswith("unix:"):
        check_socket_path(text[5:], field)
        return UnixReach(text[5:])
    host, ports = _split(text, field)
    try:
        prefix = ip_network(host)
    except ValueError as error:
        raise Invalid(field, f"{shown(host)} is not an address or prefix ({error})") from None
    first, dash, last = ports.partition("-")
    low = _port(first, field)
    high = _port(last, field) if dash else low
    if low > high:
        raise Invalid(field, f"the range {shown(ports)} runs backwards")
    if prefix.prefixlen == prefix.max_prefixlen:
        check_target_address(prefix.network_address, field)
    return TcpReach(prefix, low, high)


def consents(reach: tuple[Reach, ...], target: Target, mesh: Prefix | None = None) -> bool:
    """Whether an edge with this reach list lets the target be published: never one on the ``mesh``."""
    if mesh is not None and on_mesh(target, mesh):
        return False
    if isinstance(target, UnixTarget):
        return any(isinstance(rule, UnixReach) and rule.path == target.path for rule in reach)
    return any(
        isinstance(rule, TcpReach)
        and rule.prefix.version == target.address.version
        and target.address in rule.prefix
        and rule.first_port <= target.port <= rule.last_port
        for rule in reach
    )


def check_not_mesh(reach: tuple[Reach, ...], mesh: Prefix, field: str = "reach") -> None:
    """Raise Invalid for a rule that lies on the mesh: nothing there is ever consented to."""
    for rule in reach:
        if isinstance(rule, TcpReach) and rule.prefix.version == mesh.version and rule.prefix.subnet_of(mesh):  # type: ignore[arg-type]  # of one version
            raise Invalid(
                field,
                f"{rule} is on the mesh {mesh}: an edge publishes its own host and LAN",
                fix=f"give 127.0.0.1:{rule.first_port}",
            )


def _split(text: str, field: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]:")
        ok = bool(bracket)
    else:
        host, colon, port = text.rpartition(":")
        ok = bool(colon) and ":" not in host
    if not ok or not host:
        raise Invalid(
            field,
            f"{shown(text)} is not address:port",
            fix="write 127.0.0.1:9000, [fd12::7]:80 or unix:/PATH",
        )
    return host, port


def _port(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise Invalid(field, f"{shown(text)} is not a port", fix="give one from 1 to 65535")
    return int(text)
