"""Routes come, change and go under load, half of the connections speaking once in two seconds."""

from __future__ import annotations

import time

from gridwire.adapters.control_api import calls
from gridwire.core.fleet import Route, parse_selector
from gridwire.core.names import route_name, service_name
from gridwire.lab.asking import Asking
from gridwire.lab.changes import Changes
from gridwire.lab.grid import GATEWAY, SERVICE, Grid
from gridwire.lab.load_run import account
from gridwire.lab.proofs.losses import figures, losses, lost
from gridwire.lab.proofs.proof import Claim, Outcome, verdict

ROUTES = 200
CONNECTIONS = 32
_BUDGET_SECONDS = 300
_ABREAST = 8  # routes at the same stage; eight of each of three stages are changed between two waits
_CHANGED = "/healthz"  # a path that the app knows
_NO_HOST, _NO_PATH = 421, 404


def prove(grid: Grid) -> Outcome:
    load = grid.load(
        rate=60, seconds=_BUDGET_SECONDS, prefix="routes-", connections=CONNECTIONS // 2, slow=CONNECTIONS // 2
    )
    start = time.monotonic()
    try:
        with Changes(grid) as changes, Asking(grid.client, grid.mesh[GATEWAY]) as asking:
            before = changes.generation()
            wrong = churn_routes(changes, asking, ROUTES)
            tables, took = len(changes.tables), time.monotonic() - start
            reloads = int(changes.generation() != before)
        time.sleep(max(0.0, 4.5 - (time.monotonic() - start)))  # every slow connection has spoken twice
        report = load.finish()
    except BaseException:
        load.abandon()
        raise
    books = account(report, grid.stored())
    wanted = ROUTES // _ABREAST
    problems = verdict(
        losses(load.plan, report, books)
        | {
            "nginx reloaded": reloads > 0,
            "changes that nginx never served": tables < wanted,
            "routes that answered otherwise than they should": bool(wrong),
        }
    )
    return Outcome(
        ok=not problems,
        figure=lost(report),
        line=f"{ROUTES} routes added, changed and removed in {took:.1f} s, {tables} tables served, each route asked "
        f"at each stage ({len(wrong)} wrong): {lost(report)} of {report.sent} lost, {reloads} reloads",
        details={
            "problems": problems,
            "routes": ROUTES,
            "tables_served": tables,
            "tables_wanted": wanted,
            "wrong_answers": wrong,
            "reloads": reloads,
            **figures(report, books),
        },
    )


def churn_routes(changes: Changes, asking: Asking, count: int, *, first: int = 0) -> list[str]:
    """Add, change and remove ``count`` routes, each stage served and asked before the next; what answered wrongly."""
    wrong: list[str] = []
    steps = -(-count // _ABREAST)
    batches = [range(first + at * _ABREAST, first + min((at + 1) * _ABREAST, count)) for at in range(steps)]
    etags: dict[int, str | None] = {}
    for step in range(steps + 2):
        added, changed, removed = (batches[at] if 0 <= at < steps else () for at in (step, step - 1, step - 2))
        for number in added:
            etags[number] = changes.send(calls.put_route(_route(number, "/"), if_none_match="*")).etag
        for number in changed:
            moved = calls.put_route(_route(number, _CHANGED), if_match=etags[number])
            etags[number] = changes.send(moved).etag
        for number in removed:
            changes.send(calls.delete_route(_name(number), if_match=etags.pop(number)))
        changes.settled()
        expected = [(number, "/", 200) for number in added]
        expected += [(number, "/", _NO_PATH) for number in changed]
        expected += [(number, _CHANGED, 200) for number in changed]
        expected += [(number, _CHANGED, _NO_HOST) for number in removed]
        for number, path, status in expected:
            said = asking.status(f"churn-{number}.grid", path)
            if said != status:
                wrong.append(f"churn-{number}.grid{path}: {said}, not {status}")
    return wrong


def _name(number: int) -> str:
    return route_name(f"churn-{number}")


def _route(number: int, path: str) -> Route:
    return Route(
        name=route_name(f"churn-{number}"),
        host=f"churn-{number}",
        path=path,
        to=service_name(SERVICE),
        allow=(parse_selector("role:client"),),
    )


CLAIM = Claim(
    id="route-churn",
    title=f"{ROUTES} routes added, changed and removed under load, half the connections slow",
    unit="requests lost",
    goal="0 lost, 0 reloads, every stage of every route served",
    prove=prove,
)
