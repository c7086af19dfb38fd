"""When people are told that something is wrong, and when that it is over. Pure: one step per look at the grid.

    good ──bad──► waiting ──still bad after ``after``──► open ──good for ``quiet``──► over
                  └─good─► good                           └─bad─► open

What cannot be seen now (no gateway reports, control has just begun) neither opens nor ends anything. What opened three
times within an hour flaps: it stays open until it has been good for a quarter of an hour, so that it is told once.
While a maintenance window covers it an alert opens in silence; it is told when the window ends and it still is so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gridwire.core.errors import Invalid
from gridwire.core.names import shown


class AlertKind(StrEnum):
    NODE_DOWN = "node-down"
    ROUTE_FAILING = "route-failing"  # no endpoint serves it
    ROUTE_ERRORS = "route-errors"  # too large a share of its answers are 5xx
    CERTIFICATE = "certificate-expiring"
    PERIMETER = "perimeter-finding"


@dataclass(frozen=True, slots=True)
class Rule:
    after: timedelta
    quiet: timedelta


_MINUTE: Final = timedelta(minutes=1)
RULES: Final[Mapping[AlertKind, Rule]] = {
    AlertKind.NODE_DOWN: Rule(timedelta(seconds=30), timedelta(seconds=30)),
    AlertKind.ROUTE_FAILING: Rule(timedelta(seconds=30), timedelta(seconds=30)),
    AlertKind.ROUTE_ERRORS: Rule(_MINUTE, 2 * _MINUTE),
    AlertKind.CERTIFICATE: Rule(_MINUTE, _MINUTE),
    AlertKind.PERIMETER: Rule(timedelta(seconds=15), _MINUTE),
}
FLAPS: Final = 3  # openings
FLAPS_WITHIN: Final = timedelta(hours=1)
FLAP_QUIET: Final = timedelta(minutes=15)
ERROR_SHARE: Final = 0.1
ERROR_REQUESTS: Final = 20  # a share of fewer says nothing
CERTIFICATE_LEFT: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    kind: AlertKind
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """Something that is wrong now. ``of``: by what a maintenance window covers it (``node:a``, ``route:b``, …)."""

    key: Key
    what: str
    fix: str = ""
    of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is remembered of a key. ``since``: bad since then; ``good``: not bad any more since then; ``openings``: of
    the last hour; ``told``: people were told that it is open."""

    key: Key
    what: str
    fix: str = ""
    since: datetime | None = None
    good: datetime | None = None
    opened: datetime | None = None
    told: bool = False
    openings: tuple[datetime, ...] = ()

    @property
    def flaps(self) -> bool:
        return len(self.openings) >= FLAPS

    @property
    def lasting(self) -> bool:
        """Whether a restart must not forget it."""
        return self.opened is not None or bool(self.openings)


class Turn(StrEnum):
    OPENED = "opened"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What people are to be told. ``silent``: nobody was, or is: a maintenance window covers it."""

    turn: Turn
    held: Held
    at: datetime
    silent: bool = False


def step(
    held: Mapping[Key, Held],
    seen: Mapping[Key, Symptom],
    now: datetime,
    *,
    unknown: Callable[[Key], bool],
    muted: Callable[[Symptom], bool],
) -> tuple[dict[Key, Held], tuple[Notice, ...]]:
    """What is remembered after one look, and what is to be told, in the order of the keys."""
    after: dict[Key, Held] = {}
    notices: list[Notice] = []
    for key in sorted(held.keys() | seen.keys()):
        before, symptom = held.get(key), seen.get(key)
        kept: Held | None = before
        told: tuple[Notice, ...] = ()
        if symptom is not None:
            kept, told = _bad(before, symptom, now, silent=muted(symptom))
        elif before is not None and not unknown(key):
            kept, told = _good(before, now)
        notices += told
        if kept is not None:
            after[key] = kept
    return after, tuple(notices)


def _bad(before: Held | None, symptom: Symptom, now: datetime, *, silent: bool) -> tuple[Held, tuple[Notice, ...]]:
    kept = before if before is not None else Held(key=symptom.key, what=symptom.what)
    kept = replace(kept, what=symptom.what, fix=symptom.fix, good=None, since=kept.since or now)
    assert kept.since is not None
    if kept.opened is None:
        if now - kept.since < RULES[symptom.key.kind].after:
            return kept, ()
        kept = replace(kept, opened=now, told=not silent, openings=(*_recent(kept, now), now))
        return kept, (Notice(turn=Turn.OPENED, held=kept, at=now, silent=silent),)
    if kept.told or silent:
        return kept, ()
    kept = replace(kept, told=True)
    return kept, (Notice(turn=Turn.OPENED, held=kept, at=now),)


def _good(before: Held, now: datetime) -> tuple[Held | None, tuple[Notice, ...]]:
    if before.opened is None:
        recent = _recent(before, now)
        return (replace(before, since=None, good=None, openings=recent) if recent else None), ()
    good = before.good or now
    if now - good < (FLAP_QUIET if before.flaps else RULES[before.key.kind].quiet):
        return replace(before, good=good), ()
    over = replace(before, since=None, good=None, opened=None, told=False, openings=_recent(before, now))
    return over, (Notice(turn=Turn.CLEARED, held=before, at=now, silent=not before.told),)


def _recent(held: Held, now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in held.openings if now - at < FLAPS_WITHIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Maintenance: from ``begins`` until ``ends`` nobody is told of what is of ``of``: ``node:NAME``,
    ``tag:key=value``, ``route:NAME`` or ``all``."""

    of: str
    begins: datetime
    ends: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        kind, colon, value = self.of.partition(":")
        if self.of != "all" and (kind not in ("node", "tag", "route") or not colon or not value):
            raise Invalid(
                "of", f"{shown(self.of)} names nothing", fix="write node:NAME, tag:key=value, route:NAME or all"
            )
        if len(self.of) > 255 or len(self.reason) > 255 or not (self.of + self.reason).isprintable():
            raise Invalid("reason", "it is longer than 255 characters, or holds some that cannot be printed")
        if self.begins.tzinfo is None or self.ends.tzinfo is None:
            raise Invalid("ends", "it has no time zone", fix="write it like 2030-01-31T12:00:00Z")
        if self.ends <= self.begins:
            raise Invalid("ends", "it ends before it begins")

    def covers(self, symptom: Symptom, now: datetime) -> bool:
        return self.begins <= now < self.ends and (self.of == "all" or self.of in symptom.of)


def muted_by(windows: Collection[Window], now: datetime) -> Callable[[Symptom], bool]:
    return lambda symptom: any(window.covers(symptom, now) for window in windows)
