"""Control, then the agent, are killed under load. The data path does not notice; API clients wait and are answered."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from gridwire.adapters.control_api import calls
from gridwire.core.errors import GridwireError
from gridwire.lab.grid import Grid
from gridwire.lab.load_run import account
from gridwire.lab.processes import gone, kill, named
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

_API_CLIENTS = 4
_BACK_SECONDS = 15.0


def prove(grid: Grid) -> Outcome:
    load = grid.load(rate=100, seconds=60, prefix="control-")
    try:
        waited, refused = _kill_control(grid)
        agent_back = _kill(grid, "agent")
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    until(grid.whole, "all endpoints to be healthy", timeout=15, every=0.1)
    books = account(report, grid.stored())
    errors = report.sent - sum(report.shares.values())
    problems = verdict(
        {
            "requests failed": errors > 0,
            "answered twice": report.answered_twice > 0,
            "records missing": bool(books.missing),
            "API clients refused": bool(refused),
        }
    )
    return Outcome(
        ok=not problems,
        figure=errors,
        line=f"{errors} of {report.sent} requests failed; {_API_CLIENTS} API clients answered after "
        f"{max(waited, default=0):.1f} s at most; agent back in {agent_back:.1f} s",
        details={
            "problems": problems,
            "sent": report.sent,
            "errors": errors,
            "records_missing": len(books.missing),
            "api_seconds": {f"client-{number}": round(value, 2) for number, value in enumerate(waited, 1)},
            "api_refused": refused,
            "agent_seconds": round(agent_back, 2),
            "statuses": report.statuses,
            "latency_ms": report.latency_ms,
        },
    )


def _kill_control(grid: Grid) -> tuple[list[float], list[str]]:
    """Kill control, and ask it at once; return how long clients waited (seconds) and what went wrong."""

    def ask(_: int) -> tuple[float, str]:
        start = time.monotonic()
        try:
            with grid.api() as api:
                api.send(calls.status())
        except GridwireError as error:
            return time.monotonic() - start, str(error)
        return time.monotonic() - start, ""

    with ThreadPoolExecutor(max_workers=_API_CLIENTS) as pool:
        _kill(grid, "control", wait=False)
        answers = list(pool.map(ask, range(_API_CLIENTS)))
    return [seconds for seconds, why in answers if not why], [why for _, why in answers if why]


def _kill(grid: Grid, program: str, *, wait: bool = True) -> float:
    """kill -9 a program of the gateway's; return the seconds until another runs in its place."""
    victims = named(grid.gateway, program)
    old = {one.pid for one in victims}
    start = time.monotonic()
    kill(victims)
    until(gone(victims), f"{program} to die", timeout=3, every=0.005)
    if wait:
        until(
            lambda: any(one.pid not in old for one in named(grid.gateway, program)),
            f"{program} to be started again",
            timeout=_BACK_SECONDS,
        )
    return time.monotonic() - start


CLAIM = Claim(
    id="control-death",
    title="Control, then the agent, killed and started again under load",
    unit="requests failed",
    goal="0; API clients wait and are answered",
    prove=prove,
)
