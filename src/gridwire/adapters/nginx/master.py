"""The running nginx master of ours: found by its pid file, known by its command line."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from gridwire.adapters.nginx.door import Door
from gridwire.core.errors import Unavailable

_POLL = 0.02


def master_pid(pid_file: str, config: str) -> int | None:
    """The pid of the master that runs ``config``, or None. A pid file is a hint: the process must be ours."""
    try:
        pid = int(Path(pid_file).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None
    return pid if is_ours(pid, config) else None


def is_ours(pid: int, config: str) -> bool:
    """Whether the process is an nginx master started with ``-c config``."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").split()
    except OSError:
        return False
    return words[:3] == [b"nginx:", b"master", b"process"] and config.encode() in words


def workers_of(config: str) -> list[int]:
    """Workers that write the logs which ``config`` names, in this network namespace, whoever their master is.

    A worker's command line names no configuration; its open log file tells whose it is.
    """
    log, here = _log_of(config), _target(Path("/proc/self/ns/net"))
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            title = (entry / "cmdline").read_bytes()
            if not title.startswith(b"nginx: worker process") or _target(entry / "ns/net") != here:
                continue
            if any(_target(link) == log for link in (entry / "fd").iterdir()):
                found.append(int(entry.name))
        except OSError:
            continue  # gone meanwhile
    return found


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _log_of(config: str) -> str:
    for line in Path(config).read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:1] == ["error_log"]:
            return words[1].rstrip(";")
    return ""


def signal_master(pid_file: str, config: str, number: signal.Signals) -> int:
    """Signal our master and return its pid; raise Unavailable where there is none."""
    pid = master_pid(pid_file, config)
    if pid is None:
        raise Unavailable("nginx is not running", fix="`gridwire nginx run` or gridwire-nginx.service")
    os.kill(pid, number)
    return pid


def end_nginx(pid_file: str, config: str, *, seconds: float = 1.0) -> bool:
    """End our master and its workers, whatever they are busy with; whether there were any.

    For where they may not serve a moment longer: requests are not waited for, and after ``seconds`` those that are
    left, one that was stopped for instance, are killed.
    """
    found = left = _processes(pid_file, config)
    with suppress(Unavailable, ProcessLookupError):
        signal_master(pid_file, config, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        time.sleep(_POLL)
        left = [pid for pid in left if Path(f"/proc/{pid}").exists()]
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


def _processes(pid_file: str, config: str) -> list[int]:
    master = master_pid(pid_file, config)
    workers = workers_of(config) if Path(config).is_file() else []
    return [*([] if master is None else [master]), *workers]


def reload_nginx(pid_file: str, config: str, *, digest: str, door: Door, seconds: float = 10.0) -> None:
    """HUP, and wait until the workers that answer run the text with ``digest``.

    Raise Unavailable where they do not: nginx then refused the text and serves the old one on.
    """
    signal_master(pid_file, config, signal.SIGHUP)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if door.state().get("config") == digest:
                return
        except Unavailable:
            pass  # between two generations of workers
        time.sleep(_POLL)
    raise Unavailable(
        "nginx did not take the new configuration and serves the old one on",
        fix=f"see nginx-error.log; `nginx -t -c {config}` in a private network namespace says why",
    )
