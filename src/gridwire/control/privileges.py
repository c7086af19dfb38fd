"""From root to an unprivileged user, for good.

What Python would import later is imported before: a clone and its interpreter may lie below a directory that only
root may enter, as /root is, and then every late import of the unprivileged process fails.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import pwd
import resource
import signal
from collections.abc import MutableMapping
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvicorn

from gridwire.adapters.store import open_store
from gridwire.adapters.store.engine import make_engine
from gridwire.control.app import create_app
from gridwire.control.grid import Grid
from gridwire.core.errors import Unavailable

# prctl(2)
_PR_SET_PDEATHSIG: Final = 1
_PR_GET_PDEATHSIG: Final = 2


FILES: Final = 1 << 16


def allow_many_files() -> None:
    """Every agent waits on a connection of its own, and the usual soft limit is 1,024: beyond that nobody is answered.
    Where it is raised already nothing is asked of the kernel, for a service's filter may not let it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def drop_privileges(user: str) -> None:
    """Become ``user``, with its own group and no other; raise Unavailable where there is none.

    A parent's wish that we end with it (`gridwire up`) is kept: the kernel forgets it when the user changes.
    """
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Unavailable(
            f"there is no user {user} for control to run as", fix=f"adduser --system --group {user}"
        ) from None
    parent, libc = os.getppid(), ctypes.CDLL(None, use_errno=True)
    wished = ctypes.c_int(0)
    libc.prctl(_PR_GET_PDEATHSIG, ctypes.byref(wished), 0, 0, 0)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    if wished.value:
        libc.prctl(_PR_SET_PDEATHSIG, wished.value, 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            signal.raise_signal(wished.value)


def load_everything(database_url: str) -> None:
    """Import all that serving needs, by serving: a migration, a start and an end, and requests on a database that is
    thrown away."""
    make_engine(database_url).dispose()  # the driver
    with TemporaryDirectory(prefix="gridwire-") as directory:
        store = open_store(f"sqlite:///{directory}/warm.db")
        app = create_app(Grid(store), control_socket="control", local_socket="local")
        config = uvicorn.Config(app, loop="uvloop", http="httptools", ws="none", lifespan="on", log_config=None)
        config.load()
        factory = config.get_loop_factory()
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_live(app))
            for path, body in (("/api/v1/status", b""), ("/api/v1/services/x", b"{}"), ("/api/v1/openapi.json", b"")):
                runner.run(_ask(app, path, body))
        store.close()


async def _live(app: Any) -> None:
    """ASGI's lifespan, from its start to its end."""
    left = ["lifespan.startup", "lifespan.shutdown"]

    async def receive() -> dict[str, object]:
        return {"type": left.pop(0)}

    async def send(message: MutableMapping[str, Any]) -> None:
        pass

    await app({"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}, receive, send)


async def _ask(app: Any, path: str, body: bytes) -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        pass

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PUT" if body else "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "server": ("local", None),
        "client": None,
    }
    await app(scope, receive, send)
