"""What agents last said, in memory: a restart of control asks for nothing, the next heartbeats fill it again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from gridwire.core.addressing import Address
from gridwire.core.fleet import Fleet, Node
from gridwire.protocol.agent import Report

REPORT_FRESH: Final = timedelta(seconds=30)  # three heartbeats
TUNNEL_FRESH: Final = timedelta(seconds=180)  # REJECT_AFTER_TIME: an older session carries nothing (WireGuard §6.2)

Version = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A report and when it came, by control's clock."""

    report: Report
    at: datetime

    def fresh(self, now: datetime) -> bool:
        return now - self.at <= REPORT_FRESH


AllHeard = MappingProxyType[Address, Heard]


class Reports:
    """By mesh address, which a node keeps when it is renamed. Reading gives a mapping that never changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[Address, Heard] = {}
        self._packets_before: dict[str, int] = {}
        self.taken = 0

    def take(self, node: Node, report: Report, at: datetime) -> None:
        with self._lock:
            self._heard = {**self._heard, node.address: Heard(report=report, at=at)}
            self.taken += 1

    def all(self) -> AllHeard:
        return MappingProxyType(self._heard)

    def mark_packets(self, ephemeral_key: str, packets: int) -> None:
        """Remember the gateways' packet count of now, from which an invitation's are counted."""
        with self._lock:
            self._packets_before[ephemeral_key] = packets

    def packets_since(self, ephemeral_key: str, packets: int) -> int:
        """Packets since the mark; all of them where a gateway's counter began anew meanwhile."""
        before = self._packets_before.get(ephemeral_key, 0)
        return packets - before if packets >= before else packets


def packets_arrived(fleet: Fleet, heard: AllHeard) -> int:
    """UDP packets on the WireGuard ports of all gateways."""
    return sum(heard[g.address].report.handshake_packets for g in fleet.gateways() if g.address in heard)


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
