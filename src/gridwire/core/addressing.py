"""Mesh prefixes, how they are laid out, who gets which address, and what they clash with.

Layout, for a prefix with ``h`` host bits (IPv4 /8 to /26, IPv6 ULA /48 to /120):

    first 2^min(8, max(4, h-8)) addresses   gateways   (offset 0 is never used)
    all the rest                            nodes      (the last address of an IPv4 prefix is never used)

    10.85.0.0/16   gateways 10.85.0.1 - 10.85.0.255    nodes 10.85.1.0 - 10.85.255.254
    10.85.0.0/24   gateways 10.85.0.1 - 10.85.0.15     nodes 10.85.0.16 - 10.85.0.254
    10.85.0.0/26   gateways 10.85.0.1 - 10.85.0.15     nodes 10.85.0.16 - 10.85.0.62

An address is given once, ever: TCP streams of a revoked node outlive it, and would be delivered to whoever
held its address next (measured: 1,932 bytes). So the store keeps the next free offset, not a free list.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_network,
)

from gridwire.core.errors import Conflict, Invalid
from gridwire.core.names import shown

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network
HostAddress = IPv4Interface | IPv6Interface

DEFAULT_PREFIX = IPv4Network("10.85.0.0/16")
SHARED = IPv4Network("100.64.0.0/10")  # RFC 6598: carrier-grade NAT, and Tailscale's range
_PRIVATE = tuple(ip_network(p) for p in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))  # RFC 1918
_ULA = IPv6Network("fc00::/7")  # RFC 4193


@dataclass(frozen=True, slots=True)
class Layout:
    """Offsets into a prefix: gateways ``1 .. nodes_from - 1``, nodes ``nodes_from .. last``."""

    nodes_from: int
    last: int


@dataclass(frozen=True, slots=True)
class Clash:
    """Something of the host's, or of the path's, that overlaps the mesh prefix, and what to do."""

    with_what: str
    fix: str


def mesh_prefix(text: str, *, shared_on_request: bool = False, field: str = "network.prefix") -> Prefix:
    """Parse and judge a mesh prefix; raise Invalid for one that is public, too short a pool, or has host bits."""
    try:
        prefix = ip_network(text)
    except ValueError as error:
        raise Invalid(field, f"{shown(text)} is not a prefix ({error})", fix="write it like 10.85.0.0/16") from None
    check_prefix(prefix, shared_on_request=shared_on_request, field=field)
    return prefix


def check_prefix(prefix: Prefix, *, shared_on_request: bool = False, field: str = "network.prefix") -> None:
    if isinstance(prefix, IPv4Network):
        if prefix.subnet_of(SHARED):
            if not shared_on_request:
                raise Invalid(
                    field,
                    f"{prefix} lies in 100.64.0.0/10, which Tailscale and carrier-grade NAT use",
                    fix="take another, or say network.shared_address_space: true where neither is found",
                )
        elif not any(prefix.subnet_of(p) for p in _PRIVATE if isinstance(p, IPv4Network)):
            raise Invalid(field, f"{prefix} is not private", fix="take one of RFC 1918, like 10.85.0.0/16")
        shortest, longest = 8, 26
    else:
        if not prefix.subnet_of(_ULA):
            raise Invalid(field, f"{prefix} is not a unique local prefix", fix="take one of fd00::/8 (RFC 4193)")
        shortest, longest = 48, 120
    if not shortest <= prefix.prefixlen <= longest:
        raise Invalid(
            field,
            f"{prefix} has room for the wrong number of nodes, and no address is ever given twice",
            fix=f"take a prefix length from /{shortest} to /{longest}",
        )


def in_any(address: Address, prefixes: tuple[Prefix, ...]) -> bool:
    return any(address.version == prefix.version and address in prefix for prefix in prefixes)


def layout(prefix: Prefix) -> Layout:
    host_bits = prefix.max_prefixlen - prefix.prefixlen
    nodes_from = 1 << min(8, max(4, host_bits - 8))
    last = prefix.num_addresses - (2 if prefix.version == 4 else 1)
    return Layout(nodes_from=nodes_from, last=last)


def address_at(prefix: Prefix, offset: int) -> Address:
    return prefix.network_address + offset


def next_address(prefix: Prefix, *, gateway: bool, given: int) -> tuple[Address, int]:
    """The next address of a kind and the number given after it.

    ``given`` counts the addresses of that kind ever given; raise Conflict where none is left.
    """
    plan = layout(prefix)
    offset = (1 if gateway else plan.nodes_from) + given
    if offset > (plan.nodes_from - 1 if gateway else plan.last):
        kind = "gateways" if gateway else "nodes"
        raise Conflict(
            f"{prefix} has no address left for {kind}: {given} were given, and none is given twice",
            fix="make a new grid with a shorter prefix length and move the nodes there",
        )
    return address_at(prefix, offset), given + 1


def clashes(
    prefix: Prefix,
    *,
    interface: str,
    addresses: tuple[tuple[str, HostAddress], ...],
    routes: tuple[tuple[str, Prefix], ...],
    tailscale: bool,
) -> tuple[Clash, ...]:
    """What of the host overlaps ``prefix``.

    ``addresses`` and ``routes`` are (interface, value) pairs as the kernel lists them; those of ``interface``
    itself (the mesh) and default routes do not count. ``tailscale``: a tailscaled runs or its device exists.
    """
    found: list[Clash] = []
    free = _free_prefix(addresses, routes)
    another = "choose another prefix at init (--prefix)" + (f", {free} is free here" if free is not None else "")
    for name, address in addresses:
        if name != interface and prefix.version == address.version and address.ip in prefix:
            found.append(Clash(f"address {address} of {name}", another))
    for name, route in routes:
        if name == interface or route.prefixlen == 0 or prefix.version != route.version:
            continue
        if prefix.overlaps(route):
            found.append(Clash(f"route {route} by {name}", another))
    if prefix.version == 4 and prefix.overlaps(SHARED):
        if tailscale:
            found.append(Clash("Tailscale, which drops 100.64.0.0/10 from any other device", another))
        for name, address in addresses:
            if name != interface and address.version == 4 and address.ip in SHARED and address.ip not in prefix:
                found.append(Clash(f"carrier-grade NAT or Tailscale: {address} of {name}", another))
    return tuple(dict.fromkeys(found))


def _free_prefix(
    addresses: tuple[tuple[str, HostAddress], ...], routes: tuple[tuple[str, Prefix], ...]
) -> Prefix | None:
    """The first of RFC 1918 that nothing here has; none where all of it is taken."""
    taken = [a.network for _, a in addresses if a.version == 4]
    taken += [r for _, r in routes if r.version == 4 and r.prefixlen > 0]
    candidates = (
        *(f"10.{second}.0.0/16" for second in (*range(85, 255), *range(85))),
        *(f"172.{second}.0.0/16" for second in range(31, 15, -1)),
        *(f"192.168.{third}.0/24" for third in range(255, -1, -1)),
    )
    networks = map(IPv4Network, candidates)
    return next((network for network in networks if not any(network.overlaps(t) for t in taken)), None)
