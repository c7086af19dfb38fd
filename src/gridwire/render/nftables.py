"""GuardSpec → nftables, as libnftables-json(5) takes it: one transaction, or nothing.

    prerouting  -150   what is not of the mesh and pretends to be, or wants in; WireGuard's port is counted
    handshakes         initiations metered: per known endpoint, per source, all sources
    input          0   from the mesh only what a role may reach
    forward        0   nothing into or out of the mesh
    output         0   mesh addresses leave by the mesh alone, to some ports root's packets alone; who was answered
                       becomes a known endpoint

Interfaces are matched by name: the index changes when wireguard-go starts again. Other chains of the host still
see what these accept; what these drop is gone.

nft 1.0.6 refuses the set flag ``dynamic`` in JSON; sets with a timeout alone are updated from rules as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gridwire.core.guard import (
    ARRIVED,
    COUNTERS,
    FLOOD,
    INITIATIONS,
    LEAK,
    LOOPBACKED,
    NEWCOMERS,
    STRANGER,
    TABLE,
    TRANSIT,
    UNOPENED,
    UNPRIVILEGED,
    GuardSpec,
    Opening,
)
from gridwire.render import nftables_shared
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

_UDP_HEADER = 8
_INITIATION, _INITIATION_BYTES = 1, 148  # WireGuard paper §5.4.2
_RESPONSE, _RESPONSE_BYTES = 2, 92  # §5.4.3; only a peer whose key is known is answered with one
_MESSAGE_TYPE: Json = {"payload": {"base": "th", "offset": _UDP_HEADER * 8, "len": 8}}
_METER_SIZE = 65535  # a flood from more sources than that meets the meter of all sources
_METER_SECONDS = 60
_KNOWN_SECONDS = 600  # handshakes repeat every 120 s where there is traffic (§6.2)


_HOOKS = (("prerouting", -150), ("input", 0), ("forward", 0), ("output", 0))


def render_table(spec: GuardSpec, counted: Mapping[str, tuple[int, int]] | None = None) -> Json:
    """The transaction that puts the table of ``spec`` in place of the one there is, if any.

    ``counted``: (packets, bytes) that counters start with, so that loading again loses no count.
    """
    table: Json = {"table": {"family": "inet", "name": TABLE}}
    commands: list[Json] = [{"add": table}, {"delete": table}, {"add": table}]
    commands += [{"add": counter} for counter in _counters(counted or {})]
    commands += [{"add": {"set": one}} for one in _sets(spec)]
    if spec.listen_port:
        commands += [{"add": {"set": meter}} for meter in _meters()]
    commands += [{"add": {"chain": chain}} for chain in _chains(spec)]
    commands += [{"add": {"rule": {**IN, "chain": chain, "expr": expressions}}} for chain, expressions in _rules(spec)]
    return {"nftables": commands}


def render_members(spec: GuardSpec, roles: Iterable[str]) -> Json:
    """The transaction that empties the sets of ``roles`` and fills them from ``spec``."""
    commands: list[Json] = []
    for name, elements in members(spec, roles).items():
        commands.append({"flush": {"set": {**IN, "name": name}}})
        if elements:
            commands.append({"add": {"element": {**IN, "name": name, "elem": elements}}})
    return {"nftables": commands}


def members(spec: GuardSpec, roles: Iterable[str]) -> dict[str, list[str]]:
    """The nftables sets of these roles and the addresses in them."""
    names = {_set_name(role) for role in roles}
    if spec.shared is not None:
        found = nftables_shared.members(spec, spec.shared)
        return {name: elements for name, elements in sorted(found.items()) if name[: -len("_v4")] in names}
    by_role = {_set_name(o.role): [str(address) for address in o.addresses] for o in _by_role(spec)}
    return {name: elements for name, elements in by_role.items() if name in names}


def render_removal() -> Json:
    """The transaction after which the table is not there, whether it was or not."""
    table = {"table": {"family": "inet", "name": TABLE}}
    return {"nftables": [{"add": table}, {"delete": table}]}


def _counters(counted: Mapping[str, tuple[int, int]]) -> list[Json]:
    found = ((name, *counted.get(name, (0, 0))) for name in COUNTERS)
    return [{"counter": {**IN, "name": name, "packets": packets, "bytes": size}} for name, packets, size in found]


def _by_role(spec: GuardSpec) -> list[Opening]:
    return sorted(spec.openings, key=lambda opening: opening.role)


def _set_name(role: str) -> str:
    """The nftables set of the addresses of one role; where a mesh has both families, the stem of two such sets."""
    return f"role_{role}"


def _sets(spec: GuardSpec) -> list[Json]:
    if spec.shared is not None:
        return nftables_shared.sets(spec, spec.shared)
    return [_role_set(spec, opening) for opening in _by_role(spec)]


def _role_set(spec: GuardSpec, opening: Opening) -> Json:
    kind = "ipv4_addr" if spec.prefix.version == 4 else "ipv6_addr"
    elements = [str(address) for address in opening.addresses]
    return {**IN, "name": _set_name(opening.role), "type": kind} | ({"elem": elements} if elements else {})


def _meters() -> list[Json]:
    """Filled by the kernel as packets come: known endpoints, and a meter for each of them and each source."""
    sets: list[Json] = []
    for version, _, kind in VERSIONS:
        endpoint = [kind, "inet_service"]
        for name, key, seconds in (
            (f"known{version}", endpoint, _KNOWN_SECONDS),
            (f"meter_known{version}", endpoint, _METER_SECONDS),
            (f"meter_source{version}", kind, _METER_SECONDS),
        ):
            timed = {"flags": ["timeout"], "timeout": seconds, "size": _METER_SIZE}
            sets.append({**IN, "name": name, "type": key, **timed})
    return sets


def _chains(spec: GuardSpec) -> list[Json]:
    hooks = _HOOKS if spec.shared is None else nftables_shared.HOOKS
    chains = [
        {**IN, "name": hook, "type": "filter", "hook": hook, "prio": priority, "policy": "accept"}
        for hook, priority in hooks
    ]
    chains.append({**IN, "name": "mesh"})
    if spec.listen_port:
        chains.append({**IN, "name": "handshakes"})
    return chains


def _rules(spec: GuardSpec) -> list[tuple[str, list[Json]]]:
    if spec.shared is not None:
        return nftables_shared.rules(spec, spec.shared)
    rules = [("prerouting", rule) for rule in _prerouting(spec)]
    if spec.listen_port:
        rules += [("handshakes", rule) for rule in _handshakes(spec)]
    rules += [("input", rule) for rule in _input(spec)]
    rules += [("mesh", rule) for rule in _mesh(spec)]
    rules += [("forward", rule) for rule in _forward(spec)]
    rules += [("output", rule) for rule in _output(spec)]
    return rules


def _prerouting(spec: GuardSpec) -> list[list[Json]]:
    outside = interface("iifname", {"set": [spec.interface, "lo"]}, op="!=")
    not_lo = interface("iifname", "lo", op="!=")
    rules = [
        [outside, _address(spec, "daddr", prefix(spec.prefix)), *drop(STRANGER)],
        [outside, _address(spec, "saddr", prefix(spec.prefix)), *drop(STRANGER)],
        [not_lo, match(field("ip", "daddr"), {"prefix": {"addr": "127.0.0.0", "len": 8}}), *drop(LOOPBACKED)],
        [not_lo, match(field("ip6", "daddr"), "::1"), *drop(LOOPBACKED)],
    ]
    if spec.listen_port:
        # fib only counts here: dropping by it in prerouting would end all forwarding on the host.
        local = match({"fib": {"result": "type", "flags": ["daddr"]}}, "local")
        port = match(field("udp", "dport"), spec.listen_port)
        rules.append([port, local, {"counter": ARRIVED}, {"jump": {"target": "handshakes"}}])
    return rules


def _handshakes(spec: GuardSpec) -> list[list[Json]]:
    rules: list[list[Json]] = [
        [match(field("udp", "length"), _UDP_HEADER + _INITIATION_BYTES, op="!="), {"return": None}],
        [match(_MESSAGE_TYPE, _INITIATION, op="!="), {"return": None}],
        [{"counter": INITIATIONS}],
    ]
    each = _over(spec.flood.per_source)
    for version, protocol, _ in VERSIONS:
        source = field(protocol, "saddr")
        endpoint = {"concat": [source, field("udp", "sport")]}
        known = match(endpoint, f"@known{version}")
        rules.append([known, _meter(endpoint, f"meter_known{version}", each), *drop(FLOOD)])
        rules.append([known, {"return": None}])
        # One IPv6 host has a /64 of addresses to send from.
        key = source if version == 4 else {"&": [source, "ffff:ffff:ffff:ffff::"]}
        rules.append([_meter(key, f"meter_source{version}", each), *drop(FLOOD)])
    rules.append([{"counter": NEWCOMERS}])
    rules.append([_over(spec.flood.all_sources), *drop(FLOOD)])
    return rules


def _input(spec: GuardSpec) -> list[list[Json]]:
    """Strangers once more: another table may have rewritten the destination after prerouting -150.

    And users of this host: over IPv6 ip_nonlocal_bind lets any of them send from another node's address, over IPv4
    CAP_NET_RAW does, which a container on the host's network has by default. Who asks is known by that address, and
    what they send to this host comes by lo, which no key vouches for.
    """
    outside = interface("iifname", {"set": [spec.interface, "lo"]}, op="!=")
    return [
        [outside, _address(spec, "daddr", prefix(spec.prefix)), *drop(STRANGER)],
        [
            interface("iifname", "lo"),
            _address(spec, "saddr", prefix(spec.prefix)),
            _address(spec, "saddr", str(spec.address), op="!="),
            *drop(STRANGER),
        ],
        [interface("iifname", spec.interface), {"jump": {"target": "mesh"}}],
    ]


def _mesh(spec: GuardSpec) -> list[list[Json]]:
    """Only the mesh address: the host's other addresses can be asked for through the tunnel as well.

    A connection that a peer opened is judged by its role at every packet, so a change of the sets cuts it;
    ``ct`` lets in what answers this host.
    """
    icmp, echo = ("icmp", field("icmp", "type")) if spec.prefix.version == 4 else ("ipv6-icmp", field("icmpv6", "type"))
    replies = match({"ct": {"key": "direction"}}, "reply")
    rules: list[list[Json]] = [
        [_address(spec, "daddr", str(spec.address), op="!="), *drop(UNOPENED)],
        [match({"ct": {"key": "state"}}, "established", op="in"), replies, {"accept": None}],
        [
            match({"ct": {"key": "state"}}, "related", op="in"),
            match({"meta": {"key": "l4proto"}}, icmp),
            {"accept": None},
        ],
        [match(echo, "echo-request"), {"accept": None}],
    ]
    for opening in _by_role(spec):
        if opening.tcp_ports:
            ports = match(field("tcp", "dport"), one_or_set(opening.tcp_ports))
            rules.append([_address(spec, "saddr", f"@{_set_name(opening.role)}"), ports, {"accept": None}])
    rules.append([*drop(UNOPENED)])
    return rules


def _forward(spec: GuardSpec) -> list[list[Json]]:
    return [
        [interface("iifname", spec.interface), *drop(TRANSIT)],
        [interface("oifname", spec.interface), *drop(TRANSIT)],
        [_address(spec, "daddr", prefix(spec.prefix)), *drop(TRANSIT)],
    ]


def _output(spec: GuardSpec) -> list[list[Json]]:
    elsewhere = interface("oifname", {"set": [spec.interface, "lo"]}, op="!=")
    rules: list[list[Json]] = [
        [elsewhere, _address(spec, "daddr", prefix(spec.prefix)), *drop(LEAK)],
        [elsewhere, _address(spec, "saddr", prefix(spec.prefix)), *drop(LEAK)],
    ]
    if spec.root_only_ports:
        into_mesh = interface("oifname", spec.interface)
        ports = match(field("tcp", "dport"), one_or_set(spec.root_only_ports))
        not_root = match({"meta": {"key": "skuid"}}, 0, op="!=")
        rules.append([into_mesh, ports, not_root, *drop(UNPRIVILEGED)])
    if spec.listen_port:
        for version, protocol, _ in VERSIONS:
            endpoint = {"concat": [field(protocol, "daddr"), field("udp", "dport")]}
            rules.append(
                [
                    match(field("udp", "sport"), spec.listen_port),
                    match(field("udp", "length"), _UDP_HEADER + _RESPONSE_BYTES),
                    match(_MESSAGE_TYPE, _RESPONSE),
                    {"set": {"op": "update", "elem": endpoint, "set": f"@known{version}"}},
                ]
            )
    return rules


def _address(spec: GuardSpec, name: str, right: object, *, op: str = "==") -> Json:
    return match(field("ip" if spec.prefix.version == 4 else "ip6", name), right, op=op)


def _over(per_second: int) -> Json:
    return {"limit": {"rate": per_second, "burst": per_second, "per": "second", "inv": True}}


def _meter(key: Json, name: str, limit: Json) -> Json:
    return {"set": {"op": "add", "elem": key, "set": f"@{name}", "stmt": [limit]}}
