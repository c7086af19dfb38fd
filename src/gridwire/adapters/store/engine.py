"""The engine: who may write, and what a commit is worth.

SQLite's defaults lose updates under SQLAlchemy (measured: 180 of 200 concurrent ones; deferred transactions
failed 170, BEGIN IMMEDIATE 0), and NORMAL in WAL may lose the last commits with the power: an invitation could be
redeemed twice. Hence IMMEDIATE and FULL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from gridwire.core.errors import Invalid, Unavailable

WRITES: Final = "gridwire_writes"
BUSY_SECONDS: Final = 10
_WRITER_LOCK: Final = 0x67726964  # "grid": PostgreSQL's advisory lock that stands for BEGIN IMMEDIATE


def make_engine(database_url: str) -> Engine:
    """An engine that has not connected yet; raise Invalid for an URL that is none, Unavailable without a driver."""
    try:
        url = make_url(database_url)
        if url.get_backend_name() != "sqlite":
            engine = create_engine(url, pool_pre_ping=True)
            event.listen(engine, "begin", _begin_postgresql)
            return engine
        engine = create_engine(
            url,
            pool_size=8,
            max_overflow=56,
            connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        )
    except ArgumentError:
        raise Invalid(
            "database", "it is not a database URL", fix="write sqlite:////var/lib/gridwire/control/gridwire.db"
        ) from None
    except ImportError as error:
        raise Unavailable(
            f"the database's driver is missing ({error.name})", fix="pip install psycopg[binary]"
        ) from None
    event.listen(engine, "connect", _connect_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def sqlite_path(engine: Engine) -> Path | None:
    """The database file; none for PostgreSQL and for a database in memory."""
    if engine.url.get_backend_name() != "sqlite" or engine.url.database in (None, "", ":memory:"):
        return None
    return Path(str(engine.url.database))


def _connect_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
