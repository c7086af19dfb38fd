"""The app is redeployed on each edge in turn: drained, stopped, started cold, found healthy, taken back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gridwire.adapters.control_api import calls
from gridwire.core.health import Health
from gridwire.lab.changes import Changes
from gridwire.lab.grid import EDGES, SERVICE, Grid
from gridwire.lab.load_run import account
from gridwire.lab.proofs.losses import figures, losses, lost
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

ROUNDS = 5
_BUDGET_SECONDS = 300
_CHECK_MS = 100  # how often the service is checked meanwhile: 15 times two verdicts are waited for
_VERDICT_SECONDS = 20.0


def prove(grid: Grid) -> Outcome:
    load = grid.load(rate=60, seconds=_BUDGET_SECONDS, prefix="redeploy-")
    start = time.monotonic()
    restarts = 0
    try:
        with Changes(grid) as changes, _checked_often(changes):
            for _ in range(ROUNDS):
                for edge in EDGES:
                    redeploy(grid, changes, edge)
                    restarts += 1
        took = time.monotonic() - start
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    until(grid.whole, "all endpoints to be healthy", timeout=15, every=0.1)
    books = account(report, grid.stored())
    problems = verdict(losses(load.plan, report, books))
    return Outcome(
        ok=not problems,
        figure=lost(report),
        line=f"{restarts} cold restarts in {took:.1f} s, each found down and up again by the gateway: "
        f"{lost(report)} of {report.sent} lost, {books.acknowledged} records each stored once",
        details={
            "problems": problems,
            "restarts": restarts,
            "records_doubled": len(books.doubled),
            **figures(report, books),
        },
    )


@contextmanager
def _checked_often(changes: Changes) -> Iterator[None]:
    found = changes.send(calls.service(SERVICE))
    often = replace(found.body, health=replace(found.body.health, interval_ms=_CHECK_MS))
    put = changes.send(calls.put_service(often, if_match=found.etag))
    try:
        yield
    finally:
        changes.send(calls.put_service(found.body, if_match=put.etag))


def redeploy(grid: Grid, changes: Changes, edge: str) -> None:
    """The gateway's verdict must have been *down* in between: an *up* after that is newer than the restart."""
    changes.node(edge, drained=True)
    changes.settled()
    changes.idle(SERVICE, edge, timeout=15)
    grid.stop_app(edge)
    _judged(changes, edge, Health.DOWN)
    grid.start_app(edge)
    _judged(changes, edge, Health.UP)
    changes.node(edge, drained=False)
    changes.settled()


def _judged(changes: Changes, edge: str, wanted: Health) -> None:
    until(
        lambda: changes.verdict(SERVICE, edge) == wanted,
        f"the gateway to find the app on {edge} {wanted}",
        timeout=_VERDICT_SECONDS,
    )


CLAIM = Claim(
    id="redeploy",
    title=f"The app redeployed on each edge in turn, {ROUNDS} rounds under load",
    unit="requests lost",
    goal="0 lost, every record stored exactly once",
    prove=prove,
)
