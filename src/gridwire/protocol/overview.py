"""Are users failing now, at which hop, what changed just before, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gridwire.core.health import Standing
from gridwire.core.names import HostName, RouteName
from gridwire.core.perimeter import Severity
from gridwire.core.perimeter_verdict import PerimeterVerdict
from gridwire.core.revision import Revision
from gridwire.protocol.explanation import Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingRoute:
    """A route that serves nobody, or not from every endpoint; ``hops`` from its gateway, first its worst endpoint.

    ``since``: when that one turned so, as far as that is known."""

    route: RouteName
    url: str
    standing: Standing
    hops: tuple[Hop, ...]
    since: datetime | None = None


class Need(StrEnum):
    """What wants a person."""

    PENDING = "pending"
    QUARANTINED = "quarantined"
    REVOKING = "revoking"
    FAILED = "failed"
    AWAY = "away"
    SILENT = "silent"
    BEHIND = "behind"
    CLOCK = "clock"
    FINDING = "finding"
    UNSERVED = "unserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """``subject``: whom it is about; with several alike the first, and ``others`` besides. ``since``: where known."""

    need: Need
    severity: Severity
    subject: str
    what: str
    fix: str = ""
    since: datetime | None = None
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """``nodes_up`` of ``nodes_known``, those whose tunnel should stand; ``nodes_unknown`` of them nobody can tell.
    ``failing``: the worst of ``failing_count`` routes."""

    at: datetime
    suffix: HostName
    epoch: int
    revision: int
    version: str
    nodes_up: int
    nodes_known: int
    nodes_unknown: int
    routes: int
    failing: tuple[FailingRoute, ...]
    failing_count: int
    perimeter: PerimeterVerdict
    changes: tuple[Revision, ...]
    attention: tuple[Attention, ...]
    attention_count: int
