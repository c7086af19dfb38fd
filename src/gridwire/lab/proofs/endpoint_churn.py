"""An endpoint comes and goes under load; nginx takes it as data, so nobody notices."""

from __future__ import annotations

import time

from gridwire.core.names import parse_tag
from gridwire.lab.changes import Changes
from gridwire.lab.grid import APP_TAG, EDGES, Grid
from gridwire.lab.load_run import account
from gridwire.lab.proofs.losses import figures, losses, lost
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

ROUNDS = 200
WEBSOCKETS = 12
VICTIM = EDGES[2]
_BUDGET_SECONDS = 300
_WITHDRAWN_EVERY = 10  # rounds


def prove(grid: Grid) -> Outcome:
    load = grid.load(rate=80, seconds=_BUDGET_SECONDS, prefix="endpoints-", websockets=WEBSOCKETS)
    start = time.monotonic()
    try:
        with Changes(grid) as changes:
            before = changes.generation()
            for number in range(ROUNDS):
                churn(changes, number)
            tables = len(changes.tables)
            took = time.monotonic() - start
            reloads = int(changes.generation() != before)
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    until(grid.whole, "the endpoint to be healthy again", timeout=15, every=0.1)
    books = account(report, grid.stored())
    wanted = 2 * ROUNDS + 2 * (ROUNDS // _WITHDRAWN_EVERY)
    problems = verdict(
        losses(load.plan, report, books)
        | {"nginx reloaded": reloads > 0, "changes that nginx never served": tables < wanted}
    )
    kept = report.websockets_opened - report.websockets_dropped - report.websockets_silent
    return Outcome(
        ok=not problems,
        figure=lost(report),
        line=f"{ROUNDS} rounds in {took:.1f} s, {tables} of {wanted} tables served: {lost(report)} of {report.sent} "
        f"lost, {report.answered_twice} doubled, {reloads} reloads, {kept} of {WEBSOCKETS} WebSockets kept",
        details={
            "problems": problems,
            "rounds": ROUNDS,
            "tables_served": tables,
            "tables_wanted": wanted,
            "reloads": reloads,
            **figures(report, books),
        },
    )


def churn(changes: Changes, number: int, edge: str = VICTIM) -> None:
    """Drain an endpoint and take it back, each served before the next; now and then it leaves the service altogether.

    Without the waiting, control's long poll and the agent make one table of several changes, and many are never
    served at all.
    """
    changes.node(edge, drained=True)
    changes.settled()
    if number % _WITHDRAWN_EVERY == _WITHDRAWN_EVERY - 1:
        changes.node(edge, tags=())
        changes.settled()
        changes.node(edge, tags=(parse_tag(APP_TAG),))
        changes.settled()
    changes.node(edge, drained=False)
    changes.settled()


CLAIM = Claim(
    id="endpoint-churn",
    title=f"An endpoint added and drained {ROUNDS} times under load",
    unit="requests lost",
    goal="0 lost, 0 doubled, 0 reloads, every change served, WebSockets kept",
    prove=prove,
)
