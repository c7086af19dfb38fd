"""The only builder: database, grid and application put together."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog
from fastapi import FastAPI
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from gridwire.adapters.clock import utc_now
from gridwire.adapters.sealing import seal_of
from gridwire.adapters.series import Series, open_series
from gridwire.adapters.store import Store, open_store
from gridwire.control.app import create_app
from gridwire.control.grid import Grid
from gridwire.control.logins import Logins
from gridwire.control.usecases.bootstrap_fleet import bootstrap_fleet
from gridwire.core import paths
from gridwire.core.compiler import compile_spec
from gridwire.core.endpoint import split_endpoint
from gridwire.core.errors import Invalid, Unavailable
from gridwire.core.fleet import Network
from gridwire.core.names import node_name
from gridwire.core.spec import NodeSpec
from gridwire.core.tailnet import Member
from gridwire.core.wireguard import public_key as checked_key

DATABASE_URL = f"sqlite:///{paths.DATABASE}"
SEAL = "seal.key"
SERIES = "series.db"  # what it holds may be lost: it is in no backup


def bootstrap(
    database_url: str,
    network: Network,
    node_name_: str,
    public_key: str | None,
    endpoint: str | None,
    *,
    tailnet: Member | None = None,
    author: str = "root",
    owner: str | None = paths.CONTROL_USER,
    clock: Callable[[], datetime] = utc_now,
) -> NodeSpec:
    """Make the database and revision 1 with its gateway; the spec that this gateway starts from.

    ``owner``: the user that control runs as, who gets the SQLite file and its directory; none leaves them alone.
    ``public_key`` and ``endpoint``, or ``tailnet``: by what others know the gateway. Asked again with the same it
    changes nothing. Raise Conflict where another grid is there, Invalid for a wrong
    value, Unavailable where the database cannot be made.
    """
    name, key = node_name(node_name_), None if public_key is None else checked_key(public_key)
    if endpoint is not None:
        split_endpoint(endpoint)
    own_directory(database_url, owner)
    before = os.umask(0o077)  # SQLite makes its files as the umask says
    try:
        store = open_store(database_url)
    finally:
        os.umask(before)
    try:
        with store.writing() as transaction:
            fleet = bootstrap_fleet(
                transaction,
                network=network,
                name=name,
                public_key=key,
                endpoint=endpoint,
                author=author,
                now=clock(),
                tailnet=tailnet,
            )
            epoch, revision = transaction.snapshot().version
    finally:
        store.close()
        own_directory(database_url, owner)
    return compile_spec(fleet, name, epoch=epoch, revision=revision)


def build_app(
    store: Store,
    *,
    gateway: str | None,
    control_socket: str,
    local_socket: str,
    log: structlog.typing.FilteringBoundLogger,
    seal: Path,
    series: Series | None = None,
) -> FastAPI:
    """``seal``: the file with the key of what control seals; made where there is none."""
    grid = Grid(store, gateway=gateway, logins=Logins(seal=seal_of(seal)), series=series)
    return create_app(grid, control_socket=control_socket, local_socket=local_socket, log=log)


def seal_path(database_url: str) -> Path:
    """Beside a SQLite database, in a folder that only control's user may enter; else where that one would lie."""
    return (_directory(database_url) or Path(paths.CONTROL_STATE)) / SEAL


def series_beside(database_url: str) -> Series:
    """The file of traffic: beside SQLite's, or where that would be; with a database in memory in memory too."""
    if make_url(database_url).get_backend_name() != "sqlite":
        return open_series(Path(paths.CONTROL_STATE) / SERIES)
    directory = _directory(database_url)
    return open_series(None if directory is None else directory / SERIES)


def own_directory(database_url: str, owner: str | None) -> None:
    """Make the SQLite file's directory, 0700, and its files 0600; give both to ``owner`` where we are root.

    Never while this process has the database open: closing any descriptor of it gives up SQLite's locks.
    """
    directory = _directory(database_url)
    if directory is None:
        return
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        user = None if owner is None or os.geteuid() != 0 else pwd.getpwnam(owner)
        place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for path in directory.glob("*.db*"):
                _own_file(path, place, user)
            if user is not None:
                os.fchown(place, user.pw_uid, user.pw_gid)
        finally:
            os.close(place)
    except KeyError:
        raise Unavailable(
            f"there is no user {owner} for control to run as", fix=f"adduser --system --group {owner}"
        ) from None
    except OSError as error:
        raise Unavailable(f"{directory} cannot be made ready ({error.strerror})", fix="run as root") from error


def _own_file(path: Path, place: int, user: pwd.struct_passwd | None) -> None:
    """The directory is control's user's, and this may be root: whatever has the name is looked at and changed by one
    descriptor, so that no link to a file of somebody else's can take its place in between."""
    try:
        file = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    except FileNotFoundError:
        return  # SQLite's journals come and go
    except OSError as error:
        if error.errno == errno.ELOOP:
            return  # a symbolic link: what it names is not ours to change
        raise
    try:
        seen = os.fstat(file)
        if not stat.S_ISREG(seen.st_mode):
            return
        if seen.st_nlink != 1:
            raise Unavailable(f"{path} has a second name elsewhere", fix="remove it, or put a copy in its place")
        os.fchmod(file, 0o600)
        if user is not None:
            os.fchown(file, user.pw_uid, user.pw_gid)
    finally:
        os.close(file)


def _directory(database_url: str) -> Path | None:
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise Invalid("database", "it is not a database URL", fix=f"write {DATABASE_URL}") from None
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database)).parent
