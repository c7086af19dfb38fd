"""Where a command finds this host's settings."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gridwire.cli.output import note
from gridwire.core import paths
from gridwire.core.settings import Settings

SettingsFile = Annotated[str, Parameter(name="--settings", help="This host's settings file.")]
DEFAULT = paths.SETTINGS
_LOOK_SECONDS = 0.2


def settings_from(path: str) -> Settings:
    """Raise Unavailable, NotPermitted or Invalid with file:line:column."""
    from gridwire.adapters.settings import load

    return load(path)


def awaited(path: str) -> str:
    """``path``, once there is a file. A process may be started before this host is part of a grid, and then waits."""
    wait_for(lambda: Path(path).exists(), f"{path} (`gridwire init` or `gridwire join` writes it)")
    return path


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Look again and again; SIGTERM ends this process, which as a container's first would ignore it otherwise."""
    if condition():
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    note(f"waiting for {what}")
    while not condition():
        time.sleep(_LOOK_SECONDS)
    signal.signal(signal.SIGTERM, before)
