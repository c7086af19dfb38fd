"""What agents last said, in memory: a restart of control asks for nothing, the next heartbeats fill it again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from gridwire.core.addressing import Address, Prefix
from gridwire.core.fleet import Fleet, Node
from gridwire.core.health import EndpointHealth, Health
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.tailnet import MemberSeen
from gridwire.core.targets import Target, consents
from gridwire.protocol.agent import Report

REPORT_FRESH: Final = timedelta(seconds=30)  # three heartbeats
_CLOCK: Final = timedelta(seconds=2)  # less is the way here, and a busy host
TUNNEL_FRESH: Final = timedelta(seconds=180)  # REJECT_AFTER_TIME: an older session carries nothing (WireGuard §6.2)

Version = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A report and when it came, by control's clock. ``sessions``: the latest handshake by public key; ``last``: the
    same, with those that its device has forgotten since, as it does of a peer that is renewed; ``checks``: what it says
    of endpoints; ``ways``: of each node that it settled something of, why nothing there answers, empty where something
    does. They are looked up for every page, and a report comes every ten seconds."""

    report: Report
    at: datetime
    sessions: Mapping[str, datetime] = field(default_factory=dict, compare=False)
    last: Mapping[str, datetime] = field(default_factory=dict, compare=False)
    checks: Mapping[tuple[ServiceName, NodeName], EndpointHealth] = field(default_factory=dict, compare=False)
    ways: Mapping[NodeName, str] = field(default_factory=dict, compare=False)

    _allowed: dict[int, tuple[Target, Prefix, bool]] = field(default_factory=dict, compare=False, repr=False)

    def allows(self, target: Target, mesh: Prefix) -> bool:
        """Whether the node consents to a target; judged once for as long as the report and the target are the latest.

        Looked up by identity: to hash an address and a prefix takes longer than all else of an endpoint's state.
        """
        kept = self._allowed.get(id(target))
        if kept is None or kept[0] is not target or kept[1] != mesh:
            kept = self._allowed[id(target)] = (target, mesh, consents(self.report.reach, target, mesh))
        return kept[2]

    @classmethod
    def of(cls, report: Report, at: datetime, before: Heard | None = None) -> Heard:
        """``before``: what the same node said last."""
        sessions: dict[str, datetime] = {
            peer.public_key: peer.latest_handshake for peer in report.peers if peer.latest_handshake is not None
        }
        ahead = report.at - at
        said = (_by_own_clock(check, ahead) for check in report.endpoints) if abs(ahead) > _CLOCK else report.endpoints
        checks = {(check.service, check.node): check for check in said}
        known = {} if before is None else before.last
        kept: dict[str, datetime] = {
            peer.public_key: known[peer.public_key] for peer in report.peers if peer.public_key in known
        }
        last = {**kept, **sessions}
        return cls(report=report, at=at, sessions=sessions, last=last, checks=checks, ways=_ways(report))

    def fresh(self, now: datetime) -> bool:
        return now - self.at <= REPORT_FRESH


def _ways(report: Report) -> dict[NodeName, str]:
    found: dict[NodeName, str] = {}
    for check in report.endpoints:
        if check.health in (Health.UP, Health.DOWN):
            found[check.node] = ""
        elif check.health is Health.UNKNOWN and found.get(check.node) != "":
            found[check.node] = check.reason or "nothing there answers"
    return found


def _by_own_clock(check: EndpointHealth, ahead: timedelta) -> EndpointHealth:
    """With the moment as control's clock has it: that of who saw it is ``ahead``."""
    return check if check.since is None else replace(check, since=check.since - ahead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """UDP packets on the WireGuard ports of all gateways, and how many of them begin a newcomer's handshake."""

    packets: int = 0
    newcomers: int = 0

    def since(self, before: Arrived) -> Arrived:
        """What came after ``before``; all of it where a gateway's counter began anew meanwhile."""
        if self.packets < before.packets or self.newcomers < before.newcomers:
            return self
        return Arrived(packets=self.packets - before.packets, newcomers=self.newcomers - before.newcomers)


AllHeard = MappingProxyType[Address, Heard]


class Reports:
    """By mesh address, which a node keeps when it is renamed. Reading gives a mapping that never changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[Address, Heard] = {}
        self._before: dict[str, Arrived] = {}
        self.taken = 0

    def take(self, node: Node, report: Report, at: datetime) -> None:
        with self._lock:
            heard = Heard.of(report, at, self._heard.get(node.address))
            self._heard = {**self._heard, node.address: heard}
            self.taken += 1

    def all(self) -> AllHeard:
        return MappingProxyType(self._heard)

    def mark(self, ephemeral_key: str, arrived: Arrived) -> None:
        """Remember the gateways' counts of now, from which an invitation's are counted."""
        with self._lock:
            self._before[ephemeral_key] = arrived

    def since_mark(self, ephemeral_key: str, arrived: Arrived) -> Arrived:
        return arrived.since(self._before.get(ephemeral_key, Arrived()))


def members_seen(fleet: Fleet, heard: AllHeard) -> dict[Address, MemberSeen]:
    """The nodes of the tailnet as the gateways last saw them, by each of their addresses."""
    reports = [heard[gateway.address].report for gateway in fleet.gateways() if gateway.address in heard]
    return {address: seen for report in reports for seen in report.members for address in seen.member.addresses}


def arrived(fleet: Fleet, heard: AllHeard) -> Arrived:
    reports = [heard[gateway.address].report for gateway in fleet.gateways() if gateway.address in heard]
    return Arrived(
        packets=sum(report.handshake_packets for report in reports),
        newcomers=sum(report.newcomer_packets for report in reports),
    )


def behind(fleet: Fleet, heard: AllHeard, version: Version) -> tuple[Node, ...]:
    """The active gateways that have not reported ``version``, or a newer one, as in force."""
    return tuple(
        gateway
        for gateway in fleet.gateways()
        if gateway.address not in heard or heard[gateway.address].report.version < version
    )


def reporting(fleet: Fleet, heard: AllHeard, now: datetime) -> tuple[Node, ...]:
    """The active gateways whose last report is fresh."""
    return tuple(g for g in fleet.gateways() if g.address in heard and heard[g.address].fresh(now))
