"""Traffic: what gateways count, and what people are shown of it.

    POST /api/v1/agent/traffic   Counted   → 204   a gateway's own counts, by its agent, at most once a second
    GET  /api/v1/traffic?of=KIND&name=&since=&until=&step=   → Series
    GET  /api/v1/traffic/top?of=KIND&by=RANK&seconds=        → Top

Counts are of the time since the last line, so that nothing begins anew when nginx or an agent does. A ``Row`` is as
nginx writes it (gridwire/lua/gridwire/traffic.lua): route, service, node, requests, errors, errors of gridwire's own,
bytes in, bytes out, and the histogram as bucket, number, bucket, number…; "-" where there was none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gridwire.core.traffic import Kind, Rank

COUNTED_PATH = "/api/v1/agent/traffic"
TRAFFIC_PATH = "/api/v1/traffic"
TOP_PATH = "/api/v1/traffic/top"

Row = tuple[str, str, str, int, int, int, int, int, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """``at``: Unix seconds, by the gateway's clock."""

    at: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    seconds: tuple[Second, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts of a time. ``errors``: answers of 5xx, ``own`` of them gridwire's; bytes with heads. Percentiles in
    milliseconds, at most 1/16 off; none where nothing was answered."""

    requests: int
    errors: int
    own: int
    received: int
    sent: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    at: datetime
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """``step``: seconds that a point covers; more than was asked for where less is not kept."""

    of: Kind
    name: str
    step: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    name: str
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The first by ``by`` over the last ``seconds``."""

    of: Kind
    by: Rank
    seconds: int
    items: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    of: Kind
    name: str
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficNow:
    """Of the stream, once a second: the last second of all gateways, and of what the reader asked to watch."""

    at: datetime
    totals: Figures
    watched: tuple[Watched, ...] = ()
