"""What the agent says of its node: from what was last observed, so that a report reads nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType

from gridwire.agent.reconcile import Outcome
from gridwire.agent.section import Observed
from gridwire.agent.state_dir import Version
from gridwire.core.certificates import Certificate
from gridwire.core.errors import GridwireError
from gridwire.core.guard import ARRIVED, NEWCOMERS
from gridwire.core.health import EndpointHealth
from gridwire.core.names import NodeName
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.perimeter_verdict import GuardSeen
from gridwire.core.tailnet import MemberSeen, TailnetObserved
from gridwire.core.targets import Reach
from gridwire.core.wireguard import MeshObserved, PeerSeen
from gridwire.protocol.agent import ApplyState, Report
from gridwire.protocol.perimeter import SocketsMark
from gridwire.version import __version__

NOTHING_YET: Version = (0, 0)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
Counters = Mapping[str, tuple[int, int]]  # the guard's, of core.guard.COUNTERS → (packets, bytes)
NOT_COUNTED: Counters = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What goes into a report besides what was observed. ``in_force``: the version last verified."""

    in_force: Version | None
    outcome: Outcome | None
    endpoints: tuple[EndpointHealth, ...] = ()
    findings: tuple[Finding, ...] = ()
    reach: tuple[Reach, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    counters: Counters = field(default_factory=lambda: NOT_COUNTED)
    guard: GuardSeen | None = None
    sockets: SocketsMark | None = None


class Pulse:
    """Whether a report is worth sending: it says something new, or the last one is a heartbeat ago (seconds).

    Counts of bytes and packets change all the time, and that something is still so is as new as the heartbeat.
    """

    def __init__(self, heartbeat: float) -> None:
        self._heartbeat = heartbeat
        self._last: tuple[Report, float] | None = None

    def due(self, report: Report, now: float) -> bool:
        if self._last is None:
            return True
        said, at = self._last
        return now - at >= self._heartbeat or _news(report) != said

    def taken(self, report: Report, now: float) -> None:
        """Control has it."""
        self._last = (_news(report), now)

    def lost(self) -> None:
        self._last = None


def _news(report: Report) -> Report:
    return replace(
        report,
        at=_NEVER,
        peers=tuple(replace(peer, received_bytes=0, sent_bytes=0) for peer in report.peers),
        members=tuple(replace(member, received_bytes=0) for member in report.members),
        handshake_packets=0,
        newcomer_packets=0,
        guard=None if report.guard is None else replace(report.guard, read_at=_NEVER),
        sockets=None if report.sockets is None else replace(report.sockets, at=_NEVER),
    )


def make_report(node: NodeName, at: datetime, observed: Mapping[str, Observed], said: Said) -> Report:
    outcome = said.outcome
    return Report(
        node=node,
        at=at,
        agent_version=__version__,
        version=said.in_force or NOTHING_YET,
        state=ApplyState.APPLYING if outcome is None else outcome.state,
        detail="" if outcome is None else outcome.detail,
        peers=_peers(observed.get("mesh")),
        members=_members(observed.get("mesh")),
        endpoints=said.endpoints,
        findings=_unique((*_of_outcome(outcome), *_of_observed(observed), *said.findings)),
        reach=said.reach,
        handshake_packets=said.counters.get(ARRIVED, (0, 0))[0],
        certificates=said.certificates,
        newcomer_packets=said.counters.get(NEWCOMERS, (0, 0))[0],
        guard=said.guard,
        sockets=said.sockets,
    )


def control_away(error: GridwireError) -> Finding:
    return Finding(id="control-away", severity=Severity.WARNING, where="agent", what=error.what, fix=error.fix)


def _peers(mesh: Observed | None) -> tuple[PeerSeen, ...]:
    if isinstance(mesh, Known) and isinstance(mesh.value, MeshObserved):
        return mesh.value.peers
    return ()


def _members(mesh: Observed | None) -> tuple[MemberSeen, ...]:
    return mesh.value.members if isinstance(mesh, Known) and isinstance(mesh.value, TailnetObserved) else ()


def _of_outcome(outcome: Outcome | None) -> tuple[Finding, ...]:
    if outcome is None or outcome.error is None:
        return ()
    waiting = outcome.state in (ApplyState.APPLYING, ApplyState.IN_SYNC)
    where, colon, _ = outcome.error.what.partition(":")
    return (
        Finding(
            id=outcome.error.code,
            severity=Severity.WARNING if waiting else Severity.CRITICAL,
            where=where if colon and where.isalpha() else "agent",
            what=outcome.error.what,
            fix=outcome.error.fix,
        ),
    )


def _of_observed(observed: Mapping[str, Observed]) -> tuple[Finding, ...]:
    return tuple(
        Finding(id="unknown", severity=Severity.WARNING, where=name, what=seen.reason)
        for name, seen in sorted(observed.items())
        if isinstance(seen, Unknown)
    )


def _unique(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(findings))
