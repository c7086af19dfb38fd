"""The file: one table per tier, rows by time and then by cell.

By time first: what a minute brings is written side by side, and what is too old is dropped in one piece. One cell's
day is then so many look-ups by key, 5 µs each. Losing the last seconds with the power is fine here, so
synchronous=NORMAL, and no other file waits for this one.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from gridwire.core.errors import Unavailable
from gridwire.core.traffic import Cell, Tally, unpack

LIMIT: Final = 1 << 30  # bytes of the file that hold something
MOST_CELLS: Final = 250_000  # with a name each in memory too; of what is beyond, whole gateways alone are kept

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS cells (
  id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, route TEXT NOT NULL, service TEXT NOT NULL, node TEXT NOT NULL,
  written INTEGER NOT NULL DEFAULT 0, UNIQUE (gateway, route, service, node));
CREATE TABLE IF NOT EXISTS second (at INTEGER, cell INTEGER, tally BLOB, PRIMARY KEY (at, cell)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS minute (at INTEGER, cell INTEGER, tally BLOB, PRIMARY KEY (at, cell)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarter (at INTEGER, cell INTEGER, tally BLOB, PRIMARY KEY (at, cell)) WITHOUT ROWID;
"""


class Tier(StrEnum):
    """What a row covers."""

    SECOND = "second"
    MINUTE = "minute"
    QUARTER = "quarter"

    @property
    def seconds(self) -> int:
        return {"second": 1, "minute": 60, "quarter": 900}[self.value]

    @property
    def kept(self) -> int:
        """Seconds."""
        return {"second": 3600, "minute": 86400, "quarter": 31 * 86400}[self.value]


def open_series(path: Path | None, *, limit: int = LIMIT) -> Series:
    """``path`` none: in memory. A file that is broken is put aside and begun anew: it is no truth that anything rests
    on. Raise Unavailable where there can be none."""
    if path is None:
        return Series(lambda: sqlite3.connect(":memory:", check_same_thread=False), limit)
    try:
        return Series(lambda: sqlite3.connect(path, timeout=5, check_same_thread=False), limit)
    except Unavailable as error:
        if not isinstance(error.__cause__, sqlite3.DatabaseError) or isinstance(
            error.__cause__, sqlite3.OperationalError
        ):
            raise
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(path.with_name(path.name + ".broken"))
    return Series(lambda: sqlite3.connect(path, timeout=5, check_same_thread=False), limit)


class Series:
    """For several threads; one at a time works on the file."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], limit: int) -> None:
        self._lock = threading.RLock()
        self._limit = limit
        with _as_unavailable():
            self._db = connect()
            self._db.isolation_level = None
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "trusted_schema = OFF", "cache_size = -8192"):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(_SCHEMA)
            rows = self._db.execute("SELECT id, gateway, route, service, node FROM cells")
            self._ids = {Cell(*names): number for number, *names in rows}
        self._names = {number: cell for cell, number in self._ids.items()}

    def cells(self) -> tuple[Cell, ...]:
        """All of which something may be kept."""
        return tuple(self._ids)

    def write(self, tier: Tier, at: int, tallies: Iterable[tuple[Cell, Tally]]) -> None:
        """Add to what the tier has of that time, in one transaction."""
        with self._transaction() as db:
            for cell, tally in tallies:
                if len(self._ids) >= MOST_CELLS and cell not in self._ids and (cell.route or not cell.gateway):
                    continue
                number = self._number(db, cell)
                kept = db.execute(f"SELECT tally FROM {tier} WHERE at = ? AND cell = ?", (at, number)).fetchone()  # noqa: S608
                if kept is not None:
                    whole = unpack(kept[0])
                    whole.add(tally)
                    tally = whole
                db.execute(f"REPLACE INTO {tier} VALUES (?, ?, ?)", (at, number, tally.pack()))  # noqa: S608

    def read(self, tier: Tier, cells: Iterable[Cell], since: int, until: int) -> list[tuple[int, Cell, Tally]]:
        """Rows of those cells that begin in [since, until)."""
        numbers = [self._ids[cell] for cell in cells if cell in self._ids]
        first = -(-since // tier.seconds) * tier.seconds
        times = list(range(first, until, tier.seconds))
        if not numbers or not times:
            return []
        query = (
            f"SELECT t.at, t.cell, t.tally FROM json_each(?) AS w CROSS JOIN json_each(?) AS c "  # noqa: S608
            f"CROSS JOIN {tier} AS t ON t.at = w.value AND t.cell = c.value"
        )
        with self._lock, _as_unavailable():
            rows = self._db.execute(query, (json.dumps(times), json.dumps(numbers))).fetchall()
        return [(at, self._names[cell], unpack(tally)) for at, cell, tally in rows]

    def all(self, tier: Tier, since: int, until: int) -> list[tuple[int, Cell, Tally]]:
        with self._lock, _as_unavailable():
            query = f"SELECT at, cell, tally FROM {tier} WHERE at >= ? AND at < ?"  # noqa: S608
            rows = self._db.execute(query, (since, until)).fetchall()
        return [(at, self._names[cell], unpack(tally)) for at, cell, tally in rows]

    def span(self, tier: Tier) -> tuple[int, int] | None:
        """The oldest and the newest time that the tier has."""
        with self._lock, _as_unavailable():
            low, high = self._db.execute(f"SELECT min(at), max(at) FROM {tier}").fetchone()  # noqa: S608
        return None if low is None else (low, high)

    def settle(self, at: int) -> None:
        """Make the quarter that begins at ``at`` of its minutes, in place of what it was."""
        sums: dict[Cell, Tally] = {}
        for _, cell, tally in self.all(Tier.MINUTE, at, at + Tier.QUARTER.seconds):
            sums.setdefault(cell, Tally()).add(tally)
        with self._transaction() as db:
            for cell, tally in sums.items():
                number = self._number(db, cell)
                db.execute("REPLACE INTO quarter VALUES (?, ?, ?)", (at, number, tally.pack()))
                db.execute("UPDATE cells SET written = ? WHERE id = ?", (at, number))

    def drop(self, now: int) -> None:
        """What is older than its tier keeps, and so much of the oldest that the file stays within its limit."""
        with self._transaction() as db:
            for tier in Tier:
                db.execute(f"DELETE FROM {tier} WHERE at < ?", (now - tier.kept,))  # noqa: S608
            self._forget(db, now)
        while self.used() > self._limit and self._free_some():
            pass

    def used(self) -> int:
        """Bytes of the file that hold something."""
        with self._lock, _as_unavailable():
            size, pages, free = (
                self._db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_size", "page_count", "freelist_count")
            )
        return int(size * (pages - free))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _free_some(self) -> bool:
        """The oldest of that tier that has more of what it is to keep: both shrink alike."""
        spans = {tier: self.span(tier) for tier in (Tier.MINUTE, Tier.QUARTER)}
        shares = {tier: (span[1] - span[0]) / tier.kept for tier, span in spans.items() if span is not None}
        tier = max(shares, key=lambda tier: shares[tier], default=None)
        span = None if tier is None else spans[tier]
        if tier is None or span is None or span[0] == span[1]:
            return False
        with self._transaction() as db:
            before = min(span[0] + tier.kept // 24, span[1])
            db.execute(f"DELETE FROM {tier} WHERE at < ?", (before,))  # noqa: S608
        return True

    def _forget(self, db: sqlite3.Connection, now: int) -> None:
        """Cells of which nothing is kept any more: routes come and go."""
        before = now - Tier.QUARTER.kept
        gone = db.execute("SELECT id FROM cells WHERE written > 0 AND written < ?", (before,)).fetchall()
        for (number,) in gone:
            db.execute("DELETE FROM cells WHERE id = ?", (number,))
            self._ids.pop(self._names.pop(number))

    def _number(self, db: sqlite3.Connection, cell: Cell) -> int:
        number = self._ids.get(cell)
        if number is None:
            names = (cell.gateway, cell.route, cell.service, cell.node)
            made = db.execute("INSERT INTO cells (gateway, route, service, node) VALUES (?, ?, ?, ?)", names).lastrowid
            assert made is not None
            number = self._ids[cell] = made
            self._names[number] = cell
        return number

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _as_unavailable():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                self._reload()
                raise
            self._db.execute("COMMIT")

    def _reload(self) -> None:
        rows = self._db.execute("SELECT id, gateway, route, service, node FROM cells")
        self._ids = {Cell(*names): number for number, *names in rows}
        self._names = {number: cell for cell, number in self._ids.items()}


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(
            f"the file of traffic does not answer: {error}",
            fix="see whether its disk is full; routes and nodes are not affected",
            code="series",
        ) from error
