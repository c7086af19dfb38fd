"""Run control: sockets first, as whoever may bind them; then down to an unprivileged user; then the database."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Final

import structlog
import uvicorn

from gridwire.adapters.series import Series, open_series
from gridwire.adapters.store import Store, open_store
from gridwire.control.grid import Grid
from gridwire.control.privileges import allow_many_files, drop_privileges, load_everything
from gridwire.control.sockets import Sockets, adopt, bind, passed_fds
from gridwire.control.usecases.follow_settings import HostSettings
from gridwire.control.wiring import DATABASE_URL, build_app, own_directory, seal_path, series_beside
from gridwire.core import paths
from gridwire.core.errors import Unavailable

GRACE_SECONDS: Final = 3  # for requests under way at a stop; long polls are released at once
_LONGEST_PAUSE = 2.0  # seconds between tries to open a database that is away


def serve(
    *,
    database_url: str = DATABASE_URL,
    gateway: str | None = None,
    control_socket: str = paths.CONTROL_SOCKET,
    local_socket: str = paths.LOCAL_SOCKET,
    control_fd: int | None = None,
    local_fd: int | None = None,
    user: str | None = paths.CONTROL_USER,
    group: str | None = paths.NGINX_USER,
    environ: Mapping[str, str] = os.environ,
    asked: HostSettings | None = None,
    log: structlog.typing.FilteringBoundLogger | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Sockets: ``control_fd`` and ``local_fd``, else LISTEN_FDS with LISTEN_FDNAMES=control:local, else bound here.
    As root, privileges are dropped to ``user`` before the database is opened (none: they are kept, for tests).
    ``gateway``: this host's node; none where the fleet has one gateway. A database that is away is waited for,
    with the sockets listening: clients wait, they are not refused. ``asked``: this host's settings, which the grid
    follows from here on. Raise Unavailable or Invalid for the rest.
    """
    logger = log if log is not None else _logger()
    fds = {"control": control_fd, "local": local_fd} if control_fd is not None else passed_fds(environ, os.getpid())
    given_control, given_local = fds.get("control"), fds.get("local")
    if given_control is not None and given_local is not None:
        sockets = Sockets(adopt(given_control, "control"), adopt(given_local, "local"))
    else:
        sockets = Sockets(bind(control_socket, mode=0o660, group=group), bind(local_socket, mode=0o600))
    os.umask(0o077)
    allow_many_files()
    if os.geteuid() == 0 and user is not None:
        own_directory(database_url, user)
        load_everything(database_url)
        drop_privileges(user)
    store = _patiently_open(database_url, logger)
    series = _series(database_url, logger)
    app = build_app(
        store,
        gateway=gateway,
        control_socket=sockets.control.getsockname(),
        local_socket=sockets.local.getsockname(),
        log=logger,
        seal=seal_path(database_url),
        series=series,
    )
    grid: Grid = app.state.grid
    if asked is not None:
        _patiently_follow(grid, asked, logger)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        proxy_headers=False,  # nginx says who the peer is in headers of its own, which nobody else can send
        server_header=False,
        access_log=False,  # nginx has one
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=75,
        backlog=1024,
    )
    server = _Server(config, grid)
    logger.info("control serves", control=app.state.control_socket, local=app.state.local_socket)
    try:
        server.run(sockets=[sockets.control, sockets.local])
    finally:
        _close_traffic(grid, logger)
        store.close()


class _Server(uvicorn.Server):
    """Releases long polls when the stop begins: uvicorn would wait for them before it tells the application."""

    def __init__(self, config: uvicorn.Config, grid: Grid) -> None:
        super().__init__(config)
        self._grid = grid
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """uvicorn's own wakes ten times a second to see whether it is to end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # each time it renews the answers' date, which has seconds
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1.0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ending.set)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's own raises the signal again at the end, so that a clean stop looks like a death by signal."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._grid.close()
        await super().shutdown(sockets)


def _series(database_url: str, logger: structlog.typing.FilteringBoundLogger) -> Series:
    """In memory where there can be no file: what is shown of traffic keeps nobody from the rest."""
    try:
        return series_beside(database_url)
    except Unavailable as error:
        logger.warning("traffic is kept in memory", error=str(error))
        return open_series(None)


def _close_traffic(grid: Grid, logger: structlog.typing.FilteringBoundLogger) -> None:
    try:
        grid.traffic.close()
    except Unavailable as error:
        logger.warning("the last minute of traffic is not kept", error=str(error))


def _patiently_open(database_url: str, logger: structlog.typing.FilteringBoundLogger) -> Store:
    pause = 0.1
    while True:
        try:
            return open_store(database_url)
        except Unavailable as error:
            logger.warning("the database is waited for", error=str(error))
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _patiently_follow(grid: Grid, asked: HostSettings, logger: structlog.typing.FilteringBoundLogger) -> None:
    """Before anybody is answered: no token and no spec is of a grid that is about to change."""
    while True:
        try:
            grid.follow(asked)
            break
        except Unavailable as error:
            logger.warning("the database is waited for", error=str(error))
        time.sleep(_LONGEST_PAUSE)
    for finding in grid.findings:
        logger.warning("settings are not followed", what=finding.what, fix=finding.fix)


def _logger() -> structlog.typing.FilteringBoundLogger:
    """Lines on stderr for the journal. uvicorn's own (errors with their traceback) go the same way."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return logger
