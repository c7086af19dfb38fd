"""A gateway's nginx and three edges': who gets a request, by weight, load, health and drain."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from gridwire.core.fleet import Balance
from gridwire.core.health import Health
from gridwire.core.names import NodeName, ServiceName
from gridwire.lab.nginx_pair import until
from gridwire.render.routing_data import document_text, edge_data, health_data

pytestmark = pytest.mark.netns

Grid = Any  # conftest.Grid, which has no importable name
STRANGER = IPv4Address("10.85.2.9")
API = ServiceName("api")


def test_shares_follow_weights_and_drain(grid: Grid) -> None:
    even = grid.shares(60)
    assert all(18 <= even[name] <= 22 for name in ("e0", "e1", "e2")), even
    grid.route(grid.table(grid.endpoint(0, weight=3), grid.endpoint(1), grid.endpoint(2, weight=0)))
    weighted = grid.shares(40)
    assert 28 <= weighted["e0"] <= 32, weighted
    assert weighted["e2"] == 0
    grid.route(grid.table(grid.endpoint(0, drained=True), grid.endpoint(1), grid.endpoint(2)))
    drained = grid.shares(20)
    assert drained["e0"] == 0, drained
    assert grid.gateway.door.state()["generation"] == 1, "something reloaded"


def test_least_connections_avoids_the_busy_endpoint(grid: Grid) -> None:
    """By more than one request: counts of other workers are up to a tick (25 ms) old, and ties go round."""
    grid.route(grid.table(grid.endpoint(0), balance=Balance.LEAST_CONNECTIONS))
    busy = [grid.websocket() for _ in range(6)]
    try:
        grid.route(grid.table(balance=Balance.LEAST_CONNECTIONS))
        until(lambda: grid.gateway.door.state()["flight"] == {"api/e0": 6}, "the counts")
        shares = grid.shares(30)
        assert shares["e0"] == 0, shares
        assert min(shares["e1"], shares["e2"]) >= 5, shares
    finally:
        for connection in busy:
            connection.close()
    until(lambda: not grid.gateway.door.state()["flight"], "the connections to end")


def test_health_verdicts(grid: Grid) -> None:
    def push(*states: Health) -> None:
        verdicts = {(API, NodeName(f"e{number}")): state for number, state in enumerate(states)}
        grid.gateway.door.push("health", document_text(health_data(verdicts)))

    push(Health.DOWN, Health.UP, Health.UNKNOWN)
    assert set(grid.shares(12)) == {"e1"}
    push(Health.DOWN, Health.DOWN, Health.UNKNOWN)
    assert set(grid.shares(6)) == {"e2"}
    push(Health.DOWN, Health.DOWN, Health.DOWN)
    answer = grid.ask()
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (503, "no-endpoint")


def test_a_check_that_passes_ends_an_ejection_in_every_worker(grid: Grid) -> None:
    """Ejected for the third time it would be left alone for 4 s, whatever the checks say."""
    door = grid.gateway.door

    def push(state: Health) -> None:
        door.push("health", document_text(health_data({(API, NodeName("e0")): state})))

    def third() -> bool:
        grid.ask()
        return 'gridwire_endpoint_ejections_total{service="api",node="e0"} 3' in door.metrics()

    push(Health.UP)
    grid.edges[0].stop()
    until(third, "the third ejection", 20)
    grid.edges[0].start()
    assert "api/e0" in door.state()["ejected"]
    push(Health.DOWN)
    push(Health.UP)
    assert [door.state()["ejected"] for _ in range(8)] == [{}] * 8
    assert grid.shares(12)["e0"] > 0


def test_no_edge_at_all_is_said_with_a_page(grid: Grid) -> None:
    for edge in grid.edges:
        edge.stop()
    answer = grid.ask("POST", "/store", "nowhere")
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (502, "edge-unreachable")
    assert answer.headers["X-Request-Id"] in answer.text  # type: ignore[attr-defined]


def test_a_killed_workers_requests_under_way_are_not_counted_for_ever(grid: Grid) -> None:
    held = [grid.websocket() for _ in range(4)]
    until(lambda: sum(grid.gateway.door.state()["flight"].values()) == 4, "the counts")
    before = grid.gateway.pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    for connection in held:
        connection.close()
    until(lambda: len(set(grid.gateway.pids()) - set(before)) == 2, "new workers")
    until(lambda: grid.gateway.answers() and not grid.gateway.door.state()["flight"], "the counts to go")
    assert grid.ask().status == 200


def test_one_peer_may_not_take_all_of_a_worker(grid: Grid) -> None:
    grid.retune("local under_way, MOST = {}, 4096", "local under_way, MOST = {}, 4")
    held = [grid.websocket() for _ in range(4)]
    refused = grid.ask()
    assert (refused.status, refused.headers["X-Gridwire-Reason"]) == (503, "too-many-connections")
    assert grid.ask(peer=STRANGER).status == 403, "another peer is not concerned"
    held.pop().close()
    until(lambda: grid.ask().status == 200, "room again")
    for one in held:
        one.close()


def test_an_edge_that_does_not_know_the_service_yet_costs_nothing(grid: Grid) -> None:
    unaware = replace(grid.edge_table(0), services=())
    grid.edges[0].door.push("edge", document_text(edge_data(unaware)))
    assert [grid.ask("POST", "/store", f"n{n}").status for n in range(9)] == [200] * 9
    assert grid.stored() == Counter({f"n{n}": 1 for n in range(9)})
    assert grid.apps[0].stored == []
