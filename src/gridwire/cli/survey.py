"""What `gridwire init` finds out before it changes anything. Reads the host; decides which ports are free."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from gridwire.core.addressing import Address, Clash, clashes, next_address
from gridwire.core.errors import Conflict, Invalid, Unavailable
from gridwire.core.listening import Listening
from gridwire.core.settings import PortSettings, Settings, endpoint_host

if TYPE_CHECKING:
    from gridwire.adapters.resolver import NameCheck

_INSTEAD = {
    "routes": (8080, 8081, 8880),
    "api": (2186, 2286, 2386),
    "enrol": (2187, 2287, 2387),
    "tls": (8443, 8444, 9443),
    "panel": (2543, 2643, 2743),
}
_PROGRAMS = (  # program, package, whether only gateways and edges need it
    ("nginx", "nginx libnginx-mod-http-lua lua-resty-core lua-cjson", True),
    ("wg", "wireguard-tools", False),
    ("nft", "nftables", False),
    ("ss", "iproute2", False),
)
_OF_WIREGUARD = "wg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """``held``: (port's name, port, who holds it, what is taken instead)."""

    settings: Settings
    address: Address
    endpoint_says: str
    endpoint_ok: bool
    clashes: tuple[Clash, ...]
    names: NameCheck | None
    held: tuple[tuple[str, int, str, int], ...]
    missing: tuple[tuple[str, str], ...]


def survey(wanted: Settings) -> Survey:
    """``wanted`` with the ports that are free; raise Conflict where WireGuard's own port is taken."""
    from gridwire.adapters.resolver import check_wildcard
    from gridwire.adapters.sockets import listening
    from gridwire.adapters.wireguard import read_host_networks

    networks = read_host_networks()
    address, _ = next_address(wanted.network.prefix, gateway=True, given=0)
    sockets = listening()
    _check_udp(wanted, sockets)
    settings, held = free_ports(wanted, address, sockets)
    own = tuple(interface.ip for _, interface in networks.addresses)
    ok, says = endpoint_line(settings.endpoint or "", own, address)
    return Survey(
        settings=settings,
        address=address,
        endpoint_says=says,
        endpoint_ok=ok,
        clashes=clashes(
            settings.network.prefix,
            interface=settings.network.interface,
            addresses=networks.addresses,
            routes=networks.routes,
            tailscale=networks.tailscale,
        ),
        names=None if settings.domain is None else check_wildcard(settings.domain, address),
        held=held,
        missing=missing_programs(proxy=True),
    )


def default_endpoint() -> str:
    """Where this host seems to be; raise Invalid where that cannot be told."""
    from gridwire.adapters.resolver import own_address

    address = own_address()
    if address is None:
        raise Invalid("--endpoint", "this host has no default route, so its address is not known", fix="give it")
    return f"[{address}]" if address.version == 6 else str(address)


def endpoint_line(endpoint: str, own: tuple[Address, ...], mesh: Address | None = None) -> tuple[bool, str]:
    """Whether the endpoint leads to this host, and what to say of it. ``mesh``: this gateway's mesh address."""
    from gridwire.adapters.resolver import look_up

    host = endpoint_host(endpoint)
    shown = f"{endpoint}/udp"
    try:
        literal = ip_address(host)
    except ValueError:
        literal = None
    if literal is not None:
        where = "this host ✓" if literal in own else "not an address of this host: forward this UDP port to it"
        return literal in own, f"{shown}, {where}   (a name survives a move)"
    looked = look_up(host)
    if looked.outcome != "found":
        return False, f"{shown} → {host} does not resolve here: create its record before you invite"
    seen = ", ".join(map(str, looked.addresses))
    if mesh in looked.addresses:
        return False, (
            f"{shown} → {mesh}, which only nodes reach that are on the mesh already (the wildcard of the routes?): "
            f"give {host} a record of its own, with this host's public address"
        )
    if any(address in own for address in looked.addresses):
        return True, f"{shown} → {seen}, this host ✓"
    return False, f"{shown} → {seen}, not an address of this host: forward this UDP port to it"


def free_ports(
    wanted: Settings, address: Address, sockets: Iterable[Listening]
) -> tuple[Settings, tuple[tuple[str, int, str, int], ...]]:
    """The settings with ports that nobody holds on the mesh address, and what was changed. Pure."""
    taken = {
        one.port: f"{one.process or 'another process'} on {one.address}"
        for one in sockets
        if one.protocol == "tcp" and (one.address.is_unspecified or one.address == address)
    }
    ports = wanted.network.ports
    held: list[tuple[str, int, str, int]] = []
    for name, others in _INSTEAD.items():
        port = getattr(ports, name)
        if port not in taken:
            continue
        used = {getattr(ports, other) for other in _INSTEAD}
        free = next((other for other in others if other not in taken and other not in used), None)
        if free is None:
            raise Conflict(f"port {port} is held by {taken[port]}, and so are {others}", fix="free one of them")
        held.append((name, port, taken[port], free))
        ports = _with_port(ports, name, free)
    return replace(wanted, network=replace(wanted.network, ports=ports)), tuple(held)


def missing_programs(*, proxy: bool, wireguard: bool = True) -> tuple[tuple[str, str], ...]:
    """(program, Debian package) of what a node needs and this host has not. ``wireguard``: gridwire makes the mesh."""
    needed = [one for one in _PROGRAMS if (proxy or not one[2]) and (wireguard or one[0] != _OF_WIREGUARD)]
    return tuple((program, package) for program, package, _ in needed if not shutil.which(program))


def check_programs(missing: tuple[tuple[str, str], ...], *, proxy: bool) -> None:
    """Raise Unavailable with the one command that installs them; ``proxy``: nginx has to be new and whole, too."""
    if missing:
        programs = ", ".join(program for program, _ in missing)
        packages = " ".join(dict.fromkeys(package for _, package in missing))
        raise Unavailable(f"{programs} {'is' if len(missing) == 1 else 'are'} missing", fix=f"apt install {packages}")
    if proxy:
        from gridwire.adapters.nginx import find_nginx

        find_nginx()


def wireguard_go(path: str) -> str:
    """The path, where it is a wireguard-go; raise Invalid."""
    from gridwire.adapters.wireguard import version_of

    if not Path(path).is_absolute():
        raise Invalid("--wireguard-go", f"{path} is not an absolute path", fix="write it from / on")
    try:
        said = version_of(path)
    except Unavailable as error:
        raise Invalid("--wireguard-go", error.what, fix="give the path of a wireguard-go, or leave it out") from None
    if "wireguard" not in said.lower():
        raise Invalid("--wireguard-go", f"{path} says that it is {said}", fix="give the path of a wireguard-go")
    return path


def check_wireguard(settings: Settings) -> None:
    """Raise Unavailable where neither the kernel nor a wireguard-go can make a device."""
    from gridwire.adapters.wireguard import select

    select(settings.mesh.wireguard_go)


def _with_port(ports: PortSettings, name: str, port: int) -> PortSettings:
    return replace(ports, **{name: port})


def _check_udp(wanted: Settings, sockets: Iterable[Listening]) -> None:
    port = int((wanted.endpoint or ":0").rpartition(":")[2])
    for one in sockets:
        if one.protocol == "udp" and one.port == port and one.process not in ("wireguard-go", ""):
            raise Conflict(
                f"UDP port {port} is held by {one.process} on {one.address}",
                fix=f"stop it, or give another port: --endpoint {endpoint_host(wanted.endpoint or '')}:51821",
                code="port-taken",
            )
