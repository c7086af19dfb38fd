"""How times, tunnels and lists read in a table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from gridwire.core.errors import Invalid
from gridwire.core.fleet import Tag
from gridwire.core.health import Health
from gridwire.core.names import shown
from gridwire.protocol.api import EndpointView

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MARKS = {Health.UP: "✓", Health.DOWN: "✗", Health.REFUSED: "refused"}


def seconds_of(text: str, field: str, *, digits: int = 7, units: str = "smhd") -> int:
    """``90s``, ``30m``, ``1h``, ``7d`` → seconds; raise Invalid."""
    number, unit = text[:-1], text[-1:]
    whole = number.isascii() and number.isdigit() and len(number) <= digits and int(number) > 0
    if not whole or not unit or unit not in units:
        raise Invalid(field, f"{shown(text)} is not a length of time", fix="write it like 30m, 1h or 2d")
    return int(number) * _UNITS[unit]


def milliseconds_of(text: str, field: str) -> int:
    """``500ms``, ``2s``, ``1m`` → milliseconds; raise Invalid."""
    number = text.removesuffix("ms")
    if number != text and number.isascii() and number.isdigit() and len(number) <= 7 and int(number):
        return int(number)
    try:
        return seconds_of(text, field) * 1000
    except Invalid as error:
        raise Invalid(field, error.what, fix="write it like 500ms, 2s or 1m") from None


def milliseconds(number: int) -> str:
    """As milliseconds_of reads it."""
    if number % 1000:
        return f"{number}ms"
    return f"{number // 60_000}m" if number % 60_000 == 0 else f"{number // 1000}s"


def ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def moment(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def lasting(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds > 1.5 * length:
            return f"{round(seconds / length)} {unit}"
    return f"{seconds} seconds"


def tunnel(connected: bool | None) -> str:
    return "unknown" if connected is None else "connected" if connected else "down"


def listed(items: Iterable[object], nothing: str = "nobody") -> str:
    return ", ".join(str(item) for item in items) or nothing


def tag_list(tags: Iterable[Tag]) -> str:
    return " ".join(f"{key}={value}" for key, value in tags)


def endpoint_list(endpoints: tuple[EndpointView, ...]) -> str:
    """``3 endpoints (home-1 ✓, home-2 ✗ connection refused, home-3 unknown: its tunnel is down)``."""
    if not endpoints:
        return "no endpoint yet"
    each = ", ".join(f"{e.node} {endpoint_state(e)}" for e in endpoints)
    return f"{len(endpoints)} endpoint{'' if len(endpoints) == 1 else 's'} ({each})"


def endpoint_state(endpoint: EndpointView) -> str:
    """``✗ connection refused``. What an edge refuses is said with the command that allows it, elsewhere."""
    mark = _MARKS.get(endpoint.health, str(endpoint.health))
    if not endpoint.reason or endpoint.health is Health.REFUSED:
        return mark
    return f"{mark} {endpoint.reason}" if endpoint.health in (Health.UP, Health.DOWN) else f"{mark}: {endpoint.reason}"
