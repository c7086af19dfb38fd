"""Log rotation by size: rename, then USR1, on which nginx opens new files (lines in its buffers are not lost)."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

from gridwire.adapters.nginx.master import signal_master
from gridwire.core.errors import Unavailable

_NAMES = ("access.log", "nginx-error.log")


def rotate_logs(
    folder: str,
    *,
    pid_file: str,
    config: str,
    limit_bytes: int = 64 * 1024 * 1024,
    keep: int = 5,
) -> tuple[str, ...]:
    """Rotate those of nginx's logs that passed ``limit_bytes``; return their names. ``keep``: old files of each."""
    rotated = []
    for name in _NAMES:
        log = Path(folder) / name
        if not log.is_file() or log.stat().st_size <= limit_bytes:
            continue
        for number in range(keep, 1, -1):
            older = log.with_name(f"{name}.{number - 1}")
            if older.exists():
                older.rename(log.with_name(f"{name}.{number}"))
        log.rename(log.with_name(f"{name}.1"))
        rotated.append(name)
    if rotated:
        with contextlib.suppress(Unavailable):  # not running: it opens new files when it starts
            signal_master(pid_file, config, signal.SIGUSR1)
    return tuple(rotated)
