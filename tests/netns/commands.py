"""`gridwire` on the hosts of a lab, as a user types it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from subprocess import CompletedProcess

from gridwire.lab.topology import Lab

GRIDWIRE = [sys.executable, "-P", "-m", "gridwire.cli.main"]


def gridwire(lab: Lab, host: str, *arguments: str, stdin: str | None = None) -> CompletedProcess[str]:
    return lab.host(host).run([*GRIDWIRE, *arguments], input_text=stdin, timeout=120, check=False)


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.2)
