"""Traffic as people are shown it: nothing is lost or counted twice on its way through the tiers and restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.series import Tier, open_series
from gridwire.control.traffic import BUSIEST, Traffic
from gridwire.core.names import NodeName
from gridwire.core.traffic import Cell, Kind, Rank, Tally
from gridwire.protocol.traffic import Counted, Row, Second

GW = NodeName("gw")


def _row(route: str = "shop", node: str = "e1", *, service: str = "api", requests: int = 10, errors: int = 0) -> Row:
    return (route, service, node, requests, errors, 0, requests * 100, requests * 1000, (3, requests))


def _seconds(at: int, *rows: Row) -> Counted:
    return Counted(seconds=(Second(at=at, rows=rows),))


def _post(world: Any, *rows: Row, gateway: str = "gw") -> int:
    body = {"seconds": [{"at": int(world.clock.now.timestamp()), "rows": rows}]}
    answer = world.local.post("/api/v1/agent/traffic", json=body, headers={"X-Gridwire-Node": gateway})
    return int(answer.status_code)


def test_what_a_gateway_counted_is_shown_by_each_noun(world: Any) -> None:
    assert _post(world, _row(errors=2), _row(node="e2"), _row("blog", "-", service="web", errors=10)) == 204
    found = {}
    for of, name in (("route", "shop"), ("service", "web"), ("endpoint", "api/e2"), ("node", "e1"), ("gateway", "gw")):
        series = world.local.get(f"/api/v1/traffic?of={of}&name={name}&step=1").json()
        assert series["step"] == 1
        found[name] = sum(point["figures"]["requests"] for point in series["points"])
        assert sum(point["figures"]["errors"] for point in series["points"]) == {
            "shop": 2,
            "web": 10,
            "gw": 12,
            "e1": 2,
        }.get(name, 0)
    assert found == {"shop": 20, "web": 10, "api/e2": 10, "e1": 10, "gw": 30}
    last = world.local.get("/api/v1/traffic?of=route&name=shop&step=60").json()["points"][-1]["figures"]
    assert last == {
        "requests": 20, "errors": 2, "own": 0, "received": 2000, "sent": 20000, "p50": 3.0, "p95": 3.0, "p99": 3.0,
    }  # fmt: skip
    top = world.local.get("/api/v1/traffic/top?of=route&by=errors").json()
    assert [(item["name"], item["figures"]["errors"]) for item in top["items"]] == [("blog", 10), ("shop", 2)]


@pytest.mark.parametrize(
    "row",
    [
        ["a", "b", "c", -1, 0, 0, 0, 0, []],
        ["a", "b", "c", 1, 0, 0, 0, 0, [3]],
        ["a", "b", "c", 10**400, 0, 0, 0, 0, [3, 1]],
        ["a", "b", "c", 1, 0, 0, 0, 0, [3, 10**400]],
        ["a", "b", "c", 1, 0, 0, 0, 0, [128, 1]],
        ["a", "b", "c", 1, 0, 0, 0, 0, [3, -1]],
        ["", "b", "c", 1, 0, 0, 0, 0, []],
        ["a\n", "b", "c", 1, 0, 0, 0, 0, []],
        ["a", "b", "c", 1, 0, 0, 0, []],
    ],
)
def test_counts_that_cannot_be_are_refused_and_nothing_of_them_is_taken(world: Any, row: Any) -> None:
    assert _post(world, _row(), row) == 422
    assert world.local.get("/api/v1/traffic/top").json()["items"] == []


def test_only_a_gateway_counts(world: Any) -> None:
    edge = world.join("edge")
    asked = world.peer(edge.address, credential=edge.credential)
    assert asked.post("/api/v1/agent/traffic", json={"seconds": []}).status_code == 403


def test_gateways_add_up(world: Any) -> None:
    now = int(world.clock.now.timestamp())
    world.grid.traffic.take(GW, _seconds(now, _row()))
    world.grid.traffic.take(NodeName("gw2"), _seconds(now, _row()))
    current = world.grid.traffic.now([(Kind.ROUTE, "shop"), (Kind.GATEWAY, "gw2")])
    assert (current.totals.requests, [w.figures.requests for w in current.watched]) == (20, [20, 10])
    world.clock.forward(seconds=5)
    assert world.grid.traffic.now([]).totals.requests == 0  # nobody says so any more


def test_through_all_tiers_and_restarts_nothing_is_lost_or_counted_twice(world: Any, tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    traffic = Traffic(open_series(path), world.clock)
    begin = int(world.clock.now.timestamp())
    for second in range(3600):
        if second % 3 == 0:
            traffic.take(GW, _seconds(int(world.clock.now.timestamp()), _row()))
        if second % 700 == 350:  # in the middle of minutes and quarters
            traffic.close()
            traffic = Traffic(open_series(path), world.clock)
        world.clock.forward(seconds=1)
        traffic.tick()
    until = int(world.clock.now.timestamp())
    for step in (1, 10, 60, 300, 900, 1800):
        points = traffic.series(Kind.ROUTE, "shop", begin, until, step).points
        assert sum(point.figures.requests for point in points) == 12000, step
        assert {point.figures.p99 for point in points if point.figures.requests} == {3.0}
    world.clock.forward(hours=2)
    traffic.tick()
    assert traffic.series(Kind.ROUTE, "shop", begin, until, 1).step == 60  # its seconds are over
    world.clock.forward(days=2)
    traffic.take(GW, _seconds(int(world.clock.now.timestamp()), _row()))
    world.clock.forward(hours=1)
    traffic.tick()
    quarters = traffic.series(Kind.ROUTE, "shop", begin, until, 900).points
    assert [point.figures.requests for point in quarters] == [3000] * 4
    assert traffic.series(Kind.GATEWAY, "", begin, until, 60).points[0].figures.requests == 0


def test_seconds_are_kept_of_the_busiest_and_of_what_is_looked_at(world: Any, tmp_path: Path) -> None:
    traffic = Traffic(open_series(tmp_path / "series.db"), world.clock)
    rows = [_row(f"r{number}", requests=number + 1) for number in range(BUSIEST + 50)]
    begin = int(world.clock.now.timestamp())
    for second in range(130):
        if second % 60 == 0:
            traffic.series(Kind.ROUTE, "r3", begin - 60, begin, 1)
        traffic.take(GW, _seconds(int(world.clock.now.timestamp()), *rows))
        world.clock.forward(seconds=1)
        traffic.tick()
    traffic.close()
    traffic = Traffic(open_series(tmp_path / "series.db"), world.clock)
    until = begin + 130
    assert {traffic.series(Kind.ROUTE, name, begin, until, 1).step for name in ("r200", "r3")} == {1}
    quiet = traffic.series(Kind.ROUTE, "r4", begin, until, 1)
    assert quiet.step == 60  # said, not shown as silence
    assert sum(point.figures.requests for point in quiet.points) == 130 * 5


def test_a_clock_that_is_far_off_is_not_followed(world: Any) -> None:
    world.grid.traffic.take(GW, _seconds(5, _row()))
    assert world.local.get("/api/v1/traffic?step=60").json()["points"][-1]["figures"]["requests"] == 10


def test_the_file_stays_within_its_limit_and_drops_the_oldest(tmp_path: Path) -> None:
    limit = 200_000
    series = open_series(tmp_path / "series.db", limit=limit)
    now = 1_900_000_000
    cells = [(Cell("gw", f"r{number}", "api", "e1"), Tally(requests=1, histogram={3: 1})) for number in range(50)]
    for minute in range(0, 86400, 300):
        series.write(Tier.MINUTE, now + minute, cells)
    series.drop(now + 86400 - 300)
    assert series.used() <= limit
    oldest, newest = series.span(Tier.MINUTE) or (0, 0)
    assert newest == now + 86400 - 300
    assert now + 3600 < oldest < newest - 3600
    for quarter in range(0, 86400, 900):
        series.write(Tier.QUARTER, now + quarter, [*cells, *cells])
    series.drop(now + 86400 - 300)
    assert series.used() <= limit
    assert all(series.span(tier) for tier in (Tier.MINUTE, Tier.QUARTER))


def test_a_broken_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    path.write_bytes(b"no database" * 1000)
    open_series(path).write(Tier.MINUTE, 60, [(Cell("gw"), Tally(requests=1))])
    assert path.with_name("series.db.broken").exists()


def test_too_many_points_are_refused_with_a_step_that_will_do(world: Any) -> None:
    answer = world.local.get("/api/v1/traffic?since=2029-01-01T00:00:00Z&step=1")
    assert answer.status_code == 422
    assert answer.json()["fix"]
    assert world.local.get("/api/v1/traffic?since=2029-01-01T00:00:00").status_code == 422
    assert world.local.get("/api/v1/traffic?of=route").status_code == 422


def test_top_by_each_rank(world: Any) -> None:
    _post(
        world,
        _row("busy", requests=50),
        _row("broken", requests=5, errors=5),
        ("slow", "api", "e1", 1, 0, 0, 9**9, 1, (100, 1)),
    )
    for by, first in ((Rank.REQUESTS, "busy"), (Rank.ERRORS, "broken"), (Rank.P99, "slow"), (Rank.BYTES, "slow")):
        items = world.local.get(f"/api/v1/traffic/top?by={by}&limit=1").json()["items"]
        assert [item["name"] for item in items] == [first], by


def test_the_stream_tells_the_present_second_and_what_is_watched(world: Any) -> None:
    world.grid.stream.ready = True
    _post(world, _row())
    told = world.local.get("/api/v1/stream?seconds=1.5&watch=route:shop&watch=node:e9").text
    line = told[told.index("event: traffic") :].splitlines()[1]
    assert '"totals":{"requests":10,' in line
    assert line.count('"requests":10') == 2
    assert '"name":"e9","figures":{"requests":0' in line
    assert world.local.get("/api/v1/stream?seconds=0&watch=shop").status_code == 422


def test_names_that_a_gateway_makes_up_fill_no_memory(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.control.traffic.MOST_CELLS", 20)
    monkeypatch.setattr("gridwire.control.traffic.MOST_WHOLES", 10)
    monkeypatch.setattr("gridwire.adapters.series.series.MOST_CELLS", 25)
    series = open_series(None)
    traffic = Traffic(series, world.clock)
    for minute in range(3):
        rows = (_row(f"r{minute}-{number}", f"n{minute}-{number}") for number in range(100))
        traffic.take(GW, _seconds(int(world.clock.now.timestamp()), *rows))
        world.clock.forward(seconds=70)
        traffic.tick()
    now = int(world.clock.now.timestamp())
    assert len(series.cells()) == 25
    whole = traffic.series(Kind.GATEWAY, "gw", now - 600, now, 60).points
    assert sum(point.figures.requests for point in whole) == 3000


def test_the_newest_counts_are_walked_through_once_for_all_who_look(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic, asked = world.grid.traffic, []
    traffic.take(GW, _seconds(int(world.clock.now.timestamp()), *(_row(f"r{n}") for n in range(100))))
    monkeypatch.setattr("gridwire.control.traffic.name_in", lambda cell, kind: asked.append(kind) or cell.route)
    for _ in range(20):
        told = traffic.now([(Kind.ROUTE, f"r{n}") for n in range(50)])
        assert [one.figures.requests for one in told.watched] == [10] * 50
    assert asked.count(Kind.ROUTE) == 102  # with the gateway's and the node's whole


def test_who_looks_at_names_without_end_fills_no_memory(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.control.traffic.MOST_LOOKED", 5)
    traffic, begin = Traffic(open_series(None), world.clock), int(world.clock.now.timestamp())
    for name in (*map(str, range(100)), "r3"):
        traffic.series(Kind.ROUTE, name, begin - 60, begin, 1)
    assert len(traffic._looked) == 5


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T00:00:00-14:00"])
def test_there_is_no_traffic_of_years_that_cannot_be_reckoned_with(world: Any, since: str) -> None:
    assert world.local.get(f"/api/v1/traffic?since={since}&until={since}&step=86400").status_code == 422
