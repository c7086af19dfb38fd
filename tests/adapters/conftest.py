"""A database of each kind that control can have."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import create_engine, text


def _programs() -> Path | None:
    """Where PostgreSQL's own programs are: Debian keeps them off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    there = shutil.which("initdb")
    return found[0].parent if found else None if there is None else Path(there).parent


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server of its own, on a Unix socket; it runs as nobody, for it refuses root."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    nobody = pwd.getpwnam("nobody")
    as_nobody: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid} if os.geteuid() == 0 else {}
    with TemporaryDirectory(prefix="gridwire-pg-") as folder:
        if as_nobody:
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        data = f"{folder}/data"
        make = [str(programs / "initdb"), "-D", data, "-U", "gridwire", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, extra_groups=[], **as_nobody)
        run = [str(programs / "postgres"), "-D", data, "-k", folder, "-h", "", "-F"]
        with Path(folder, "log").open("wb") as log:
            server = subprocess.Popen(run, stdout=log, stderr=log, cwd=folder, extra_groups=[], **as_nobody)
        try:
            deadline = time.monotonic() + 60
            while subprocess.run([programs / "pg_isready", "-h", folder, "-q"], check=False).returncode != 0:
                assert server.poll() is None, Path(folder, "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield f"postgresql+psycopg://gridwire@/postgres?host={folder}"
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gridwire.db"
    url: str = request.getfixturevalue("postgresql")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url
