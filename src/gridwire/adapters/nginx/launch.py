"""`gridwire nginx run`: wait for what nginx needs, clear what an earlier one left behind, become nginx."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import pwd
import re
import resource
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from gridwire.adapters.nginx.master import is_ours, master_pid, workers_of
from gridwire.core.errors import Unavailable

_POLL = 0.1
_LISTEN = re.compile(r"^\s*listen (?:unix:(?P<unix>[^;]+)|\[?(?P<host>[0-9a-f.:]+?)\]?:(?P<port>\d+));$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Where one nginx of ours lives; ``state`` holds nginx.conf."""

    binary: str
    config: str
    state: str
    pid_file: str
    door_socket: str
    logs: str
    user: str


def exec_nginx(launch: Launch, ready: Callable[[], str | None], tell: Callable[[str], None]) -> NoReturn:
    """Wait, clean up, and replace this process by nginx in the foreground.

    ``ready``: None when the guard stands and nginx may be started, else what is still awaited; it is asked again and
    again, as is everything else that may come late (the configuration, the mesh address, the user). ``tell`` gets
    each new reason once.
    """
    wait(lambda: _missing(launch, ready), tell)
    prepare(launch)
    raise_file_limit()
    os.umask(0o027)  # nginx makes its logs 0644 less this
    os.execv(launch.binary, [launch.binary, "-c", launch.config, "-g", "daemon off;"])  # noqa: S606


def raise_file_limit() -> None:
    """As many open files as may be had: workers inherit it, and cannot raise it as the user that they become."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def wait(missing: Callable[[], str | None], tell: Callable[[str], None]) -> None:
    told = None
    while (reason := missing()) is not None:
        if reason != told:
            tell(reason)
            told = reason
        time.sleep(_POLL)


def _missing(launch: Launch, ready: Callable[[], str | None]) -> str | None:
    if (reason := ready()) is not None:
        return reason
    if not Path(launch.binary).is_file():
        return f"waiting for nginx: {launch.binary} is not installed"
    try:
        pwd.getpwnam(launch.user)
    except KeyError:
        return f"waiting for the user {launch.user}"
    config = Path(launch.config)
    if not config.is_file():
        return f"waiting for {launch.config} (the agent writes it)"
    _end_earlier(launch)
    for match in _LISTEN.finditer(config.read_text(encoding="utf-8")):
        if match["host"] and (failure := _cannot_bind(match["host"], int(match["port"]))):
            return failure
    return None


def _cannot_bind(host: str, port: int) -> str | None:
    """nginx dies where it cannot bind; an address that comes late, or a port that another holds, is waited for."""
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"waiting for {host}:{port} ({error.strerror})"
    return None


def prepare(launch: Launch) -> None:
    """Directories with their owners; logs closed to others; no stale socket; no nginx of an earlier generation.

    Raise Unavailable where another master of ours runs: two would share the door.
    """
    _end_earlier(launch)
    account = pwd.getpwnam(launch.user)
    for folder in (launch.state, launch.logs, str(Path(launch.pid_file).parent)):
        Path(folder).mkdir(parents=True, exist_ok=True, mode=0o755)
    _close_logs(Path(launch.logs), account.pw_gid)
    door = Path(launch.door_socket).parent
    door.mkdir(parents=True, exist_ok=True, mode=0o700)
    door.chmod(0o700)
    temporary = Path(launch.state) / "temp"
    temporary.mkdir(exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        os.chown(temporary, account.pw_uid, account.pw_gid)
    # After kill -9 the old sockets are still there, and nginx dies on "Address already in use".
    for socket_ in (door / "panel.sock", Path(launch.door_socket)):
        socket_.unlink(missing_ok=True)
    _short_way(door)


def _short_way(door: Path) -> None:
    """``panel.sock`` beside the door's directory leads into it, where only root gets."""
    link = door.parent / "panel.sock"
    if not link.is_symlink():
        link.unlink(missing_ok=True)
        link.symlink_to(f"{door.name}/panel.sock")


def _close_logs(folder: Path, group: int) -> None:
    """Query strings are in them. The workers open them anew after a rotation, so their group may look in."""
    folder.chmod(0o750)
    if os.geteuid() == 0:
        os.chown(folder, 0, group)
    for log in folder.iterdir():
        if log.is_file() and not log.is_symlink():
            log.chmod(0o640)


def _end_earlier(launch: Launch) -> None:
    running = master_pid(launch.pid_file, launch.config)
    if running is not None and running != os.getpid():
        raise Unavailable(
            f"nginx already runs with this configuration (pid {running})", fix="stop it, or let it be", code="running"
        )
    # Workers whose master was killed hold the listeners, and would answer with old data for ever.
    orphans = [pid for pid in workers_of(launch.config) if not is_ours(_parent(pid), launch.config)]
    for pid in orphans:
        _kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in orphans) and time.monotonic() < deadline:
        time.sleep(0.01)


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return int(status.rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
