"""The few words of libnftables-json(5) that the guard's rules are made of."""

from __future__ import annotations

from typing import Any

from gridwire.core.addressing import Prefix
from gridwire.core.guard import TABLE

Json = dict[str, Any]

IN = {"table": TABLE, "family": "inet"}
VERSIONS = ((4, "ip", "ipv4_addr"), (6, "ip6", "ipv6_addr"))


def match(left: Json, right: object, *, op: str = "==") -> Json:
    return {"match": {"op": op, "left": left, "right": right}}


def field(protocol: str, name: str) -> Json:
    return {"payload": {"protocol": protocol, "field": name}}


def interface(key: str, name: object, *, op: str = "==") -> Json:
    return match({"meta": {"key": key}}, name, op=op)


def one_or_set(ports: tuple[int, ...]) -> object:
    """As nft lists it again: a set of one is written as its member."""
    return ports[0] if len(ports) == 1 else {"set": list(ports)}


def prefix(value: Prefix) -> Json:
    return {"prefix": {"addr": str(value.network_address), "len": value.prefixlen}}


def drop(counter: str) -> tuple[Json, Json]:
    return ({"counter": counter}, {"drop": None})
