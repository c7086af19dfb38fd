"""The app is redeployed on each edge in turn: drain, restart, health, back."""

from __future__ import annotations

import time

from gridwire.lab.changes import Changes
from gridwire.lab.grid import APP_PORT, EDGES, SERVICE, Grid
from gridwire.lab.listeners import listening
from gridwire.lab.load_run import account
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

ROUNDS = 5
_BUDGET_SECONDS = 90


def prove(grid: Grid) -> Outcome:
    load = grid.load(rate=80, seconds=_BUDGET_SECONDS, prefix="redeploy-")
    start = time.monotonic()
    try:
        with Changes(grid) as changes:
            for _ in range(ROUNDS):
                for edge in EDGES:
                    _redeploy(grid, changes, edge)
        took = time.monotonic() - start
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    until(grid.whole, "all endpoints to be healthy", timeout=15, every=0.1)
    books = account(report, grid.stored())
    lost = report.sent - sum(report.shares.values())
    problems = verdict(
        {
            "requests lost": lost > 0,
            "answered twice": report.answered_twice > 0,
            "records missing": bool(books.missing),
            "records doubled": bool(books.doubled),
        }
    )
    return Outcome(
        ok=not problems,
        figure=lost,
        line=f"{ROUNDS * len(EDGES)} restarts in {took:.1f} s: {lost} of {report.sent} lost, "
        f"{books.acknowledged} records each stored once",
        details={
            "problems": problems,
            "restarts": ROUNDS * len(EDGES),
            "sent": report.sent,
            "lost": lost,
            "records_acknowledged": books.acknowledged,
            "records_missing": len(books.missing),
            "records_doubled": len(books.doubled),
            "statuses": report.statuses,
            "errors": report.errors,
            "latency_ms": report.latency_ms,
        },
    )


def _redeploy(grid: Grid, changes: Changes, edge: str) -> None:
    """The successor loads while the old one still serves, so the port is free for milliseconds only."""
    successor = grid.start_app(edge)
    changes.node(edge, drained=True)
    changes.settled()
    until(lambda: changes.in_flight(SERVICE, edge) == 0, f"requests on {edge} to end", timeout=10)
    grid.replace_app(edge, successor)
    until(lambda: _listens(grid, edge), f"the app on {edge}", timeout=15)
    changes.node(edge, drained=False)
    changes.settled()


def _listens(grid: Grid, edge: str) -> bool:
    return any(one.port == APP_PORT and one.protocol == "tcp" for one in listening(grid.host(edge)))


CLAIM = Claim(
    id="redeploy",
    title=f"The app redeployed on each edge in turn, {ROUNDS} rounds under load",
    unit="requests lost",
    goal="0 lost, every record stored exactly once",
    prove=prove,
)
