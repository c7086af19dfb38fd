"""An edge dies under load, all of it at once, and comes back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gridwire.lab.grid import EDGES, Grid
from gridwire.lab.listeners import connected
from gridwire.lab.load import Report
from gridwire.lab.load_run import account
from gridwire.lab.processes import gone, kill, processes
from gridwire.lab.proofs.losses import figures
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

VICTIM = EDGES[1]
RATE = 120
_DEAD_SECONDS = 3.0
_HURT_SECONDS = 0.5  # an answer later than this waited for the dead: the gateway gives a connection a second
_CLOSE_SECONDS = 3 * len(EDGES) / RATE  # between the last requests that went there, and those next to them


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """On the monotonic clock: the kill, the last of its processes gone, `gridwire up` again.

    ``connections``: of the gateway to the edge, standing at the kill. Nothing can be in flight on the edge elsewhere:
    a new connection is answered by nobody, and a POST that was never sent is sent to another edge.
    """

    died: float
    gone: float
    born: float
    connections: int


def prove(grid: Grid) -> Outcome:
    load = grid.load(rate=RATE, seconds=180, prefix="death-")
    try:
        killed, times = _die_and_return(grid)
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    books = account(report, grid.stored())
    out, back = seconds_out(report, times), seconds_back(report, times)
    broken = [due for due, _, method, _, status in report.timeline if method == "POST" and not 200 <= status < 300]
    at_kill = in_flight(report, times)
    problems = verdict(
        {
            "the load ended before the edge was back": report.ran_out,
            "no record acknowledged": not books.acknowledged,
            "acknowledged records missing": bool(books.missing),
            "idempotent requests lost": report.idempotent_failed > 0,
            "answered twice": report.answered_twice > 0,
            "records stored twice": bool(books.doubled),
            "more POSTs broken than can have been in flight on the edge": len(broken) > max(at_kill, times.connections),
            "POSTs broken after the edge came back": any(due > times.born for due in broken),
            "the edge was not out of rotation before it came back": out >= _DEAD_SECONDS - _CLOSE_SECONDS,
            "the edge did not come back": back is None,
        }
    )
    return Outcome(
        ok=not problems,
        figure=len(books.missing),
        line=f"{len(books.missing)} of {books.acknowledged} acknowledged records missing, "
        f"{report.idempotent_failed} idempotent requests lost, {len(broken)} POSTs broken ({at_kill} in flight at the "
        f"kill, on {times.connections} connections); out of rotation in {out:.2f} s, "
        f"back in {-1 if back is None else back:.2f} s",
        details={
            "problems": problems,
            "killed_processes": killed,
            "idempotent_lost": report.idempotent_failed,
            "posts_broken": len(broken),
            "posts_in_flight_at_kill": at_kill,
            "connections_at_kill": times.connections,
            "stored_though_broken": books.unasked,
            "seconds_out_of_rotation": round(out, 3),
            "seconds_back": None if back is None else round(back, 3),
            **figures(report, books),
        },
    )


def _die_and_return(grid: Grid) -> tuple[int, Times]:
    time.sleep(0.7)
    victims = tuple(one for one in processes(grid.host(VICTIM)) if one.program)
    connections = connected(grid.gateway, grid.mesh[VICTIM])
    died = time.monotonic()
    killed = kill(victims)
    until(gone(victims), "the edge's processes to die", timeout=3, every=0.005)
    last = time.monotonic()
    time.sleep(_DEAD_SECONDS)
    born = time.monotonic()
    grid.up(VICTIM)
    until(grid.whole, "the edge to be healthy again", timeout=30, every=0.1)
    return killed, Times(died=died, gone=last, born=born, connections=connections)


def seconds_out(report: Report, times: Times) -> float:
    """From the kill to when the last request was due that the dead edge hurt: it failed, or waited. Those of after its
    return are another matter."""
    hurt = [
        due
        for due, done, _, _, status in report.timeline
        if times.died - 1 < due < times.born
        and done > times.died
        and (not 200 <= status < 300 or done - due > _HURT_SECONDS)
    ]
    return max(0.0, max(hurt, default=times.died) - times.died)


def seconds_back(report: Report, times: Times) -> float | None:
    """From the start of `gridwire up` to the first answer by the edge."""
    answers = (done for _, done, _, edge, _ in report.timeline if edge == VICTIM and done > times.born)
    back = min(answers, default=None)
    return None if back is None else back - times.born


def in_flight(report: Report, times: Times) -> int:
    """POSTs under way at the kill; one that another edge answered was not on this one."""
    return sum(
        1
        for due, done, method, edge, _ in report.timeline
        if method == "POST" and due <= times.gone < done and edge in ("", VICTIM)
    )


CLAIM = Claim(
    id="edge-death",
    title="An edge killed under load loses nothing that was acknowledged",
    unit="acknowledged records missing",
    goal="0, 0 idempotent requests lost, POSTs broken at most those in flight on that edge",
    prove=prove,
)
