"""Being told: destinations, what waits to be sent, maintenance, and the alerts that are open.

    GET    /api/v1/notifications[/NAME]                      Notification
    PUT    /api/v1/notifications/NAME         Wanted         Notification   the whole of it, its secrets too
    DELETE /api/v1/notifications/NAME                        204
    POST   /api/v1/notifications/NAME/test                   Delivery       sent now, and what came of it
    GET    /api/v1/maintenance                               Maintenance
    POST   /api/v1/maintenance                Window         Maintenance
    DELETE /api/v1/maintenance/ID                            204
    GET    /api/v1/alerts                                    AlertView

A webhook gets ``Told`` as JSON. Where it has a key: ``X-Gridwire-Signature: t=SECONDS,v1=HEX``, HMAC-SHA256 over
``SECONDS.BODY``. ``id`` is the same when one notice is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gridwire.core.alerts import AlertKind, Turn, Window
from gridwire.core.notifications import Destination

SIGNATURE_HEADER = "X-Gridwire-Signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """``only``: these kinds of alerts; none: all."""

    to: Destination
    only: tuple[AlertKind, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came of the last try."""

    at: datetime
    ok: bool
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """``told``: where to, without what is secret; ``waiting``: notices that are not delivered yet."""

    name: str
    kind: str
    told: str
    only: tuple[AlertKind, ...]
    waiting: int = 0
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    id: str
    window: Window
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert that is open. ``since``: bad since then; ``silent``: a maintenance window covers it; ``flaps``: it comes
    and goes, and is not told again before it rests."""

    kind: AlertKind
    subject: str
    what: str
    fix: str
    since: datetime
    opened: datetime
    silent: bool
    flaps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTurned:
    """Of the stream."""

    turn: Turn
    alert: AlertView


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice, as it is sent. ``grid``: the suffix of its names."""

    id: str
    turn: Literal["opened", "cleared", "test"]
    grid: str
    at: datetime
    kind: str
    subject: str
    what: str
    fix: str = ""
    since: datetime | None = None

    @property
    def title(self) -> str:
        return {"opened": "", "cleared": "over: ", "test": "test: "}[self.turn] + f"{self.subject} ({self.grid})"
