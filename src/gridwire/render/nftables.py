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
from typing import Any

from gridwire.core.addressing import Prefix
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

Json = dict[str, Any]

_UDP_HEADER = 8
_INITIATION, _INITIATION_BYTES = 1, 148  # WireGuard paper §5.4.2
_RESPONSE, _RESPONSE_BYTES = 2, 92  # §5.4.3; only a peer whose key is known is answered with one
_MESSAGE_TYPE: Json = {"payload": {"base": "th", "offset": _UDP_HEADER * 8, "len": 8}}
_METER_SIZE = 65535  # a flood from more sources than that meets the meter of all sources
_METER_SECONDS = 60
_KNOWN_SECONDS = 600  # handshakes repeat every 120 s where there is traffic (§6.2)
_IN = {"table": TABLE, "family": "inet"}
_VERSIONS = ((4, "ip", "ipv4_addr"), (6, "ip6", "ipv6_addr"))


def render_table(spec: GuardSpec, counted: Mapping[str, tuple[int, int]] | None = None) -> Json:
    """The transaction that puts the table of ``spec`` in place of the one there is, if any.

    ``counted``: (packets, bytes) that counters start with, so that loading again loses no count.
    """
    table: Json = {"table": {"family": "inet", "name": TABLE}}
    commands: list[Json] = [{"add": table}, {"delete": table}, {"add": table}]
    commands += [{"add": counter} for counter in _counters(counted or {})]
    commands += [{"add": {"set": _role_set(spec, opening)}} for opening in _by_role(spec)]
    if spec.listen_port:
        commands += [{"add": {"set": meter}} for meter in _meters()]
    commands += [{"add": {"chain": chain}} for chain in _chains(spec)]
    commands += [{"add": {"rule": {**_IN, "chain": chain, "expr": expressions}}} for chain, expressions in _rules(spec)]
    return {"nftables": commands}


def render_members(spec: GuardSpec, roles: Iterable[str]) -> Json:
    """The transaction that empties the sets of ``roles`` and fills them from ``spec``."""
    commands: list[Json] = []
    wanted = set(roles)
    for opening in _by_role(spec):
        if opening.role in wanted:
            name = set_name(opening)
            commands.append({"flush": {"set": {**_IN, "name": name}}})
            if opening.addresses:
                elements = [str(address) for address in opening.addresses]
                commands.append({"add": {"element": {**_IN, "name": name, "elem": elements}}})
    return {"nftables": commands}


def render_removal() -> Json:
    """The transaction after which the table is not there, whether it was or not."""
    table = {"table": {"family": "inet", "name": TABLE}}
    return {"nftables": [{"add": table}, {"delete": table}]}


def _counters(counted: Mapping[str, tuple[int, int]]) -> list[Json]:
    found = ((name, *counted.get(name, (0, 0))) for name in COUNTERS)
    return [{"counter": {**_IN, "name": name, "packets": packets, "bytes": size}} for name, packets, size in found]


def _by_role(spec: GuardSpec) -> list[Opening]:
    return sorted(spec.openings, key=lambda opening: opening.role)


def set_name(opening: Opening) -> str:
    """The nftables set of the addresses of one role."""
    return f"role_{opening.role}"


def _role_set(spec: GuardSpec, opening: Opening) -> Json:
    kind = "ipv4_addr" if spec.prefix.version == 4 else "ipv6_addr"
    members = [str(address) for address in opening.addresses]
    return {**_IN, "name": set_name(opening), "type": kind} | ({"elem": members} if members else {})


def _meters() -> list[Json]:
    """Filled by the kernel as packets come: known endpoints, and a meter for each of them and each source."""
    sets: list[Json] = []
    for version, _, kind in _VERSIONS:
        endpoint = [kind, "inet_service"]
        for name, key, seconds in (
            (f"known{version}", endpoint, _KNOWN_SECONDS),
            (f"meter_known{version}", endpoint, _METER_SECONDS),
            (f"meter_source{version}", kind, _METER_SECONDS),
        ):
            timed = {"flags": ["timeout"], "timeout": seconds, "size": _METER_SIZE}
            sets.append({**_IN, "name": name, "type": key, **timed})
    return sets


def _chains(spec: GuardSpec) -> list[Json]:
    hooks = [("prerouting", -150), ("input", 0), ("forward", 0), ("output", 0)]
    chains = [
        {**_IN, "name": hook, "type": "filter", "hook": hook, "prio": priority, "policy": "accept"}
        for hook, priority in hooks
    ]
    chains.append({**_IN, "name": "mesh"})
    if spec.listen_port:
        chains.append({**_IN, "name": "handshakes"})
    return chains


def _rules(spec: GuardSpec) -> list[tuple[str, list[Json]]]:
    rules = [("prerouting", rule) for rule in _prerouting(spec)]
    if spec.listen_port:
        rules += [("handshakes", rule) for rule in _handshakes(spec)]
    rules += [("input", rule) for rule in _input(spec)]
    rules += [("mesh", rule) for rule in _mesh(spec)]
    rules += [("forward", rule) for rule in _forward(spec)]
    rules += [("output", rule) for rule in _output(spec)]
    return rules


def _prerouting(spec: GuardSpec) -> list[list[Json]]:
    outside = _interface("iifname", {"set": [spec.interface, "lo"]}, op="!=")
    not_lo = _interface("iifname", "lo", op="!=")
    rules = [
        [outside, _address(spec, "daddr", _prefix(spec.prefix)), *_drop(STRANGER)],
        [outside, _address(spec, "saddr", _prefix(spec.prefix)), *_drop(STRANGER)],
        [not_lo, _match(_field("ip", "daddr"), {"prefix": {"addr": "127.0.0.0", "len": 8}}), *_drop(LOOPBACKED)],
        [not_lo, _match(_field("ip6", "daddr"), "::1"), *_drop(LOOPBACKED)],
    ]
    if spec.listen_port:
        # fib only counts here: dropping by it in prerouting would end all forwarding on the host.
        local = _match({"fib": {"result": "type", "flags": ["daddr"]}}, "local")
        port = _match(_field("udp", "dport"), spec.listen_port)
        rules.append([port, local, {"counter": ARRIVED}, {"jump": {"target": "handshakes"}}])
    return rules


def _handshakes(spec: GuardSpec) -> list[list[Json]]:
    rules: list[list[Json]] = [
        [_match(_field("udp", "length"), _UDP_HEADER + _INITIATION_BYTES, op="!="), {"return": None}],
        [_match(_MESSAGE_TYPE, _INITIATION, op="!="), {"return": None}],
        [{"counter": INITIATIONS}],
    ]
    each = _over(spec.flood.per_source)
    for version, protocol, _ in _VERSIONS:
        source = _field(protocol, "saddr")
        endpoint = {"concat": [source, _field("udp", "sport")]}
        known = _match(endpoint, f"@known{version}")
        rules.append([known, _meter(endpoint, f"meter_known{version}", each), *_drop(FLOOD)])
        rules.append([known, {"return": None}])
        # One IPv6 host has a /64 of addresses to send from.
        key = source if version == 4 else {"&": [source, "ffff:ffff:ffff:ffff::"]}
        rules.append([_meter(key, f"meter_source{version}", each), *_drop(FLOOD)])
    rules.append([{"counter": NEWCOMERS}])
    rules.append([_over(spec.flood.all_sources), *_drop(FLOOD)])
    return rules


def _input(spec: GuardSpec) -> list[list[Json]]:
    """Strangers once more: another table may have rewritten the destination after prerouting -150.

    And users of this host: over IPv6 ip_nonlocal_bind lets any of them send from another node's address, over IPv4
    CAP_NET_RAW does, which a container on the host's network has by default. Who asks is known by that address, and
    what they send to this host comes by lo, which no key vouches for.
    """
    outside = _interface("iifname", {"set": [spec.interface, "lo"]}, op="!=")
    return [
        [outside, _address(spec, "daddr", _prefix(spec.prefix)), *_drop(STRANGER)],
        [
            _interface("iifname", "lo"),
            _address(spec, "saddr", _prefix(spec.prefix)),
            _address(spec, "saddr", str(spec.address), op="!="),
            *_drop(STRANGER),
        ],
        [_interface("iifname", spec.interface), {"jump": {"target": "mesh"}}],
    ]


def _mesh(spec: GuardSpec) -> list[list[Json]]:
    """Only the mesh address: the host's other addresses can be asked for through the tunnel as well.

    A connection that a peer opened is judged by its role at every packet, so a change of the sets cuts it;
    ``ct`` lets in what answers this host.
    """
    icmp, echo = (
        ("icmp", _field("icmp", "type")) if spec.prefix.version == 4 else ("ipv6-icmp", _field("icmpv6", "type"))
    )
    replies = _match({"ct": {"key": "direction"}}, "reply")
    rules: list[list[Json]] = [
        [_address(spec, "daddr", str(spec.address), op="!="), *_drop(UNOPENED)],
        [_match({"ct": {"key": "state"}}, "established", op="in"), replies, {"accept": None}],
        [
            _match({"ct": {"key": "state"}}, "related", op="in"),
            _match({"meta": {"key": "l4proto"}}, icmp),
            {"accept": None},
        ],
        [_match(echo, "echo-request"), {"accept": None}],
    ]
    for opening in _by_role(spec):
        if opening.tcp_ports:
            ports = _match(_field("tcp", "dport"), _one_or_set(opening.tcp_ports))
            rules.append([_address(spec, "saddr", f"@{set_name(opening)}"), ports, {"accept": None}])
    rules.append([*_drop(UNOPENED)])
    return rules


def _forward(spec: GuardSpec) -> list[list[Json]]:
    return [
        [_interface("iifname", spec.interface), *_drop(TRANSIT)],
        [_interface("oifname", spec.interface), *_drop(TRANSIT)],
        [_address(spec, "daddr", _prefix(spec.prefix)), *_drop(TRANSIT)],
    ]


def _output(spec: GuardSpec) -> list[list[Json]]:
    elsewhere = _interface("oifname", {"set": [spec.interface, "lo"]}, op="!=")
    rules: list[list[Json]] = [
        [elsewhere, _address(spec, "daddr", _prefix(spec.prefix)), *_drop(LEAK)],
        [elsewhere, _address(spec, "saddr", _prefix(spec.prefix)), *_drop(LEAK)],
    ]
    if spec.root_only_ports:
        into_mesh = _interface("oifname", spec.interface)
        ports = _match(_field("tcp", "dport"), _one_or_set(spec.root_only_ports))
        not_root = _match({"meta": {"key": "skuid"}}, 0, op="!=")
        rules.append([into_mesh, ports, not_root, *_drop(UNPRIVILEGED)])
    if spec.listen_port:
        for version, protocol, _ in _VERSIONS:
            endpoint = {"concat": [_field(protocol, "daddr"), _field("udp", "dport")]}
            rules.append(
                [
                    _match(_field("udp", "sport"), spec.listen_port),
                    _match(_field("udp", "length"), _UDP_HEADER + _RESPONSE_BYTES),
                    _match(_MESSAGE_TYPE, _RESPONSE),
                    {"set": {"op": "update", "elem": endpoint, "set": f"@known{version}"}},
                ]
            )
    return rules


def _match(left: Json, right: object, *, op: str = "==") -> Json:
    return {"match": {"op": op, "left": left, "right": right}}


def _field(protocol: str, field: str) -> Json:
    return {"payload": {"protocol": protocol, "field": field}}


def _interface(key: str, name: object, *, op: str = "==") -> Json:
    return _match({"meta": {"key": key}}, name, op=op)


def _address(spec: GuardSpec, field: str, right: object, *, op: str = "==") -> Json:
    return _match(_field("ip" if spec.prefix.version == 4 else "ip6", field), right, op=op)


def _one_or_set(ports: tuple[int, ...]) -> object:
    """As nft lists it again: a set of one is written as its member."""
    return ports[0] if len(ports) == 1 else {"set": list(ports)}


def _prefix(prefix: Prefix) -> Json:
    return {"prefix": {"addr": str(prefix.network_address), "len": prefix.prefixlen}}


def _over(per_second: int) -> Json:
    return {"limit": {"rate": per_second, "burst": per_second, "per": "second", "inv": True}}


def _meter(key: Json, name: str, limit: Json) -> Json:
    return {"set": {"op": "add", "elem": key, "set": f"@{name}", "stmt": [limit]}}


def _drop(counter: str) -> tuple[Json, Json]:
    return ({"counter": counter}, {"drop": None})
