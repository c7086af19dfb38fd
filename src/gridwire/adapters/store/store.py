"""The store: transactions over one database, many readers and one writer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gridwire.adapters.store.commits import Commits
from gridwire.adapters.store.engine import BUSY_SECONDS, WRITES, make_engine
from gridwire.adapters.store.reading import Reading, Snapshot
from gridwire.adapters.store.schema import migrate
from gridwire.adapters.store.writing import Writing
from gridwire.core.errors import Unavailable


def open_store(database_url: str) -> Store:
    """Connect and migrate; raise Unavailable where the database is away, locked or of a newer gridwire."""
    engine = make_engine(database_url)
    with _as_unavailable():
        migrate(engine)
    return Store(engine)


class Store:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Threads of this process queue here rather than poll SQLite's lock; other processes wait there.
        self._writer = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._commits = Commits(engine)
        self._looked: tuple[int, Snapshot] | None = None  # a number of commits, and what there was then or later

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One read transaction; raise Unavailable where the database does not answer."""
        with _as_unavailable(), self._engine.connect() as connection, connection.begin():
            reading = Reading(connection, self._snapshot)
            yield reading
        self._remember(reading)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """One write transaction, committed at the end of the block, rolled back by an error."""
        if not self._writer.acquire(timeout=BUSY_SECONDS):
            raise _busy("too many changes wait")
        try:
            with (
                _as_unavailable(),
                self._engine.connect().execution_options(**{WRITES: True}) as connection,
                connection.begin(),
            ):
                writing = Writing(connection, self._snapshot)
                yield writing
            self._remember(writing)
        finally:
            self._writer.release()

    def snapshot(self) -> Snapshot:
        """The fleet as it is now; parsed once per revision. Raise Unavailable before there is one."""
        number, looked = self._commits.number(), self._looked
        if number is not None and looked is not None and looked[0] == number:
            return looked[1]
        with self.reading() as reading:
            snapshot = reading.snapshot()
        self._looked = None if number is None else (number, snapshot)
        return snapshot

    def commits(self) -> int | None:
        """Another number after each commit, of this process or another; none where nobody can tell."""
        return self._commits.number()

    def _remember(self, transaction: Reading) -> None:
        """Keep the newest snapshot, once its transaction is over: one that was rolled back never gets here."""
        newer, older = transaction.remembered, self._snapshot
        if newer is not None and (older is None or newer.version > older.version):
            self._snapshot = newer

    def close(self) -> None:
        self._commits.close()
        self._engine.dispose()


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error, PoolTimeout) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise _busy(str(cause)) from error


def _busy(why: str) -> Unavailable:
    return Unavailable(
        f"the database does not answer: {why}",
        fix="see who holds it and whether its disk is full, then ask again; nothing was changed",
        code="database",
    )
