"""Endpoints come and go under load; nginx takes them as data, so nobody notices."""

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
VICTIMS = EDGES[1:3]
_BUDGET_SECONDS = 300
_WITHDRAWN_EVERY = 20  # rounds


def prove(grid: Grid) -> Outcome:
    load = grid.load(rate=60, seconds=_BUDGET_SECONDS, prefix="endpoints-", websockets=WEBSOCKETS)
    start = time.monotonic()
    try:
        with Changes(grid) as changes:
            before = changes.generation()
            for number in range(ROUNDS):
                churn(changes, number)
            settle(changes)
            tables = len(changes.tables)
            took = time.monotonic() - start
            reloads = int(changes.generation() != before)
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    until(grid.whole, "the endpoints to be healthy again", timeout=15, every=0.1)
    books = account(report, grid.stored())
    wanted = ROUNDS + 2 * (ROUNDS // _WITHDRAWN_EVERY)
    problems = verdict(
        losses(load.plan, report, books)
        | {"nginx reloaded": reloads > 0, "rounds that nginx never served": tables < wanted}
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


def churn(changes: Changes, number: int) -> None:
    """Drain one endpoint and take the other back, both served before the next round; now and then the one leaves the
    service altogether.

    Without the waiting, control's long poll and the agent make one table of several rounds, and many are never
    served at all.
    """
    going, coming = VICTIMS[number % 2], VICTIMS[1 - number % 2]
    changes.node(going, drained=True)
    changes.node(coming, drained=False)
    changes.settled()
    if number % _WITHDRAWN_EVERY == _WITHDRAWN_EVERY - 1:
        changes.node(going, tags=())
        changes.settled()
        changes.node(going, tags=(parse_tag(APP_TAG),))
        changes.settled()


def settle(changes: Changes) -> None:
    """Take back what the last round drained."""
    for edge in VICTIMS:
        changes.node(edge, drained=False)
    changes.settled()


CLAIM = Claim(
    id="endpoint-churn",
    title=f"Endpoints added and drained {ROUNDS} times under load",
    unit="requests lost",
    goal="0 lost, 0 doubled, 0 reloads, every round served, WebSockets kept",
    prove=prove,
)
