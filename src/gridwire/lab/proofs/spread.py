"""Requests of the client spread over the edges, and every record is on exactly one of them."""

from __future__ import annotations

from pathlib import Path

from gridwire.lab.grid import EDGES, INPUT, Grid
from gridwire.lab.load_run import RunningLoad, account
from gridwire.lab.proofs.proof import Claim, Outcome, verdict

RATE, SECONDS = 200, 3
SMALLEST_SHARE = 25.0  # percent of the requests; a third each would be even


def prove(grid: Grid) -> Outcome:
    report = _load(grid).wait()
    books = account(report, grid.stored())
    total = sum(report.shares.values())
    shares = {edge: round(100 * report.shares.get(edge, 0) / max(1, total), 1) for edge in EDGES}
    smallest = min(shares.values())
    failed = report.sent - total
    problems = verdict(
        {
            "an edge had too small a share": smallest < SMALLEST_SHARE,
            "requests failed": failed > 0,
            "no record acknowledged": not books.acknowledged,
            "records missing": bool(books.missing),
            "records doubled": bool(books.doubled),
            "not every record of the input acknowledged": bool(grid.input_records)
            and books.acknowledged != grid.input_records,
        }
    )
    return Outcome(
        ok=not problems,
        figure=smallest,
        line=", ".join(f"{edge} {share} %" for edge, share in shares.items())
        + f" of {report.sent} requests; {len(books.missing)} of {books.acknowledged} records missing",
        details={
            "problems": problems,
            "shares": shares,
            "sent": report.sent,
            "failed": failed,
            "latency_ms": report.latency_ms,
            "input_records": grid.input_records,
            "records_acknowledged": books.acknowledged,
            "records_missing": len(books.missing),
            "records_doubled": len(books.doubled),
        },
    )


def _load(grid: Grid) -> RunningLoad:
    """Generated readings, or every record of the user's file in as many POSTs as the time has room for."""
    if not grid.input_records:
        return grid.load(rate=RATE, seconds=SECONDS, prefix="spread-")
    posts = RATE * SECONDS // 2
    batch = -(-grid.input_records // posts)
    return grid.load(rate=RATE, seconds=SECONDS, prefix="spread-", source=Path(INPUT), batch=batch)


CLAIM = Claim(
    id="spread",
    title="Requests spread over the three edges",
    unit="%, smallest share",
    goal=f"≥ {SMALLEST_SHARE:g}, 0 failed",
    prove=prove,
)
