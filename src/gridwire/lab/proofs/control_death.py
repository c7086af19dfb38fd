"""Control, then the agent, are killed under load. The data path does not notice; API clients wait and are answered."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from gridwire.adapters.control_api import calls
from gridwire.core.errors import GridwireError
from gridwire.lab.grid import GATEWAY, Grid
from gridwire.lab.load_run import account
from gridwire.lab.processes import Process, gone, kill, named
from gridwire.lab.proofs.losses import figures, losses, lost
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until
from gridwire.protocol.agent import ApplyState

WEBSOCKETS = 8
_API_CLIENTS = 4
_BACK_SECONDS = 30.0
_KEPT = ("wireguard", "nginx-master", "nginx-worker")  # what a new agent adopts


def prove(grid: Grid) -> Outcome:
    load = grid.load(rate=100, seconds=180, prefix="control-", websockets=WEBSOCKETS)
    try:
        before = named(grid.gateway, *_KEPT)
        waited, refused = _kill_control(grid)
        agent_back = _kill_agent(grid)
        adopted = named(grid.gateway, *_KEPT) == before
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    until(grid.whole, "all endpoints to be healthy", timeout=15, every=0.1)
    books = account(report, grid.stored())
    problems = verdict(
        losses(load.plan, report, books)
        | {
            "API clients refused": bool(refused) or len(waited) < _API_CLIENTS,
            "the tunnel or nginx was not adopted": not adopted,
        }
    )
    return Outcome(
        ok=not problems,
        figure=lost(report),
        line=f"{lost(report)} of {report.sent} requests failed, "
        f"{report.websockets_opened - report.websockets_dropped - report.websockets_silent} of {WEBSOCKETS} WebSockets "
        f"kept; {_API_CLIENTS} API clients answered after {max(waited, default=0):.1f} s at most; "
        f"the new agent had taken over after {agent_back:.1f} s",
        details={
            "problems": problems,
            "api_seconds": {f"client-{number}": round(value, 2) for number, value in enumerate(waited, 1)},
            "api_refused": refused,
            "agent_seconds": round(agent_back, 2),
            **figures(report, books),
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
        _kill(grid, "control")
        answers = list(pool.map(ask, range(_API_CLIENTS)))
    return [seconds for seconds, why in answers if not why], [why for _, why in answers if why]


def _kill_agent(grid: Grid) -> float:
    """Seconds until another agent runs, and has told control that the host is as it must be."""
    start = time.monotonic()
    killed = _kill(grid, "agent")
    old = {one.pid for one in killed}
    born = until(
        lambda: [one for one in named(grid.gateway, "agent") if one.pid not in old],
        "the agent to be started again",
        timeout=_BACK_SECONDS,
    )
    since = datetime.now(UTC)  # the dead one cannot have reported after this
    until(lambda: _reported(grid, since), f"agent {born[0].pid} to report", timeout=_BACK_SECONDS)
    return time.monotonic() - start


def _reported(grid: Grid, since: datetime) -> bool:
    with grid.api() as api:
        view = api.send(calls.node(GATEWAY)).body
    return view.reported_at is not None and view.reported_at > since and view.state is ApplyState.IN_SYNC


def _kill(grid: Grid, program: str) -> tuple[Process, ...]:
    """kill -9 a program of the gateway's, and see it gone."""
    victims = named(grid.gateway, program)
    kill(victims)
    until(gone(victims), f"{program} to die", timeout=3, every=0.005)
    return victims


CLAIM = Claim(
    id="control-death",
    title="Control, then the agent, killed and started again under load",
    unit="requests failed",
    goal="0, WebSockets kept; API clients wait and are answered; the new agent adopts what runs",
    prove=prove,
)
