"""The second layer of the guard: policy routing rules, which flushing nftables does not touch.

Linux looks up local addresses first (preference 0), whatever interface a packet came in by. These rules move that
lookup behind a question of where the packet comes from:

    10  iif lo             lookup local       the host itself
    11  iif gw0            lookup local       the mesh
    12  iif lo to MESH     lookup main        the host, towards the mesh
    13  to MESH            blackhole          everybody else, towards the mesh
    14  iif gw0            blackhole          the mesh, towards anything but this host: nothing is forwarded
    20                     lookup local       what preference 0 said, for all other addresses

They are of protocol *kernel*, because systemd-networkd removes every rule that it did not make but those
(systemd.network, ManageForeignRoutingPolicyRules), and a host without a lookup of ``local`` is off the net.
The family that the mesh has no prefix in keeps preference 0 and gets rule 14 alone: there is no address to hide.

On an interface that is not gridwire's alone only gridwire's own ports are hidden, on this node's own addresses, and
nothing of what others send through it, to it or past it is looked up otherwise than before:

    10  iif lo                            lookup local     the host itself
    11  iif tailscale0                    lookup local     the mesh
    13  to ADDRESS ipproto tcp dport 80   blackhole        everybody else; a rule for each address and port
    20                                    lookup local     what preference 0 said, for all else
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network

from gridwire.core.actions import Action
from gridwire.core.addressing import Address, Prefix
from gridwire.core.names import Interface

PREFERENCES = frozenset({10, 11, 12, 13, 14, 20})
LOOPBACK = Interface("lo")
FAMILIES = (4, 6)


class Verdict(StrEnum):
    LOCAL = "lookup local"
    MAIN = "lookup main"
    BLACKHOLE = "blackhole"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRule:
    """One line of `ip rule`. ``family``: 4 or 6; ``interface``: where a packet came in (iif), none for any; ``port``:
    of TCP, where it goes to, 0 for all."""

    family: int
    preference: int
    verdict: Verdict
    interface: Interface | None = None
    to: Prefix | None = None
    port: int = 0

    def __str__(self) -> str:
        iif = f" iif {self.interface}" if self.interface else ""
        to = f" to {self.to}" if self.to else ""
        tcp = f" ipproto tcp dport {self.port}" if self.port else ""
        return f"{'ip -6' if self.family == 6 else 'ip'} rule {self.preference}{iif}{to}{tcp} {self.verdict}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRule(Action):
    rule: RoutingRule


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRule(Action):
    rule: RoutingRule


def local_first(family: int) -> RoutingRule:
    """The kernel's own preference 0."""
    return RoutingRule(family=family, preference=0, verdict=Verdict.LOCAL)


def guard_rules(interface: Interface, prefix: Prefix, family: int) -> tuple[RoutingRule, ...]:
    """What must stand in one family, in the order in which it is added."""
    no_transit = RoutingRule(family=family, preference=14, verdict=Verdict.BLACKHOLE, interface=interface)
    if family != prefix.version:
        return (no_transit,)
    return (
        RoutingRule(family=family, preference=20, verdict=Verdict.LOCAL),
        RoutingRule(family=family, preference=10, verdict=Verdict.LOCAL, interface=LOOPBACK),
        RoutingRule(family=family, preference=11, verdict=Verdict.LOCAL, interface=interface),
        RoutingRule(family=family, preference=12, verdict=Verdict.MAIN, interface=LOOPBACK, to=prefix),
        RoutingRule(family=family, preference=13, verdict=Verdict.BLACKHOLE, to=prefix),
        no_transit,
    )


def shared_rules(
    interface: Interface, addresses: Iterable[Address], ports: Iterable[int], family: int
) -> tuple[RoutingRule, ...]:
    """What must stand in one family where the interface is not gridwire's alone, in the order in which it is added."""
    own = [ip_network(address) for address in addresses if address.version == family]
    hidden = [
        RoutingRule(family=family, preference=13, verdict=Verdict.BLACKHOLE, to=prefix, port=port)
        for prefix in own
        for port in ports
    ]
    if not hidden:
        return ()
    return (
        RoutingRule(family=family, preference=20, verdict=Verdict.LOCAL),
        RoutingRule(family=family, preference=10, verdict=Verdict.LOCAL, interface=LOOPBACK),
        RoutingRule(family=family, preference=11, verdict=Verdict.LOCAL, interface=interface),
        *hidden,
    )


def plan_rules(
    wanted: tuple[RoutingRule, ...],
    prefix: Prefix,
    interface: Interface,
    family: int,
    observed: Iterable[RoutingRule],
) -> tuple[AddRule | DeleteRule, ...]:
    """Observed rules of one family → wanted ones; at every step the host finds its own addresses.

    ``observed`` holds preference 0 and what stands at gridwire's preferences; rules of others are not in it.
    """
    seen = {rule for rule in observed if rule.family == family}
    first = local_first(family)
    behind = any(rule.verdict is Verdict.LOCAL and rule.interface is None for rule in wanted)
    actions: list[AddRule | DeleteRule] = []
    if not behind and first not in seen:
        actions.append(AddRule(reason=f"{first}: it was gone, and the mesh has no address in this family", rule=first))
    actions += [
        AddRule(reason=f"{rule}: it is missing, and holds when nftables is flushed", rule=rule)
        for rule in wanted
        if rule not in seen
    ]
    actions += [
        DeleteRule(reason=f"{rule}: it is of another mesh prefix or interface than {prefix} on {interface}", rule=rule)
        for rule in _by_preference(seen - set(wanted) - {first})
    ]
    if behind and first in seen:
        reason = f"{first}: it answers for {prefix} on every interface; preference 20 says the same after the guard"
        actions.append(DeleteRule(reason=reason, rule=first))
    return tuple(actions)


def plan_rules_removal(family: int, observed: Iterable[RoutingRule]) -> tuple[AddRule | DeleteRule, ...]:
    """Preference 0 back before anything goes, then all of gridwire's rules."""
    seen = {rule for rule in observed if rule.family == family}
    first = local_first(family)
    actions: list[AddRule | DeleteRule] = []
    if first not in seen:
        actions.append(AddRule(reason=f"{first}: as the kernel had it before the guard", rule=first))
    actions += [
        DeleteRule(reason=f"{rule}: the guard is being removed", rule=rule) for rule in _by_preference(seen - {first})
    ]
    return tuple(actions)


def _by_preference(rules: Iterable[RoutingRule]) -> list[RoutingRule]:
    return sorted(rules, key=lambda rule: (rule.preference, str(rule)))
