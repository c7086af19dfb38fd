"""Routes come, change and go under load, half of the connections speaking once in two seconds."""

from __future__ import annotations

import time

from gridwire.adapters.control_api import calls
from gridwire.core.fleet import Route, parse_selector
from gridwire.core.names import route_name, service_name
from gridwire.lab.changes import Changes
from gridwire.lab.grid import SERVICE, Grid
from gridwire.lab.load_run import account
from gridwire.lab.proofs.proof import Claim, Outcome, verdict

ROUTES = 200
CONNECTIONS = 32
_BUDGET_SECONDS = 60


def prove(grid: Grid) -> Outcome:
    load = grid.load(
        rate=80, seconds=_BUDGET_SECONDS, prefix="routes-", connections=CONNECTIONS // 2, slow=CONNECTIONS // 2
    )
    start = time.monotonic()
    try:
        with Changes(grid) as changes:
            before = changes.generation()
            first = changes.served()
            for number in range(ROUTES):
                _churn(changes, number)
            changes.settled()
            took = time.monotonic() - start
            served = changes.served()
            reloads = int(changes.generation() != before)
        time.sleep(max(0.0, 4.5 - (time.monotonic() - start)))  # every slow connection has spoken twice
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    books = account(report, grid.stored())
    lost = report.sent - sum(report.shares.values())
    problems = verdict(
        {
            "requests lost": lost > 0,
            "answered twice": report.answered_twice > 0,
            "records missing": bool(books.missing),
            "records doubled": bool(books.doubled),
            "nginx reloaded": reloads > 0,
        }
    )
    return Outcome(
        ok=not problems,
        figure=lost,
        line=f"{ROUTES} routes added, changed and removed in {took:.1f} s: {lost} of {report.sent} lost, "
        f"{reloads} reloads",
        details={
            "problems": problems,
            "routes": ROUTES,
            "revisions": (served[-1] - first[-1]) if served and first else 0,
            "sent": report.sent,
            "lost": lost,
            "doubled": report.answered_twice + len(books.doubled),
            "records_missing": len(books.missing),
            "reloads": reloads,
            "statuses": report.statuses,
            "errors": report.errors,
            "latency_ms": report.latency_ms,
        },
    )


def _churn(changes: Changes, number: int) -> None:
    """Add a route, change it, remove it."""
    name = route_name(f"churn-{number}")

    def route(path: str) -> Route:
        return Route(
            name=name,
            host=f"churn-{number}",
            path=path,
            to=service_name(SERVICE),
            allow=(parse_selector("role:client"),),
        )

    added = changes.send(calls.put_route(route("/"), if_none_match="*"))
    changed = changes.send(calls.put_route(route(f"/v{number}"), if_match=added.etag))
    changes.send(calls.delete_route(name, if_match=changed.etag))


CLAIM = Claim(
    id="route-churn",
    title=f"{ROUTES} routes added, changed and removed under load, half the connections slow",
    unit="requests lost",
    goal="0 lost, 0 reloads",
    prove=prove,
)
