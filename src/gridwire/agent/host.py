"""What the agent works on, and how often: built by ``wiring``, or by a test from sections in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gridwire.agent.dead_man import ROLL_BACK_SECONDS
from gridwire.agent.listening import HostSockets
from gridwire.agent.section import Section
from gridwire.agent.traffic import Counts
from gridwire.core import paths
from gridwire.core.addressing import Address
from gridwire.core.certificates import Certificate
from gridwire.core.health import Health
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.perimeter import Finding
from gridwire.core.targets import Reach
from gridwire.protocol.agent import ApplyState

_QUICK_TRIES = 30  # while something is not there yet: what starts late is rarely later than ten seconds
Wake = Callable[[], None]


class Watch(Protocol):
    def close(self) -> None: ...


def no_reach() -> tuple[Reach, ...]:
    return ()


def no_nginx() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """All in seconds. ``report``: from one look at whether there is something to report to the next; ``heartbeat``: how
    long one report may be all that is said. ``witness``: at most, from one look at the audit chain to the next.
    ``hold``: how long a spec that was rolled back rests before it is tried once more. ``bare``: how long nginx may go
    on serving while the guard cannot be made to stand."""

    heal: float = 2.0
    waiting: float = 0.3
    long_waiting: float = 1.0
    failed: float = 0.5
    bare: float = 2.0
    longest_failed: float = 10.0
    report: float = 5.0
    heartbeat: float = 10.0
    witness: float = 60.0
    poll: float = 25.0
    away: float = 0.2
    longest_away: float = 5.0
    dead_man: float = ROLL_BACK_SECONDS
    hold: float = 5.0
    rotate: float = 60.0
    sockets: float = 10.0

    def unsettled(self, state: ApplyState, tries: int) -> float | None:
        """How long to wait after so many tries that did not end in sync; none where the last one did."""
        if state is ApplyState.APPLYING:
            return self.waiting if tries <= _QUICK_TRIES else self.long_waiting
        if state is ApplyState.FAILED:
            return float(min(self.failed * 2 ** min(tries - 1, 10), self.longest_failed))
        # What stands after a roll back is looked at at once.
        return 0.0 if state is ApplyState.ROLLED_BACK else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The sections, and what they offer besides observe, plan and apply; all of it blocks and may raise GridwireError.

    ``door``: the socket by which this host's nginx is asked. ``watches`` start threads that call back when the host
    changed. ``end_nginx`` ends ours and tells whether there was one: it may not serve without the guard.
    ``push_health`` hands verdicts to nginx; ``received`` gives the bytes that came through the mesh from each address;
    ``counters`` the guard's, of core.guard.COUNTERS: (packets, bytes). ``follow_address`` where somebody else gives
    addresses: whether this node's identity was saved anew, and with it another agent begins. ``counts``: nginx's of
    traffic; waiting for them blocks nobody. ``certificates``: a gateway's authority and what its nginx shows, as last
    seen.
    """

    sections: tuple[Section, ...]
    reach: Callable[[], tuple[Reach, ...]] = no_reach
    door: str = paths.DOOR_SOCKET
    watches: tuple[Callable[[Wake], Watch], ...] = ()
    end_nginx: Callable[[], bool] = no_nginx
    push_health: Callable[[Mapping[tuple[ServiceName, NodeName], Health]], object] | None = None
    kill_sockets: Callable[[tuple[Address, ...]], object] | None = None
    received: Callable[[], dict[Address, int]] | None = None
    rotate_logs: Callable[[], object] | None = None
    counters: Callable[[], Mapping[str, tuple[int, int]]] | None = None
    sockets: HostSockets | None = None
    follow_address: Callable[[], bool] | None = None
    counts: Counts | None = None
    findings: tuple[Callable[[], tuple[Finding, ...]], ...] = ()
    certificates: Callable[[], tuple[Certificate, ...]] | None = None
