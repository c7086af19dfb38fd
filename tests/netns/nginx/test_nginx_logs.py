"""Ids, pages and reasons: what a request leaves behind on both hosts."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from gridwire.adapters.nginx import master_pid, rotate_logs, signal_master
from gridwire.lab.nginx_pair import until
from gridwire.render.routing_data import document_text, edge_data

pytestmark = pytest.mark.netns

Grid = Any  # conftest.Grid, which has no importable name
STRANGER = IPv4Address("10.85.2.9")
EDGES = tuple(IPv4Address(f"10.85.1.{n}") for n in (1, 2, 3))


def test_request_ids_differ_over_workers_connections_and_generations(grid: Grid) -> None:
    with grid.connect() as kept:
        for _ in range(20):
            grid.said(kept, b"GET / HTTP/1.1\r\nHost: api.grid\r\n\r\n")
    grid.shares(20)
    grid.gateway.stop()
    grid.gateway.start()
    grid.shares(20)
    ids = [one["x-request-id"] for app in grid.apps for one in app.seen]
    assert len(ids) == len(set(ids)) == 60


def test_both_hosts_log_a_request_by_the_same_id(grid: Grid) -> None:
    grid.ask()
    wanted = next(app.seen[0]["x-request-id"] for app in grid.apps if app.seen)
    for one in (grid.gateway, *(edge for edge, app in zip(grid.edges, grid.apps, strict=True) if app.seen)):
        until(lambda one=one: f'"request_id":"{wanted}"' in one.log("access.log"), "the access log")


@pytest.mark.parametrize(
    ("host", "status", "reason"), [("nobody.grid", 421, "unknown-host"), ("<script>.grid", 400, "bad-host")]
)
def test_own_errors_have_a_page_a_reason_and_a_line_in_the_log(grid: Grid, host: str, status: int, reason: str) -> None:
    answer = grid.ask(Host=host)
    assert answer.status == status
    page = answer.text  # type: ignore[attr-defined]
    assert reason in page
    assert answer.headers["X-Request-Id"] in page
    assert "script" not in page
    wanted = answer.headers["X-Request-Id"]
    until(lambda: wanted in grid.gateway.log("access.log"), "the access log")
    (line,) = [line for line in grid.gateway.log("access.log").splitlines() if wanted in line]
    assert f'"reason":"{reason}"' in line
    assert 'gridwire_requests_total{route="-",code="4xx"}' in grid.gateway.door.metrics()


def refusals(text: str) -> dict[str, int]:
    found = re.findall(r'^gridwire_refusals_total\{reason="([a-z-]+)"\} (\d+)$', text, re.MULTILINE)
    return {reason: int(count) for reason, count in found}


def test_refusals_are_counted_by_reason_on_both_hosts(grid: Grid) -> None:
    for _ in range(3):
        assert grid.ask(Host="nobody.grid").status == 421
    assert grid.ask(peer=STRANGER).status == 403
    assert grid.ask().status == 200
    door = grid.gateway.door  # one worker's are counted there at once, the other's within a second
    until(lambda: refusals(door.metrics()) == {"unknown-host": 3, "not-allowed": 1}, "the refusals of both workers")

    edge = grid.edges[0].door
    assert grid.ask(to=EDGES[0], port=2085, peer=STRANGER, X_Gridwire_Service="api").status == 403
    edge.push("edge", document_text(edge_data(replace(grid.edge_table(0), services=()))))
    assert [grid.ask().status for _ in range(6)] == [200] * 6
    until(lambda: refusals(edge.metrics()).get("not-a-gateway") == 1, "the edge's own refusal")
    until(lambda: refusals(edge.metrics()).get("unknown-service", 0) > 0, "what the gateway mended")
    assert refusals(door.metrics()) == {"unknown-host": 3, "not-allowed": 1}


def test_logs_rotate_without_losing_lines(grid: Grid) -> None:
    launch = grid.gateway.launch
    first = grid.ask(Host="one.grid").headers["X-Request-Id"]
    until(lambda: first in grid.gateway.log("access.log"), "the access log")
    rotated = rotate_logs(launch.logs, pid_file=launch.pid_file, config=launch.config, limit_bytes=10)
    assert "access.log" in rotated
    second = grid.ask(Host="two.grid").headers["X-Request-Id"]
    until(lambda: second in grid.gateway.log("access.log") + grid.gateway.log("access.log.1"), "the second line")
    assert first in grid.gateway.log("access.log.1")
    assert signal_master(launch.pid_file, launch.config, signal.SIGUSR1) == master_pid(launch.pid_file, launch.config)
