"""How a service is checked, and how single results become a state.

rise and fall, as in HAProxy: so many results in a row turn a state over. What lies behind a tunnel that is
down is *unknown*, never up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from gridwire.core.errors import Invalid
from gridwire.core.names import NodeName, ServiceName, shown

_CHECK_PATH = re.compile(r"/[A-Za-z0-9._~!$&()*+,;=:@%/-]{0,254}(?:\?[A-Za-z0-9._~!$&()*+,;=:@%/?-]{0,254})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """``tcp``: a connection is accepted. ``http``: GET ``path`` answers ``status``. Times in milliseconds."""

    kind: Literal["tcp", "http"] = "tcp"
    path: str = "/"
    status: int = 200
    interval_ms: int = 1000
    timeout_ms: int = 1000
    rise: int = 2
    fall: int = 2

    def __post_init__(self) -> None:
        if _CHECK_PATH.fullmatch(self.path) is None:
            raise Invalid("health.path", f"{shown(self.path)} is not a path", fix="start with '/', no spaces")
        if not 100 <= self.status <= 599:
            raise Invalid("health.status", f"{self.status} is not an HTTP status")
        for name, low, high in (("interval_ms", 100, 3_600_000), ("timeout_ms", 50, 60_000)):
            if not low <= getattr(self, name) <= high:
                raise Invalid(f"health.{name}", f"{getattr(self, name)} ms is not from {low} to {high} ms")
        for name in ("rise", "fall"):
            if not 1 <= getattr(self, name) <= 100:
                raise Invalid(f"health.{name}", f"{getattr(self, name)} is not from 1 to 100")


def parse_health(text: str, field: str = "health") -> HealthCheck:
    """``tcp``, ``http:/path`` or ``http:/path=204`` → check; raise Invalid."""
    if text == "tcp":
        return HealthCheck()
    kind, _, path = text.partition(":")
    if kind != "http" or not path:
        raise Invalid(field, f"{shown(text)} is not a check", fix="write tcp, http:/healthz or http:/healthz=204")
    head, equals, status = path.rpartition("=")
    if equals and len(status) == 3 and status.isascii() and status.isdigit() and "?" not in head:
        return HealthCheck(kind="http", path=head, status=int(status))
    return HealthCheck(kind="http", path=path)


class Health(StrEnum):
    UP = "up"
    DOWN = "down"
    CHECKING = "checking"
    UNKNOWN = "unknown"
    REFUSED = "refused"  # the edge does not consent to the target


class Standing(StrEnum):
    """How a service, or a route to it, stands; the worst first."""

    FAILING = "failing"  # nobody is served
    DEGRADED = "degraded"  # some endpoint is down
    UNKNOWN = "unknown"  # nobody can tell
    SERVING = "serving"


@dataclass(frozen=True, slots=True)
class Tally:
    """The state of one check and the run of results that speak against it."""

    health: Health = Health.CHECKING
    streak: int = 0


def count(tally: Tally, check: HealthCheck, *, passed: bool, no_path: bool = False) -> Tally:
    """The state after one more result. The first result after *checking* or *unknown* decides at once.

    ``no_path``: it failed on the way, before there was a connection. What was down is then unknown at once: it was
    known of a path that is no more, and must not cost what comes back behind it a ``rise``.
    """
    result = Health.UP if passed else Health.UNKNOWN if no_path else Health.DOWN
    settled = tally.health in (Health.UP, Health.DOWN)
    lost = tally.health is Health.DOWN and result is Health.UNKNOWN
    if not settled or lost or result is tally.health:
        return Tally(result)
    needed = check.rise if passed else check.fall
    streak = tally.streak + 1
    return Tally(result) if streak >= needed else replace(tally, streak=streak)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHealth:
    """What one node says of one endpoint; ``seen_by`` is the edge itself or the gateway, through the mesh.

    ``since``: when it turned so, by the clock of who saw it; none: not known. It is no part of what is said: two that
    say the same are equal.
    """

    service: ServiceName
    node: NodeName
    seen_by: NodeName
    health: Health
    reason: str = ""
    since: datetime | None = field(default=None, compare=False)
