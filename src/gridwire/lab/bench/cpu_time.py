"""CPU time that processes have had, from /proc, so that neither the client's nor other programs' counts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> tuple[int, ...]:
    """A process and all that descend from it."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            found += [int(child) for task in _tasks(one) for child in (task / "children").read_text().split()]
    return tuple(found)


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of every thread that lives: nanoseconds of schedstat, or 10 ms steps of stat where the
    kernel has no schedstat. A thread that ended between two readings takes its time with it."""
    return sum(_of_task(task) for pid in pids for task in _tasks(pid))


def reaped_seconds(pids: Sequence[int]) -> float:
    """CPU time of children that ended and were waited for (cutime and cstime of proc(5)), in steps of 10 ms."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[13]) + int(fields[14])
    return total / _TICK


def _tasks(pid: int) -> Iterator[Path]:
    with suppress(OSError):
        yield from Path(f"/proc/{pid}/task").iterdir()


def _of_task(task: Path) -> float:
    try:
        return int((task / "schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        with suppress(OSError):
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / _TICK
    return 0.0
