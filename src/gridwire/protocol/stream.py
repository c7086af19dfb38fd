"""What control says without being asked: server-sent events, for panels and for ``--watch``.

    GET /api/v1/stream[?watch=KIND:NAME&watch=…]   Last-Event-ID: ID   → text/event-stream

    revision   Revised         the newest revision: at the start, and when there is another
    event      Event           a line of the audit chain
    nodes      NodesChanged    nodes that are another thing now than they were
    health     HealthChanged   endpoints likewise
    alert      AlertTurned     an alert opened, or is over
    traffic    TrafficNow      once a second: the second before, and of what the reader watches; without an id
    resync     Resync          what came before this was lost to this reader: ask for everything again

Ids are opaque. A reader that comes back with the last id that it saw gets what it missed, or ``resync`` where that is
no longer kept. There is no other heartbeat than ``traffic``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gridwire.core.fleet import NodeState
from gridwire.core.health import Health
from gridwire.core.names import NodeName, ServiceName
from gridwire.protocol.agent import ApplyState
from gridwire.protocol.audit import Event
from gridwire.protocol.notifications import AlertTurned
from gridwire.protocol.traffic import TrafficNow

STREAM_PATH = "/api/v1/stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    number: int
    epoch: int
    at: datetime
    author: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNow:
    """What of a NodeView turns; the rest is asked for by name. ``findings``: how many. ``reports``: whether its agent
    does, lately; none: it has never."""

    node: NodeName
    state: NodeState
    connected: bool | None
    unreached: bool
    behind: bool | None
    apply: ApplyState | None
    drained: bool
    findings: int
    reports: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesChanged:
    """``gone``: names that no live node has any more."""

    nodes: tuple[NodeNow, ...]
    gone: tuple[NodeName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointNow:
    service: ServiceName
    node: NodeName
    health: Health
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChanged:
    """``gone``: (service, node) that is no endpoint any more."""

    endpoints: tuple[EndpointNow, ...]
    gone: tuple[tuple[ServiceName, NodeName], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    reason: str


Told = Revised | Event | NodesChanged | HealthChanged | AlertTurned | TrafficNow | Resync
