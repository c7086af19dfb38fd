"""An edge dies under load, all of it at once, and comes back."""

from __future__ import annotations

import time

from gridwire.lab.changes import Changes
from gridwire.lab.grid import EDGES, SERVICE, Grid
from gridwire.lab.load import Report
from gridwire.lab.load_run import account
from gridwire.lab.processes import gone, kill, processes
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

VICTIM = EDGES[1]
RATE = 120
_DEAD_SECONDS = 3.0
_HURT_SECONDS = 0.25  # an answer later than this, after the kill, was waiting for the dead


def prove(grid: Grid) -> Outcome:
    victim = grid.host(VICTIM)
    load = grid.load(rate=RATE, seconds=60, prefix="death-")
    try:
        with Changes(grid) as changes:
            at_risk = changes.in_flight(SERVICE, VICTIM)
        time.sleep(0.7)
        victims = tuple(one for one in processes(victim) if one.program)
        died = time.monotonic()
        killed = kill(victims)
        until(gone(victims), "the edge's processes to die", timeout=3, every=0.005)
        time.sleep(_DEAD_SECONDS)
        born = time.monotonic()
        grid.up(VICTIM)
        until(grid.whole, "the edge to be healthy again", timeout=20, every=0.1)
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    books = account(report, grid.stored())
    out, back = _out_of_rotation(report, died), _back(report, born)
    problems = verdict(
        {
            "acknowledged records missing": bool(books.missing),
            "idempotent requests lost": report.idempotent_failed > 0,
            "answered twice": report.answered_twice > 0,
            "records stored twice": bool(books.doubled),
            "the edge did not come back": back is None,
        }
    )
    return Outcome(
        ok=not problems,
        figure=len(books.missing),
        line=f"{len(books.missing)} of {books.acknowledged} acknowledged records missing, "
        f"{report.idempotent_failed} idempotent requests lost, {report.posts_failed} POSTs broken in flight; "
        f"out of rotation in {out:.2f} s, back in {back or -1:.2f} s",
        details={
            "problems": problems,
            "killed_processes": killed,
            "sent": report.sent,
            "acknowledged": books.acknowledged,
            "missing": len(books.missing),
            "idempotent_lost": report.idempotent_failed,
            "posts_broken": report.posts_failed,
            "stored_though_broken": books.unasked,
            "answered_twice": report.answered_twice,
            "seconds_out_of_rotation": round(out, 3),
            "seconds_back": None if back is None else round(back, 3),
            "in_flight_before": at_risk,
            "statuses": report.statuses,
            "latency_ms": report.latency_ms,
        },
    )


def _out_of_rotation(report: Report, died: float) -> float:
    """Seconds from the kill to when the last request was due that the dead edge hurt: failed, or waited."""
    hurt = [
        due
        for due, done, _, _, status in report.timeline
        if due > died - 1 and done > died and (not 200 <= status < 300 or done - due > _HURT_SECONDS)
    ]
    return max(0.0, max(hurt, default=died) - died)


def _back(report: Report, born: float) -> float | None:
    """Seconds from the start of `gridwire up` to the first answer by the edge."""
    return min((done - born for _, done, _, edge, _ in report.timeline if edge == VICTIM and done > born), default=None)


CLAIM = Claim(
    id="edge-death",
    title="An edge killed under load loses nothing that was acknowledged",
    unit="acknowledged records missing",
    goal="0, and 0 idempotent requests lost",
    prove=prove,
)
