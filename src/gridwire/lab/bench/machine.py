"""The machine that a result is of."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from gridwire.lab.bench.scenario import Machine

_LOOK_SECONDS = 0.5


def machine() -> Machine:
    return Machine(
        processor=_field("/proc/cpuinfo", "model name") or platform.machine(),
        cpus=os.cpu_count() or 1,
        memory_mb=int((_field("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) // 1024,
        kernel=platform.release(),
        system=_field("/etc/os-release", "PRETTY_NAME", "=").strip('"'),
        busy=round(_busy(), 3),
    )


def _field(file: str, name: str, mark: str = ":") -> str:
    for line in Path(file).read_text(errors="replace").splitlines() if Path(file).exists() else ():
        key, _, value = line.partition(mark)
        if key.strip() == name:
            return value.strip()
    return ""


def _busy() -> float:
    """The share of all CPUs' time that was not idle for half a second (proc(5): idle and iowait are 4th and 5th)."""
    first = _jiffies()
    time.sleep(_LOOK_SECONDS)
    passed = [now - then for now, then in zip(_jiffies(), first, strict=True)]
    return 1 - (passed[3] + passed[4]) / max(1, sum(passed))


def _jiffies() -> list[int]:
    return [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
