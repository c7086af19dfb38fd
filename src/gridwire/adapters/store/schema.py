"""Bring a database to the newest schema, at start, in one transaction, with a copy of the SQLite file before it."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect, text

from gridwire.adapters.store.engine import WRITES, sqlite_path
from gridwire.adapters.store.tables import metadata
from gridwire.core.errors import Unavailable

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

HEAD: Final = "0003"


def migrate(engine: Engine) -> str | None:
    """Migrate where needed; the path of the backup where one was made.

    Raise Unavailable for a database of a newer gridwire: its rows would be misread.
    """
    path = sqlite_path(engine)
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        current = _current(connection)
        if current == HEAD:
            return None
        # Under the write lock nobody commits between the copy and the migration.
        backup = _backup(path, current) if path is not None and current is not None else None
        _upgrade(connection)
    return backup


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _backup(path: Path, current: str) -> str:
    target = path.with_name(f"{path.name}.before-{HEAD}-from-{current}")
    source = sqlite3.connect(path)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    target.chmod(0o600)
    return str(target)


def _upgrade(connection: Connection) -> None:
    from alembic.config import Config  # imported late: 0.3 s that a start without a migration does not pay
    from alembic.runtime.environment import EnvironmentContext
    from alembic.util import CommandError

    scripts = _scripts()
    try:
        with EnvironmentContext(Config(), scripts, fn=lambda rev, _: scripts._upgrade_revs("head", rev)) as environment:
            environment.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
            environment.run_migrations()
    except CommandError as error:
        raise Unavailable(
            f"the database was written by another gridwire ({error})", fix="run the version that wrote it, or restore"
        ) from error


@cache
def _scripts() -> ScriptDirectory:
    """Alembic's scripts, read once: an unprivileged control may not be able to read them any more."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    scripts.get_heads()
    return scripts
