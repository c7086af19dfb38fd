"""Policy routing rules of both families, read and changed by netlink."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute, NetlinkError

from gridwire.adapters.netfilter.unchanged import Mark, routing_rules
from gridwire.core.errors import GridwireError, NotPermitted
from gridwire.core.names import Interface
from gridwire.core.routing_rules import FAMILIES, PREFERENCES, RoutingRule, Verdict

_AF = {4: socket.AF_INET, 6: socket.AF_INET6}
_TABLE_MAIN, _TABLE_LOCAL = 254, 255  # /etc/iproute2/rt_tables
_TO_TABLE, _BLACKHOLE = 1, 6  # FR_ACT_*, linux/fib_rules.h
_PROTOCOL_KERNEL = 2  # RTPROT_KERNEL, linux/rtnetlink.h
_NO_SUPPRESSION = 0xFFFFFFFF
_DPORT_MASK = (
    29  # FRA_DPORT_MASK: Linux 6.15 and newer tell it of every rule with a port, and pyroute2 has no name for it
)
_TWINS = 4  # preference 0 by several protocols: all of them say the same
_KNOWN = frozenset(
    {
        *("FRA_TABLE", "FRA_PROTOCOL", "FRA_PRIORITY", "FRA_IIFNAME", "FRA_DST", "FRA_SUPPRESS_PREFIXLEN"),
        *("FRA_UNSPEC", "FRA_IP_PROTO", "FRA_DPORT_RANGE", "UNKNOWN"),
    }
)


class RoutingRules:
    """The rules of the network namespace that the calling thread is in."""

    def __init__(self) -> None:
        self._known: tuple[Mark, tuple[RoutingRule, ...]] | None = None

    def families(self) -> tuple[int, ...]:
        return FAMILIES if Path("/proc/net/if_inet6").exists() else (4,)

    def read(self) -> tuple[RoutingRule, ...]:
        """Preference 0 where it looks up ``local``, and the kernel-protocol rules at gridwire's preferences."""
        families = self.families()
        mark, known = routing_rules(families), self._known
        if mark is not None and known is not None and known[0] == mark:
            return known[1]
        rules = self._read(families)
        self._known = (mark, rules) if mark is not None and routing_rules(families) == mark else None
        return rules

    def _read(self, families: tuple[int, ...]) -> tuple[RoutingRule, ...]:
        found = []
        with IPRoute() as netlink:
            for family in families:
                messages = netlink.get_rules(family=_AF[family])
                found += [rule for rule in map(_parsed, messages) if rule is not None and rule.family == family]
        return tuple(dict.fromkeys(found))

    def add(self, rule: RoutingRule) -> None:
        """Add a rule; one that is there already is no error. Raise GridwireError."""
        self._change("add", rule, protocol=_PROTOCOL_KERNEL, unless=errno.EEXIST)

    def delete(self, rule: RoutingRule) -> None:
        """Delete a rule; one that is gone already is no error. Raise GridwireError."""
        if rule.preference:
            self._change("del", rule, protocol=_PROTOCOL_KERNEL, unless=errno.ENOENT)
            return
        for _ in range(_TWINS):
            if not self._change("del", rule, protocol=None, unless=errno.ENOENT):
                return

    def _change(self, command: str, rule: RoutingRule, *, protocol: int | None, unless: int) -> bool:
        wanted: dict[str, Any] = {"family": _AF[rule.family], "priority": rule.preference}
        if rule.verdict is Verdict.BLACKHOLE:
            wanted["action"] = "blackhole"
        else:
            wanted["table"] = _TABLE_LOCAL if rule.verdict is Verdict.LOCAL else _TABLE_MAIN
        if rule.interface is not None:
            wanted["iifname"] = rule.interface
        if rule.to is not None:
            wanted |= {"dst": str(rule.to.network_address), "dst_len": rule.to.prefixlen}
        if rule.port:
            wanted |= {"ip_proto": socket.IPPROTO_TCP, "dport_range": f"{rule.port}:{rule.port}"}
        if protocol is not None:
            wanted["protocol"] = protocol
        try:
            with IPRoute() as netlink:
                netlink.rule(command, **wanted)
        except NetlinkError as error:
            if error.code == unless:
                return False
            if error.code in (errno.EPERM, errno.EACCES):
                raise NotPermitted(f"{rule}: not permitted", fix="run as root, or with CAP_NET_ADMIN") from error
            raise GridwireError(f"{rule}: the kernel refused to {command} it ({error})", code="rule") from error
        return True


def _parsed(message: Any) -> RoutingRule | None:
    """A rule that could be one of gridwire's; none for what it never makes."""
    attributes = dict(message["attrs"])
    preference = attributes.get("FRA_PRIORITY", 0)
    ours = preference in PREFERENCES and attributes.get("FRA_PROTOCOL") == _PROTOCOL_KERNEL
    if (preference and not ours) or not attributes.keys() <= _KNOWN or not _masks_alone(message["attrs"]):
        return None
    if (
        message["src_len"]
        or message["tos"]
        or attributes.get("FRA_SUPPRESS_PREFIXLEN", _NO_SUPPRESSION) != (_NO_SUPPRESSION)
    ):
        return None
    verdict = _verdict(message["action"], attributes.get("FRA_TABLE", message["table"]))
    if verdict is None or message["flags"] & 2:  # FIB_RULE_INVERT
        return None
    family = 6 if message["family"] == socket.AF_INET6 else 4
    to = ip_network((attributes["FRA_DST"], message["dst_len"])) if "FRA_DST" in attributes else None
    name = attributes.get("FRA_IIFNAME")
    port = _port(attributes)
    if port is None:
        return None
    if preference == 0 and (verdict is not Verdict.LOCAL or to is not None or name is not None):
        return None
    return RoutingRule(
        family=family,
        preference=preference,
        verdict=verdict,
        interface=None if name is None else Interface(name),
        to=to,
        port=port,
    )


def _masks_alone(attributes: Any) -> bool:
    """Whether what pyroute2 has no name for is the mask of a port."""
    return all(value["header"]["type"] == _DPORT_MASK for name, value in attributes if name == "UNKNOWN")


def _port(attributes: dict[str, Any]) -> int | None:
    """The one TCP port that a rule is of, 0 for all of every protocol, none for what gridwire never makes."""
    span = attributes.get("FRA_DPORT_RANGE")
    if span is None:
        return None if "FRA_IP_PROTO" in attributes else 0
    first, _, last = str(span).partition(":")
    return int(first) if attributes.get("FRA_IP_PROTO") == socket.IPPROTO_TCP and first == last else None


def _verdict(action: int, table: int) -> Verdict | None:
    if action == _BLACKHOLE:
        return Verdict.BLACKHOLE
    if action == _TO_TABLE and table in (_TABLE_LOCAL, _TABLE_MAIN):
        return Verdict.LOCAL if table == _TABLE_LOCAL else Verdict.MAIN
    return None
