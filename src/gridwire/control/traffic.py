"""Traffic as gateways count it: taken in, added up, written to its own file, and shown.

Every row that comes is added to the running minute of its cell. Seconds are kept of the busiest cells, of whole
gateways and nodes, and of what somebody looks at; they are written ten at a time. A quarter of an hour is made of its
minutes when it is over. Nothing here runs while there is no traffic and nobody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from heapq import nlargest
from math import inf
from typing import Final

from gridwire.adapters.series import Series, Tier
from gridwire.core.errors import Invalid
from gridwire.core.names import NodeName
from gridwire.core.traffic import LAST, NOBODY, Cell, Kind, Rank, Tally, cells_of, name_in
from gridwire.protocol import traffic as told
from gridwire.protocol.traffic import Counted, Figures, Point, Ranked, Row, Second, Top, TrafficNow, Watched

BUSIEST: Final = 200  # pairs of route and endpoint of which seconds are kept
BUSIEST_NODES: Final = 50  # and nodes
MOST_POINTS: Final = 4000
MOST_CELLS: Final = 50_000  # of one minute; what is beyond counts in its gateway's and node's alone
MOST_WHOLES: Final = 10_000  # of nodes, of one minute: a gateway that was taken over makes names up
MOST_COUNT: Final = 1 << 53  # of one row: all that JSON's readers can tell apart, and a float can hold
MOST_LOOKED: Final = 500  # at once; who looks at more has the seconds of the last ones kept
FRESH: Final = 3  # seconds for which a gateway's last counts are its present ones
LOOKED: Final = 90  # seconds for which what somebody looked at is looked at
_WRITE: Final = 10  # seconds between two writes of seconds
_LATE: Final = 5  # seconds that a gateway's clock or agent may be behind
_OF_PARTS: Final = (Kind.ROUTE, Kind.SERVICE, Kind.ENDPOINT)  # seconds of whole gateways are kept anyway
_SKEW: Final = 120  # seconds by which a gateway's clock may be off before its counts are put to the present


class Traffic:
    """For several threads. ``clock``: control's."""

    def __init__(self, series: Series, clock: Callable[[], datetime]) -> None:
        self._series = series
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # one at a time settles and writes
        self._seconds: dict[int, dict[Cell, Tally]] = {}
        self._worthy: dict[int, dict[Cell, Tally]] = {}  # of seconds, what is to be kept
        self._minutes: dict[int, dict[Cell, Tally]] = {}
        self._last: dict[NodeName, tuple[int, dict[Cell, Tally]]] = {}  # gateway → when, its newest counts
        self._looked: dict[tuple[Kind, str], int] = {}  # until when, the last one behind the others
        self._sums_of: dict[Kind, dict[str, Tally]] = {}  # of the newest counts, for all who look at that moment
        self._summed: tuple[int, int] | None = None
        self._written = 0
        self._settled = 0
        self.taken = 0

    # --- coming in

    def take(self, gateway: NodeName, counted: Counted) -> None:
        """Raise Invalid for counts that are none; then nothing of them is taken."""
        now = self._now()
        parsed = [(_moment(second, now), _cells(gateway, second.rows)) for second in counted.seconds]
        newest: dict[Cell, Tally] = {}
        with self._lock:
            for at, cells in parsed:
                minute = self._minutes.setdefault(at - at % 60, {})
                for cell, tally in cells.items():
                    sums = minute.get(cell)
                    if sums is not None:
                        sums.add(tally)
                    elif len(minute) < _most_of(cell):
                        minute[cell] = tally.copy()
                self._seconds[at] = _together(self._seconds.get(at), cells)
                newest = _together(newest, cells)
            self._last[gateway] = (now, newest)
            self.taken += 1

    # --- once a second

    @property
    def rests(self) -> bool:
        """Whether ``tick`` has nothing to do."""
        due = self._settled + Tier.QUARTER.seconds + 60 + 2 * _LATE
        return not (self._seconds or self._worthy or self._minutes) and self._now() < due

    def tick(self) -> None:
        """Write what is due. Raise Unavailable where the file does not answer."""
        with self._writing:
            self._write(self._now(), everything=False)

    def close(self) -> None:
        """Write what there is: a minute that a restart cuts in two is added up in the file."""
        with self._writing:
            self._write(self._now(), everything=True)
        self._series.close()

    def _write(self, now: int, *, everything: bool) -> None:
        for at, cells in self._due(self._seconds, now + 1 if everything else now - _LATE):
            self._worthy[at] = _together(self._worthy.get(at), self._worth(cells, now))
        if everything or now - self._written >= _WRITE:
            self._written = now
            for at, cells in self._due(self._worthy, now + 1):
                self._series.write(Tier.SECOND, at, cells.items())
        for at, cells in self._due(self._minutes, now + 1 if everything else now - 60 - _LATE):
            self._series.write(Tier.MINUTE, at, cells.items())
        end = (now - 60 - 2 * _LATE) // Tier.QUARTER.seconds * Tier.QUARTER.seconds
        if end > self._settled:
            self._settle(end)
            self._series.drop(now)
            self._settled = end

    def _settle(self, end: int) -> None:
        minutes, quarters = self._series.span(Tier.MINUTE), self._series.span(Tier.QUARTER)
        if minutes is None:
            return
        step = Tier.QUARTER.seconds
        first = max(minutes[0] // step * step, quarters[1] if quarters is not None else 0)
        for at in range(first, end, step):
            self._series.settle(at)

    def _due(self, kept: dict[int, dict[Cell, Tally]], before: int) -> list[tuple[int, dict[Cell, Tally]]]:
        with self._lock:
            return [(at, kept.pop(at)) for at in sorted(kept) if at < before]

    def _worth(self, cells: dict[Cell, Tally], now: int) -> dict[Cell, Tally]:
        """Whole gateways, the busiest, and what is looked at."""
        kept = {cell: tally for cell, tally in cells.items() if cell.gateway and not cell.route}
        parts = [item for item in cells.items() if item[0].route]
        nodes = [item for item in cells.items() if not item[0].gateway]
        for most, some in ((BUSIEST, parts), (BUSIEST_NODES, nodes)):
            kept.update(nlargest(most, some, key=lambda item: item[1].requests) if len(some) > most else some)
        with self._lock:
            looked = {what for what, until in self._looked.items() if until >= now}
        kept.update(item for item in parts if any((kind, name_in(item[0], kind)) in looked for kind in _OF_PARTS))
        kept.update(item for item in nodes if (Kind.NODE, item[0].node) in looked)
        return kept

    # --- being looked at

    def now(self, watched: Iterable[tuple[Kind, str]]) -> TrafficNow:
        """The present second, and of what somebody watches: from here on its seconds are kept."""
        now = self._now()
        with self._lock:
            sums = [(kind, name, self._sum(now, kind, name)) for kind, name in watched]
            totals = self._sum(now, Kind.GATEWAY, "")
            for kind, name, _ in sums:
                self._look(kind, name, now)
        return TrafficNow(
            at=_moment_of(now),
            totals=_figures(totals),
            watched=tuple(Watched(of=kind, name=name, figures=_figures(tally)) for kind, name, tally in sums),
        )

    def lately(self) -> dict[str, Tally]:
        """Of the minute that runs and the one before, by route."""
        begin = self._now() // 60 * 60 - 60
        sums: dict[str, Tally] = {}
        with self._lock:
            for at, cells in self._minutes.items():
                for cell, tally in cells.items() if at >= begin else ():
                    if cell.route:
                        sums.setdefault(cell.route, Tally()).add(tally)
        return sums

    def series(self, kind: Kind, name: str, since: int, until: int, step: int | None) -> told.Series:
        """Points from ``since`` to ``until``; raise Invalid for more than MOST_POINTS of them."""
        span = until - since
        step = _step_for(span) if step is None else step
        if span <= 0:
            raise Invalid("until", "it is not after since")
        if step <= 0 or span / step > MOST_POINTS:
            raise Invalid("step", f"that is more than {MOST_POINTS} points", fix=f"ask for {_step_for(span)} s or more")
        tier = _tier_for(step)
        if tier is Tier.SECOND:
            with self._lock:
                self._look(kind, name, self._now())
        with self._writing:  # what is between memory and file is in neither
            sums = self._sums(tier, kind, name, since, until, step)
            if tier is Tier.SECOND:
                whole = self._sums(Tier.MINUTE, kind, name, since, until, 60)
                if sum(t.requests for t in sums.values()) < _inside(whole, since, until):
                    step, sums = 60, whole  # its seconds were not kept: it was not among the busiest
        first = since - since % step
        return told.Series(
            of=kind,
            name=name,
            step=step,
            points=tuple(
                Point(at=_moment_of(at), figures=_figures(sums.get(at, Tally()))) for at in range(first, until, step)
            ),
        )

    def top(self, kind: Kind, by: Rank, seconds: int, limit: int) -> Top:
        now = self._now()
        since = now - seconds
        tier = Tier.MINUTE if seconds <= Tier.QUARTER.seconds else Tier.QUARTER
        sums: dict[str, Tally] = {}
        with self._writing:
            rows = (*self._series.all(tier, since, now + 1), *self._pending(tier, since, now + 1))
        for _, cell, tally in rows:
            name = name_in(cell, kind)
            if name is not None:
                sums.setdefault(name, Tally()).add(tally)
        ranked = nlargest(limit, sums.items(), key=lambda item: (_rank(item[1], by), item[0]))
        items = tuple(Ranked(name=name, figures=_figures(tally)) for name, tally in ranked)
        return Top(of=kind, by=by, seconds=seconds, items=items)

    def _sums(self, tier: Tier, kind: Kind, name: str, since: int, until: int, step: int) -> dict[int, Tally]:
        since -= since % step
        sums: dict[int, Tally] = {}
        kept = self._series.read(tier, cells_of(self._series.cells(), kind, name), since, until)
        pending = self._pending(tier, since, until)
        wanted = set(cells_of({cell for _, cell, _ in pending}, kind, name))
        for at, _, tally in (*kept, *(row for row in pending if row[1] in wanted)):
            sums.setdefault(at - at % step, Tally()).add(tally)
        return sums

    def _pending(self, tier: Tier, since: int, until: int) -> list[tuple[int, Cell, Tally]]:
        """What of a tier is not in the file yet."""
        with self._lock:
            kept = (self._seconds, self._worthy) if tier is Tier.SECOND else (self._minutes,)
            found = [
                (at, cell, tally.copy())
                for one in kept
                for at, cells in one.items()
                if since <= at < until
                for cell, tally in cells.items()
            ]
        if tier is Tier.QUARTER:
            last = self._series.span(Tier.QUARTER)
            begin = max(since, 0 if last is None else last[1] + Tier.QUARTER.seconds)
            found += self._series.all(Tier.MINUTE, begin, until)
        return found

    def _look(self, kind: Kind, name: str, now: int) -> None:
        self._looked.pop((kind, name), None)
        self._looked[kind, name] = now + LOOKED
        while len(self._looked) > MOST_LOOKED:
            del self._looked[next(iter(self._looked))]

    def _sum(self, now: int, kind: Kind, name: str) -> Tally:
        """Of the newest counts. They are walked through once for a kind, not once for everybody who looks: that is
        done on the event loop's thread."""
        if self._summed != (now, self.taken):
            self._summed, self._sums_of = (now, self.taken), {}
        sums = self._sums_of.get(kind)
        if sums is None:
            sums = self._sums_of[kind] = {}
            for at, cells in self._last.values():
                for cell, tally in cells.items() if now - at <= FRESH else ():
                    if (part := name_in(cell, kind)) is not None:
                        sums.setdefault(part, Tally()).add(tally)
            if kind is Kind.GATEWAY:
                whole = Tally()
                for tally in sums.values():
                    whole.add(tally)
                sums[""] = whole
        return sums.get(name) or Tally()

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _moment(second: Second, now: int) -> int:
    return second.at if -_SKEW <= second.at - now <= _LATE else now


def _cells(gateway: NodeName, rows: tuple[Row, ...]) -> dict[Cell, Tally]:
    """By cell, whole gateways and nodes too. What is in it is not changed any more: several keep it."""
    cells: dict[Cell, Tally] = {}
    whole = Tally()
    nodes: dict[str, Tally] = {}
    for row in rows:
        tally = _tally(row)
        cell = Cell(gateway, row[0], row[1], row[2])
        cells[cell] = _sum(cells[cell], tally) if cell in cells else tally
        whole.add(tally)
        if row[2] != NOBODY:
            node = nodes.get(row[2])
            if node is None:
                node = nodes[row[2]] = Tally()
            node.add(tally)
    if rows:
        cells[Cell(gateway=gateway)] = whole
    cells.update((Cell(node=name), tally) for name, tally in nodes.items())
    return cells


def _together(before: dict[Cell, Tally] | None, cells: dict[Cell, Tally]) -> dict[Cell, Tally]:
    if not before:
        return cells
    both = dict(before)
    for cell, tally in cells.items():
        both[cell] = _sum(both[cell], tally) if cell in both else tally
    return both


def _sum(one: Tally, other: Tally) -> Tally:
    whole = one.copy()
    whole.add(other)
    return whole


def _tally(row: Row) -> Tally:
    names, counts, pairs = row[:3], row[3:8], row[8]
    if not all(0 < len(name) <= 255 and name.isprintable() for name in names):
        raise Invalid("rows", "a row has no names")
    buckets, numbers = pairs[::2], pairs[1::2]
    numeric = (*counts, *pairs)
    if min(numeric) < 0 or max(numeric) > MOST_COUNT or len(pairs) % 2 or max(buckets, default=0) > LAST:
        raise Invalid("rows", "a row has counts that cannot be")
    return Tally(*counts, histogram=dict(zip(buckets, numbers, strict=True)))


def _most_of(cell: Cell) -> float:
    """How many cells a minute may have, for this one to be another."""
    if cell.route:
        return MOST_CELLS
    return inf if cell.gateway else MOST_CELLS + MOST_WHOLES


def _figures(tally: Tally) -> Figures:
    return Figures(
        requests=tally.requests,
        errors=tally.errors,
        own=tally.own,
        received=tally.received,
        sent=tally.sent,
        p50=tally.percentile(0.5),
        p95=tally.percentile(0.95),
        p99=tally.percentile(0.99),
    )


def _rank(tally: Tally, by: Rank) -> float:
    if by is Rank.P99:
        return tally.percentile(0.99) or 0.0
    return {
        Rank.ERRORS: tally.errors,
        Rank.REQUESTS: tally.requests,
        Rank.BYTES: tally.received + tally.sent,
    }[by]


def _inside(sums: dict[int, Tally], since: int, until: int) -> int:
    """Requests of the minutes that lie in a time as wholes."""
    return sum(tally.requests for at, tally in sums.items() if at >= since and at + 60 <= until)


def _step_for(span: int) -> int:
    return next((step for most, step in ((900, 1), (3600, 10), (86400, 60), (7 * 86400, 900)) if span <= most), 3600)


def _tier_for(step: int) -> Tier:
    return Tier.SECOND if step < 60 else Tier.MINUTE if step < 900 else Tier.QUARTER


def _moment_of(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
