"""All that doctor says of a host: facts, findings, what it could not see, and whether the pattern fits the host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gridwire.core.doctor.kinds import BY_ID
from gridwire.core.doctor.machine import Machine, speed_class
from gridwire.core.doctor.surroundings import Surroundings
from gridwire.core.observed import Unknown
from gridwire.core.perimeter import Finding, Severity

ASSUMED = "nobody but you changes this host's network, and one stack runs on it: no command can see that"


class Fit(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Something that could not be read. It may be well or not."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    fit: Fit
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """``node``: what was looked at: this host's own name, the node that was asked for, or empty before it is one."""

    node: str
    verdict: Verdict
    facts: tuple[Fact, ...]
    findings: tuple[Finding, ...]
    unseen: tuple[Unseen, ...]

    @property
    def well(self) -> bool:
        """No finding above information, and nothing that could not be seen."""
        return not self.unseen and all(finding.severity is Severity.INFO for finding in self.findings)


_ORDER = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
# Without these the verdict stays open, whatever else was seen.
_DECIDING = frozenset({"users", "other network namespaces"})


def diagnose(node: str, facts: Iterable[Fact], findings: Iterable[Finding], unseen: Iterable[Unseen]) -> Diagnosis:
    ordered = tuple(sorted(dict.fromkeys(findings), key=lambda one: _ORDER.index(one.severity)))
    missing = tuple(dict.fromkeys(unseen))
    return Diagnosis(
        node=node, verdict=judge_fit(ordered, missing), facts=tuple(facts), findings=ordered, unseen=missing
    )


def judge_fit(findings: Iterable[Finding], unseen: Iterable[Unseen]) -> Verdict:
    against = tuple(one.what for one in findings if one.id in BY_ID and BY_ID[one.id].against)
    if against:
        return Verdict(fit=Fit.NO, reasons=against)
    missing = tuple(f"{one.name}: {one.reason}" for one in unseen if one.name in _DECIDING)
    if missing:
        return Verdict(fit=Fit.UNKNOWN, reasons=missing)
    return Verdict(
        fit=Fit.YES,
        reasons=(
            "a mesh can run: network administration is permitted, and WireGuard can make a device",
            "nobody else's ports, servers or forwarded traffic were found",
            ASSUMED,
        ),
    )


def facts_of_machine(seen: Machine) -> tuple[Fact, ...]:
    wireguard = seen.wireguard
    kind = f"kernel {seen.kernel}" if wireguard.kernel else wireguard.userspace or "none"
    clock = {True: "kept right", False: "not synchronised", None: "unknown"}[seen.clock.synchronised]
    rows = [
        ("kernel", seen.kernel),
        ("system", seen.distribution + (f", in {seen.container}" if seen.container else "")),
        ("gridwire", f"{seen.gridwire} on Python {seen.python}"),
        *((program.name, program.version or "not installed") for program in seen.programs),
        ("WireGuard", f"{kind}; {speed_class(wireguard)}" if kind != "none" else "none"),
        ("clock", f"{seen.clock.now:%Y-%m-%dT%H:%M:%SZ}, {clock}"),
        ("open files", str(seen.open_files)),
    ]
    if not isinstance(seen.conntrack, Unknown):
        table = seen.conntrack.value
        rows.append(("conntrack", "not in use" if table is None else f"{table.entries} of {table.most} entries"))
    return tuple(Fact(name=name, value=value) for name, value in rows)


def unseen_of_machine(seen: Machine) -> tuple[Unseen, ...]:
    named = {
        "users": seen.users,
        "other network namespaces": seen.isolated,
        "conntrack": seen.conntrack,
    }
    found = [Unseen(name=name, reason=one.reason) for name, one in named.items() if isinstance(one, Unknown)]
    if seen.clock.synchronised is None:
        found.append(Unseen(name="clock", reason="the kernel does not say whether anything keeps it right"))
    return tuple(found)


def facts_of_surroundings(seen: Surroundings) -> tuple[Fact, ...]:
    links = ", ".join(f"{one.name} mtu {one.mtu}" for one in seen.interfaces if one.default_route)
    forwards = [name for name, on in (("IPv4", seen.forwarding.ipv4), ("IPv6", seen.forwarding.ipv6)) if on]
    rows = [
        ("way out", links or "none: there is no default route"),
        ("forwarding", f"{' and '.join(forwards) or 'off'}, {seen.forwarding.packets} packets since boot"),
        ("Docker", "runs" if seen.docker.running else "does not run"),
    ]
    if seen.endpoint is not None:
        leads = ", ".join(map(str, seen.endpoint.addresses)) or "nothing"
        rows.append(("endpoint", f"{seen.endpoint.endpoint} → {leads}{', this host' if seen.endpoint.here else ''}"))
    return tuple(Fact(name=name, value=value) for name, value in rows)


def unseen_of_surroundings(seen: Surroundings) -> tuple[Unseen, ...]:
    named = {
        "ports that Docker publishes": seen.docker.published,
        "other firewalls": seen.barriers,
        "routes' names": seen.name,
    }
    return tuple(Unseen(name=name, reason=one.reason) for name, one in named.items() if isinstance(one, Unknown))
