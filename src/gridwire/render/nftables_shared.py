"""The guard's rules on an interface that is not gridwire's alone, such as Tailscale's.

    prerouting  -150   gridwire's ports on this node's addresses, from neither that interface nor the host
    input          0   the same once more, and from the mesh only what a role may reach
    output         0   what is meant for the mesh leaves by that interface alone

Only those ports and addresses are judged: what else a host does with its tailnet (SSH, subnets that it routes, other
services) goes on as it did. Each role has a set for each family.
"""

from __future__ import annotations

from gridwire.core.addressing import Address
from gridwire.core.guard import LEAK, LOOPBACKED, STRANGER, UNOPENED, UNPRIVILEGED, GuardSpec, Opening, Shared
from gridwire.render.nftables_words import (
    IN,
    VERSIONS,
    Json,
    drop,
    field,
    interface,
    match,
    one_or_set,
    prefix,
)

HOOKS = (("prerouting", -150), ("input", 0), ("output", 0))
BARRED, GATEWAYS = "barred", "gateways"


def role_set(role: str) -> str:
    return f"role_{role}"


def members(spec: GuardSpec, shared: Shared) -> dict[str, list[str]]:
    """Every set of addresses and what is in it."""
    found: dict[str, list[str]] = {}
    named = [(role_set(opening.role), opening.addresses) for opening in spec.openings]
    for name, addresses in (*named, (BARRED, shared.barred), (GATEWAYS, shared.gateways)):
        for version, _, _ in VERSIONS:
            found[_of(name, version)] = [str(address) for address in addresses if address.version == version]
    return found


def sets(spec: GuardSpec, shared: Shared) -> list[Json]:
    kinds = {f"v{version}": kind for version, _, kind in VERSIONS}
    return [
        {**IN, "name": name, "type": kinds[name[-2:]]} | ({"elem": elements} if elements else {})
        for name, elements in sorted(members(spec, shared).items())
    ]


def rules(spec: GuardSpec, shared: Shared) -> list[tuple[str, list[Json]]]:
    found = [("prerouting", rule) for rule in _strangers(spec, shared)]
    not_lo = interface("iifname", "lo", op="!=")
    found.append(
        (
            "prerouting",
            [not_lo, match(field("ip", "daddr"), {"prefix": {"addr": "127.0.0.0", "len": 8}}), *drop(LOOPBACKED)],
        )
    )
    found.append(("prerouting", [not_lo, match(field("ip6", "daddr"), "::1"), *drop(LOOPBACKED)]))
    found += [("input", rule) for rule in _strangers(spec, shared)]
    found += [("input", rule) for rule in _of_this_host(shared)]
    found += [("input", rule) for rule in _into_mesh(spec, shared)]
    found += [("mesh", rule) for rule in _mesh(spec.openings, shared)]
    found += [("output", rule) for rule in _output(spec, shared)]
    return found


def _of(name: str, version: int) -> str:
    return f"{name}_v{version}"


def _ip(address: Address) -> str:
    return "ip" if address.version == 4 else "ip6"


def _own_ports(address: Address, shared: Shared) -> tuple[Json, Json]:
    ports = match(field("tcp", "dport"), one_or_set(shared.ports))
    return match(field(_ip(address), "daddr"), str(address)), ports


def _strangers(spec: GuardSpec, shared: Shared) -> list[list[Json]]:
    outside = interface("iifname", {"set": [spec.interface, "lo"]}, op="!=")
    if not shared.ports:
        return []
    return [[outside, *_own_ports(address, shared), *drop(STRANGER)] for address in shared.addresses]


def _of_this_host(shared: Shared) -> list[list[Json]]:
    """Users of this host who send from another node's address, which ip_nonlocal_bind and CAP_NET_RAW let them."""
    if not shared.ports:
        return []
    return [
        [
            interface("iifname", "lo"),
            *_own_ports(address, shared),
            match(field(_ip(address), "saddr"), prefix(mesh)),
            match(field(_ip(address), "saddr"), str(address), op="!="),
            *drop(STRANGER),
        ]
        for address in shared.addresses
        for mesh in shared.prefixes
        if mesh.version == address.version
    ]


def _into_mesh(spec: GuardSpec, shared: Shared) -> list[list[Json]]:
    if not shared.ports:
        return []
    return [
        [interface("iifname", spec.interface), *_own_ports(address, shared), {"jump": {"target": "mesh"}}]
        for address in shared.addresses
    ]


def _mesh(openings: tuple[Opening, ...], shared: Shared) -> list[list[Json]]:
    """Judged at every packet, so a change of the sets cuts connections that are open."""
    found: list[list[Json]] = [
        [match(field(ip, "saddr"), f"@{_of(BARRED, version)}"), *drop(UNOPENED)] for version, ip, _ in VERSIONS
    ]
    for opening in sorted(openings, key=lambda opening: opening.role):
        if opening.tcp_ports:
            ports = match(field("tcp", "dport"), one_or_set(opening.tcp_ports))
            found += [
                [match(field(ip, "saddr"), f"@{_of(role_set(opening.role), version)}"), ports, {"accept": None}]
                for version, ip, _ in VERSIONS
            ]
    if shared.open_port:
        found += [
            [
                match(field("ip" if mesh.version == 4 else "ip6", "saddr"), prefix(mesh)),
                match(field("tcp", "dport"), shared.open_port),
                {"accept": None},
            ]
            for mesh in shared.prefixes
        ]
    return [*found, [*drop(UNOPENED)]]


def _output(spec: GuardSpec, shared: Shared) -> list[list[Json]]:
    """Without its device the mesh's traffic would leave in clear by the default gateway."""
    elsewhere = interface("oifname", {"set": [spec.interface, "lo"]}, op="!=")
    names = [*(role_set(opening.role) for opening in spec.openings), GATEWAYS]
    found: list[list[Json]] = [
        [elsewhere, match(field(ip, "daddr"), f"@{_of(name, version)}"), *drop(LEAK)]
        for name in sorted(names)
        for version, ip, _ in VERSIONS
    ]
    if shared.ports:
        found += [
            [
                elsewhere,
                match(field(_ip(address), "saddr"), str(address)),
                match(field("tcp", "sport"), one_or_set(shared.ports)),
                *drop(LEAK),
            ]
            for address in shared.addresses
        ]
    if spec.root_only_ports:
        found += [
            [
                interface("oifname", spec.interface),
                match(field(ip, "daddr"), f"@{_of(GATEWAYS, version)}"),
                match(field("tcp", "dport"), one_or_set(spec.root_only_ports)),
                match({"meta": {"key": "skuid"}}, 0, op="!="),
                *drop(UNPRIVILEGED),
            ]
            for version, ip, _ in VERSIONS
        ]
    return found
