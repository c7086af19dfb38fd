"""The perimeter of one node: who may reach which of its mesh ports, and that nobody else reaches its address.

Linux answers for any local address on any interface (the weak host model, RFC 1122 §3.3.4.2): a host on the
same link, with no key, reaches a listener bound to the mesh address. Two layers stop it: an nftables table, and
routing rules that stand when somebody flushes nftables (``routing_rules``).

The table is loaded first and removed last, and each layer is put up before anything of it is taken down, so the
host is closed, and finds its own addresses, after every single action of a plan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gridwire.core.actions import Action
from gridwire.core.addressing import Address, Prefix, check_prefix, in_any
from gridwire.core.errors import Invalid
from gridwire.core.names import Interface, interface_name, shown
from gridwire.core.observed import Known, Unknown
from gridwire.core.routing_rules import (
    FAMILIES,
    LOOPBACK,
    RoutingRule,
    guard_rules,
    local_first,
    plan_rules,
    plan_rules_removal,
    shared_rules,
)

TABLE = "gridwire"
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,15}")

# Counters of the table. All but the first three count packets that were dropped.
ARRIVED = "arrived"  # UDP packets for WireGuard's port, before any firewall of the host
INITIATIONS = "initiations"  # those of them that begin a handshake
NEWCOMERS = "newcomers"  # those of them from no known endpoint, and below the meter of their source
FLOOD = "flood"
STRANGER = "stranger"  # to or from a mesh address, from neither mesh nor host
LOOPBACKED = "loopbacked"  # to 127.0.0.0/8 or ::1 from outside (route_localnet)
UNOPENED = "unopened"  # from the mesh to what its role may not reach
TRANSIT = "transit"  # forwarding into or out of the mesh
LEAK = "leak"  # mesh traffic about to leave by another interface
UNPRIVILEGED = "unprivileged"  # from a user of this host to what only its root may call
COUNTERS = (ARRIVED, INITIATIONS, NEWCOMERS, FLOOD, STRANGER, LOOPBACKED, UNOPENED, TRANSIT, LEAK, UNPRIVILEGED)

# Kernel settings, under /proc/sys, and the least value that will do.
WANTED_SYSCTLS: tuple[tuple[str, int], ...] = (
    ("net/ipv4/conf/all/arp_announce", 2),
    ("net/ipv4/conf/all/arp_ignore", 1),  # answer ARP for an address only where it lives: not for gw0's on eth0
    ("net/ipv4/ip_nonlocal_bind", 1),  # nginx survives a mesh address that is late or vanishes
    ("net/ipv4/tcp_mtu_probing", 1),
    ("net/ipv6/ip_nonlocal_bind", 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What one role may reach on this node through the mesh: TCP ports, from these mesh addresses.

    ``role`` names the nftables set (``role_<role>``): enrolling, edge, operator, client, gateway.
    Addresses and ports are sorted.
    """

    role: str
    addresses: tuple[Address, ...]
    tcp_ports: tuple[int, ...]

    def __post_init__(self) -> None:
        if _ROLE.fullmatch(self.role) is None:
            raise Invalid("openings.role", f"{shown(self.role)} is not a role", fix="use at most 16 of a-z 0-9 _")
        for port in self.tcp_ports:
            if not 1 <= port <= 65535:
                raise Invalid("openings.tcp_ports", f"{port} is not a port")
        object.__setattr__(self, "addresses", tuple(sorted(set(self.addresses), key=int)))
        object.__setattr__(self, "tcp_ports", tuple(sorted(set(self.tcp_ports))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """Handshake initiations (148 bytes, first byte 1) let through per second; known endpoints have own meters."""

    per_source: int = 20
    all_sources: int = 2000

    def __post_init__(self) -> None:
        for field in ("per_source", "all_sources"):
            if not 1 <= getattr(self, field) <= 1_000_000:
                raise Invalid(f"flood.{field}", f"{getattr(self, field)} is not from 1 to 1000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the guard is of on an interface that is not gridwire's alone, such as Tailscale's: ``ports``, those of
    gridwire's listeners, on ``addresses``, this node's own. All else that goes through it is left as it is.

    ``prefixes``: where the mesh's nodes call from. ``open_port``: one of ``ports`` that every one of them may reach (0:
    none), but for those ``barred``. ``gateways``: whom only root of this host calls on GuardSpec.root_only_ports.
    """

    addresses: tuple[Address, ...]
    prefixes: tuple[Prefix, ...]
    ports: tuple[int, ...]
    open_port: int = 0
    barred: tuple[Address, ...] = ()
    gateways: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        for name in ("addresses", "barred", "gateways"):
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)), key=_by_family)))
        object.__setattr__(self, "ports", tuple(sorted(set(self.ports))))
        for port in self.ports:
            if not 1 <= port <= 65535:
                raise Invalid("guard.shared.ports", f"{port} is not a port")
        if self.open_port and self.open_port not in self.ports:
            raise Invalid("guard.shared.open_port", f"{self.open_port} is no port of gridwire's here")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSpec:
    """``listen_port``: WireGuard's UDP port, counted and metered; 0 where the node listens on none of its own.

    ``root_only_ports``: TCP ports of other nodes, sorted, that of this host's users only root may call. All of them
    send from the host's one mesh address: while it is a newcomer's, any of them could take its place.
    ``shared`` none: interface and prefix are gridwire's alone, and nothing passes but what is said here.
    """

    interface: Interface
    prefix: Prefix
    address: Address
    listen_port: int
    openings: tuple[Opening, ...]
    flood: Flood = Flood()
    root_only_ports: tuple[int, ...] = ()
    shared: Shared | None = None

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        return (self.prefix,) if self.shared is None else self.shared.prefixes

    def __post_init__(self) -> None:
        object.__setattr__(self, "root_only_ports", tuple(sorted(set(self.root_only_ports))))
        for port in self.root_only_ports:
            if not 1 <= port <= 65535:
                raise Invalid("guard.root_only_ports", f"{port} is not a port")
        if interface_name(self.interface) == LOOPBACK:
            raise Invalid("guard.interface", "lo is the host itself, not a mesh")
        check_prefix(self.prefix, shared_on_request=True, field="guard.prefix")
        if not 0 <= self.listen_port <= 65535:
            raise Invalid("guard.listen_port", f"{self.listen_port} is not a port")
        if len({opening.role for opening in self.openings}) != len(self.openings):
            raise Invalid("guard.openings", "a role stands there twice")
        for address in (self.address, *(a for opening in self.openings for a in opening.addresses)):
            if not in_any(address, self.prefixes):
                raise Invalid("guard.address", f"{address} is not in the mesh {self.prefix}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SysctlSeen:
    """A kernel setting as it is, and as it was before gridwire set it (none: gridwire did not set it).

    ``fixed``: nobody here may set it, as in a container on the host's network, whose /proc/sys is read-only.
    """

    key: str
    value: int
    before: int | None = None
    fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardObserved:
    """The guard as the kernel has it.

    ``stands``: the spec whose table is in the kernel, unaltered since it was loaded and read back; none where
    there is no table, or a table that is not as it was loaded (``altered`` says how).
    ``rules``: preference 0 and what stands at gridwire's preferences, for the ``families`` that this kernel has.
    ``sysctls``: those of WANTED_SYSCTLS that this kernel has.
    """

    stands: GuardSpec | None = None
    present: bool = False
    altered: str = ""
    families: tuple[int, ...] = FAMILIES
    rules: tuple[RoutingRule, ...] = (local_first(4), local_first(6))
    sysctls: tuple[SysctlSeen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTable(Action):
    """Put the table of ``spec`` in place of whatever table of that name there is, in one transaction."""

    spec: GuardSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceMembers(Action):
    """Change who is in the role sets, in one transaction; rules, counters and meters stay as they are."""

    spec: GuardSpec
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTable(Action):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSysctl(Action):
    """Raise a kernel setting; ``before`` is kept, so that it can be put back."""

    key: str
    value: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSysctl(Action):
    key: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitGuard(Action):
    """The guard's state could not be read: nothing is changed until it can be."""


def plan_guard(spec: GuardSpec, observed: Known[GuardObserved | None] | Unknown) -> tuple[Action, ...]:
    """What makes the host's guard that of ``spec``; empty where it is."""
    if isinstance(observed, Unknown):
        return (AwaitGuard(reason=f"the guard could not be read ({observed.reason})"),)
    seen = observed.value or GuardObserved()
    actions: list[Action] = [*_plan_table(spec, seen)]
    for family in sorted(seen.families, key=lambda family: family != spec.prefix.version):
        actions += plan_rules(rules_of(spec, family), spec.prefix, spec.interface, family, seen.rules)
    values = {sysctl.key: sysctl for sysctl in seen.sysctls}
    for key, least in WANTED_SYSCTLS:
        if key in values and values[key].value < least and not values[key].fixed:
            before = values[key].value
            actions.append(SetSysctl(key=key, value=least, before=before, reason=f"{key}: {before} → {least}"))
    return tuple(actions)


def missing_sysctls(seen: GuardObserved) -> tuple[tuple[str, int], ...]:
    """Settings (key, least value) that are too low and that only the host itself can raise. The guard stands without
    them: what they add is that no link learns of the mesh address by ARP, and that nginx outlives a late address."""
    low = {sysctl.key: sysctl.value for sysctl in seen.sysctls if sysctl.fixed}
    return tuple((key, least) for key, least in WANTED_SYSCTLS if low.get(key, least) < least)


def rules_of(spec: GuardSpec, family: int) -> tuple[RoutingRule, ...]:
    """The second layer of the guard in one family."""
    if spec.shared is None:
        return guard_rules(spec.interface, spec.prefix, family)
    return shared_rules(spec.interface, spec.shared.addresses, spec.shared.ports, family)


def plan_guard_removal(observed: Known[GuardObserved | None] | Unknown) -> tuple[Action, ...]:
    """What takes the guard away and puts the host back as it was; empty where there is none."""
    if isinstance(observed, Unknown):
        return (AwaitGuard(reason=f"the guard could not be read ({observed.reason})"),)
    seen = observed.value or GuardObserved()
    actions: list[Action] = []
    for family in seen.families:
        actions += plan_rules_removal(family, seen.rules)
    actions += [
        RestoreSysctl(key=sysctl.key, value=sysctl.before, reason=f"{sysctl.key}: as it was before the guard")
        for sysctl in seen.sysctls
        if sysctl.before is not None
    ]
    if seen.present:
        actions.append(DeleteTable(reason=f"table inet {TABLE}: the guard is being removed"))
    return tuple(actions)


def _plan_table(spec: GuardSpec, seen: GuardObserved) -> tuple[Action, ...]:
    if seen.stands is None:
        why = seen.altered or "it is not loaded"
        return (LoadTable(spec=spec, reason=f"table inet {TABLE}: {why}"),)
    if seen.stands == spec:
        return ()
    if _without_members(seen.stands) != _without_members(spec):
        return (LoadTable(spec=spec, reason=f"table inet {TABLE}: it is of another spec"),)
    old = {opening.role: opening.addresses for opening in seen.stands.openings}
    changed = tuple(opening for opening in spec.openings if opening.addresses != old[opening.role])
    said = ", ".join(_difference(opening.role, old[opening.role], opening.addresses) for opening in changed)
    return (ReplaceMembers(spec=spec, roles=tuple(o.role for o in changed), reason=f"role sets: {said}"),)


def _by_family(address: Address) -> tuple[int, int]:
    return address.version, int(address)


def _without_members(spec: GuardSpec) -> GuardSpec:
    return replace(spec, openings=tuple(replace(opening, addresses=()) for opening in spec.openings))


def _difference(role: str, old: tuple[Address, ...], new: tuple[Address, ...]) -> str:
    signed = [f"-{a}" for a in old if a not in new] + [f"+{a}" for a in new if a not in old]
    return f"{role} {' '.join(signed[:8])}{' …' if len(signed) > 8 else ''}"
