"""The gateway's processes in random orders, each missing for a while: nothing crashes, and in the end it serves."""

from __future__ import annotations

import itertools
import random
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from gridwire.lab.grid import GATEWAY, Grid, gridwire, serves
from gridwire.lab.processes import gone, kill, processes
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

ORDERS = 12
_SEED = 7
_LONGEST_PAUSE = 0.1  # seconds between one process and the next
_ABSENCE = 2.0  # seconds that one part is missing, with the others up before it left to wait, in every sixth order
_ABSENT_EVERY = 6
_WATCHED_SECONDS = 0.3  # after the first answer: what dies then is a crash as well
_SERVES_WITHIN = 20.0
PARTS = {
    "guard": ("guard", "load"),
    "mesh": ("mesh", "run"),
    "nginx": ("nginx", "run"),
    "control": ("control",),
    "agent": ("agent",),
}
_LOG = Path("/var/log/gridwire/start-order.log")


def orders(count: int) -> list[tuple[str, ...]]:
    """``count`` different orders, the same each time; all of them where there are no more."""
    every = list(itertools.permutations(PARTS))
    random.Random(_SEED).shuffle(every)  # noqa: S311  # an order of tests, not a secret
    return every[:count]


def prove(grid: Grid, count: int = ORDERS) -> Outcome:
    return prove_orders(grid, orders(count))


def prove_orders(grid: Grid, wanted: list[tuple[str, ...]]) -> Outcome:
    parts = _parts_here(grid)
    source = random.Random(_SEED)  # noqa: S311  # pauses, the same each time
    crashes: list[str] = []
    absent: list[str] = []
    seconds: list[float] = []
    grid.down(GATEWAY)
    try:
        for number, order in enumerate(wanted):
            here = [part for part in order if part in parts]
            missing = source.choice(here[1:]) if number % _ABSENT_EVERY == _ABSENT_EVERY - 1 else None
            absent += [missing] if missing else []
            took, crashed = _run(grid, here, missing, source)
            seconds.append(took)
            crashes += [f"{' '.join(order)}: {part}" for part in crashed]
    finally:
        grid.up(GATEWAY)
    until(grid.whole, "the gateway to be itself again", timeout=30, every=0.1)
    problems = verdict({"crashes": bool(crashes)})
    return Outcome(
        ok=not problems,
        figure=len(crashes),
        line=f"{len(wanted)} orders: {len(crashes)} crashes, serving after {max(seconds):.1f} s at most; "
        f"{len(absent)} times a part was missing for {_ABSENCE:g} s",
        details={
            "problems": problems,
            "orders": len(wanted),
            "came_late": absent,
            "crashes": crashes,
            "slowest_seconds": round(max(seconds), 2),
            "fastest_seconds": round(min(seconds), 2),
        },
    )


def _parts_here(grid: Grid) -> set[str]:
    """Where the kernel has WireGuard there is no process for the mesh."""
    programs = {one.program for one in processes(grid.gateway)}
    return set(PARTS) - (set() if "wireguard" in programs else {"mesh"})


def _run(grid: Grid, order: list[str], missing: str | None, source: random.Random) -> tuple[float, list[str]]:
    """Start in this order; return the seconds until it serves, from the last start, and which parts crashed.

    ``missing``: a part that comes late.
    """
    running: dict[str, subprocess.Popen[str]] = {}
    try:
        for part in order:
            time.sleep(_ABSENCE if part == missing else source.uniform(0, _LONGEST_PAUSE))
            running[part] = grid.gateway.start_logged(gridwire(*PARTS[part]), _LOG)
        last = time.monotonic()
        until(lambda: serves(grid), f"the gateway to serve after {' '.join(order)}", timeout=_SERVES_WITHIN, every=0.1)
        took = time.monotonic() - last
        time.sleep(_WATCHED_SECONDS)
        crashed = crashes_of({part: process.poll() for part, process in running.items()})
        if not serves(grid):
            crashed.append("serving, after its first answer")
    finally:
        left = tuple(one for one in processes(grid.gateway) if one.program)
        kill(left)
        for process in running.values():
            process.wait(5)
        until(gone(left), "the gateway's processes to end", timeout=5)
    return took, crashed


def crashes_of(statuses: Mapping[str, int | None]) -> list[str]:
    """Which parts crashed, of their exit statuses (none: it runs). The guard alone ends by itself, with 0."""
    return [part for part, status in statuses.items() if status is not None and (status != 0 or part != "guard")]


CLAIM = Claim(
    id="start-order",
    title=f"The gateway's processes started in {ORDERS} random orders",
    unit="crashes",
    goal="0",
    prove=prove,
)
