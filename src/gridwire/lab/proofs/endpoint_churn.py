"""An endpoint comes and goes under load; nginx takes it as data, so nobody notices."""

from __future__ import annotations

import time

from gridwire.core.names import parse_tag
from gridwire.lab.changes import Changes
from gridwire.lab.grid import APP_TAG, EDGES, Grid
from gridwire.lab.load_run import account
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

ROUNDS = 200
WEBSOCKETS = 12
VICTIM = EDGES[2]
_BUDGET_SECONDS = 60


def prove(grid: Grid) -> Outcome:
    tag = parse_tag(APP_TAG)
    load = grid.load(rate=80, seconds=_BUDGET_SECONDS, prefix="endpoints-", websockets=WEBSOCKETS)
    start = time.monotonic()
    try:
        with Changes(grid) as changes:
            before = changes.generation()
            first = changes.served()
            for number in range(ROUNDS):
                changes.node(VICTIM, drained=True)
                if number % 10 == 9:  # taken out of the service altogether, and put in again
                    changes.settled()
                    changes.node(VICTIM, tags=())
                    changes.settled()
                changes.node(VICTIM, drained=False, tags=(tag,))
            changes.settled()
            revisions = changes.served()[-1] - first[-1]
            took = time.monotonic() - start
            reloads = int(changes.generation() != before)
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    until(grid.whole, "the endpoint to be healthy again", timeout=15, every=0.1)
    books = account(report, grid.stored())
    lost = report.sent - sum(report.shares.values())
    problems = verdict(
        {
            "requests lost": lost > 0,
            "answered twice": report.answered_twice > 0,
            "records missing": bool(books.missing),
            "records doubled": bool(books.doubled),
            "nginx reloaded": reloads > 0,
            "WebSockets dropped": report.websockets_dropped > 0 or report.websockets_opened < WEBSOCKETS,
        }
    )
    return Outcome(
        ok=not problems,
        figure=lost,
        line=f"{ROUNDS} rounds in {took:.1f} s: {lost} of {report.sent} lost, {report.answered_twice} doubled, "
        f"{reloads} reloads, {report.websockets_opened - report.websockets_dropped} of {WEBSOCKETS} WebSockets kept",
        details={
            "problems": problems,
            "rounds": ROUNDS,
            "sent": report.sent,
            "lost": lost,
            "doubled": report.answered_twice + len(books.doubled),
            "records_missing": len(books.missing),
            "reloads": reloads,
            "websockets_opened": report.websockets_opened,
            "websockets_dropped": report.websockets_dropped,
            "websocket_messages": report.websocket_messages,
            "revisions": revisions,
            "statuses": report.statuses,
            "errors": report.errors,
            "latency_ms": report.latency_ms,
        },
    )


CLAIM = Claim(
    id="endpoint-churn",
    title=f"An endpoint added and drained {ROUNDS} times under load",
    unit="requests lost",
    goal="0 lost, 0 doubled, 0 reloads, WebSockets kept",
    prove=prove,
)
