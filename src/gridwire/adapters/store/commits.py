"""Whether anybody committed since: SQLite says so in 20 µs, where a transaction that looks takes a millisecond."""

from __future__ import annotations

import sqlite3
import threading

from sqlalchemy import Engine

from gridwire.adapters.store.engine import sqlite_path


class Commits:
    """A connection of its own, for several threads: to it each commit of another one is another number.

    sqlite.org/pragma.html#pragma_data_version
    """

    def __init__(self, engine: Engine) -> None:
        self._path = sqlite_path(engine)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def number(self) -> int | None:
        """None where it cannot be told: PostgreSQL has no such thing, and a database may be away."""
        if self._path is None:
            return None
        with self._lock:
            try:
                if self._connection is None:
                    # No waiting: a reader waits for nobody in WAL mode, but for who repairs or replaces the file.
                    uri = f"{self._path.absolute().as_uri()}?mode=rw"
                    self._connection = sqlite3.connect(uri, timeout=0, check_same_thread=False, uri=True)
                return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error:
                self._close()
                return None

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
