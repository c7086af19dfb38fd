"""``idle``: memory and CPU of a gateway that nodes are connected to and that nobody asks for anything.

PSS shares a page's size among all of the machine's processes that map it, so what other programs of the machine have
open makes it smaller. So memory is said a second time: every page that one of the gateway's processes has, once.
"""

from __future__ import annotations

import array
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gridwire.lab.bench.cpu_time import cpu_seconds, reaped_seconds
from gridwire.lab.bench.rivals import NGINX
from gridwire.lab.bench.scenario import Case, Limit, Prepared, Reading, Scenario, Side, Wanted
from gridwire.lab.bench.small_grid import found, join, lab_hosts
from gridwire.lab.grid import Grid
from gridwire.lab.processes import processes

_SETTLE_SECONDS: Final = 10.0  # until what a start and a join began is done
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PRESENT, _FRAME = 1 << 63, (1 << 55) - 1  # pagemap(5)
_USER_SPACE: Final = 1 << 47  # vsyscall lies above


@contextmanager
def prepare(_: Wanted, say: Callable[[str], None]) -> Iterator[Prepared]:
    with lab_hosts() as grid:
        say("a gateway, an edge and a client")
        found(grid)
        join(grid)
        time.sleep(_SETTLE_SECONDS)
        side = Side(id="gridwire", title="a gateway", measure=lambda seconds: _measure(grid, seconds))
        case = Case(
            id="idle",
            title="nobody asks for anything",
            sides=(side,),
            reference=side.id,
            again=None,
            metrics=("pss_mb", "pages_mb", "cpu_percent"),
            limits=(
                Limit(metric="pss_mb", most=220, wanted=150),
                Limit(metric="pages_mb", most=220, wanted=150),
                Limit(metric="cpu_percent", most=0.5),
            ),
            note="Agent, control, nginx with a worker for each CPU, WireGuard where it is a process, `gridwire up`.",
        )
        yield Prepared(
            cases=(case,),
            programs={"nginx": NGINX.release()},
            conditions=(
                "one edge and one client are connected, one service is checked and one route is served",
                "what short-lived programs of theirs took is in the CPU",
            ),
        )


def _measure(grid: Grid, seconds: float) -> Reading:
    pids = [process.pid for process in processes(grid.gateway)]
    before, began = cpu_seconds(pids) + reaped_seconds(pids), time.monotonic()
    time.sleep(seconds)
    used, passed = cpu_seconds(pids) + reaped_seconds(pids) - before, time.monotonic() - began
    return {
        "pss_mb": sum(_pss(pid) for pid in pids) / 1e6,
        "pages_mb": len(_frames(pids)) * _PAGE / 1e6,
        "cpu_percent": used / passed * 100,
    }


def _pss(pid: int) -> int:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return 0


def _frames(pids: Iterable[int]) -> set[int]:
    """The numbers of the page frames that any of them has in memory."""
    found: set[int] = set()
    for pid in pids:
        with suppress(OSError), Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pagemap:
            for first, last in _ranges(pid):
                pagemap.seek(first // _PAGE * 8)
                entries = array.array("Q", pagemap.read((last - first) // _PAGE * 8))
                found.update(entry & _FRAME for entry in entries if entry & _PRESENT)
    return found


def _ranges(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        first, _, last = line.partition(" ")[0].partition("-")
        if int(last, 16) <= _USER_SPACE:
            yield int(first, 16), int(last, 16)


SCENARIO: Final = Scenario(
    id="idle",
    title="A gateway at rest",
    about="memory and CPU of all processes of a gateway that nobody asks for anything",
    rounds=3,
    seconds=20,
    prepare=prepare,
)
