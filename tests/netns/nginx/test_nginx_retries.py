"""What is tried again elsewhere when an application or an edge goes, and what never is."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from typing import Any

import pytest

from gridwire.lab.nginx_pair import until

pytestmark = pytest.mark.netns

Grid = Any  # conftest.Grid, which has no importable name


def test_an_application_that_is_gone_costs_no_request_of_any_method(grid: Grid) -> None:
    grid.apps[0].shutdown()
    grid.apps[0].server_close()
    statuses = [grid.ask("POST", "/store", f"record-{n}").status for n in range(30)]
    assert statuses == [200] * 30
    assert grid.stored() == Counter({f"record-{n}": 1 for n in range(30)})
    assert grid.gateway.door.state()["ejections"]["api/e0"] >= 1  # it may be over by now: the first lasts a second


def test_an_edge_that_is_gone_costs_no_request_of_any_method_and_comes_back(grid: Grid) -> None:
    assert grid.shares(9)["e1"] > 0
    grid.edges[1].stop()
    assert [grid.ask("POST", "/store", f"r{n}").status for n in range(20)] == [200] * 20
    assert grid.stored() == Counter({f"r{n}": 1 for n in range(20)})
    grid.edges[1].start()
    until(lambda: grid.ask().headers["X-App"] == "e1", "e1 to come back", 15)


@pytest.mark.parametrize("method", ["POST", "PATCH", "PROPFIND"])
def test_what_was_sent_and_broke_off_is_never_sent_again_unless_idempotent(grid: Grid, method: str) -> None:
    for app in grid.apps:
        app.breaks = True
    answer = grid.ask(method, "/store", "only-once")
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (502, "app-broke-off")
    assert grid.stored() == {"only-once": 1}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_idempotent_request_is_tried_elsewhere(grid: Grid, method: str) -> None:
    grid.apps[0].breaks = grid.apps[1].breaks = True
    answers = [grid.ask(method, "/x", "body" if method == "PUT" else None) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 6
    assert {answer.headers["X-App"] for answer in answers} == {"e2"}


def test_an_edge_killed_in_the_middle_of_a_post_answers_502_and_stores_once(grid: Grid) -> None:
    grid.route(grid.table(grid.endpoint(0)))
    gate = threading.Event()
    grid.apps[0].breaks = False
    handler = grid.apps[0].RequestHandlerClass
    original = handler._answer

    def held(self: Any, status: int, body: str) -> None:
        gate.wait(10)
        original(self, status, body)

    handler._answer = held
    try:
        result: list[tuple[int, str | None]] = []

        def post() -> None:
            answer = grid.ask("POST", "/store", "mid")
            result.append((answer.status, answer.headers["X-Gridwire-Reason"]))

        asking = threading.Thread(target=post)
        asking.start()
        until(lambda: grid.apps[0].stored == ["mid"], "the record")
        for pid in grid.edges[0].pids():
            os.kill(pid, signal.SIGKILL)
        asking.join(10)
        assert result == [(502, "edge-broke-off")]
    finally:
        gate.set()
        handler._answer = original
    assert grid.stored() == {"mid": 1}


def test_a_stream_to_an_application_that_is_gone_is_not_sent_twice(grid: Grid) -> None:
    grid.apps[0].shutdown()
    grid.apps[0].server_close()
    grid.route(grid.table(grid.endpoint(0), grid.endpoint(1)))
    answers = Counter[bytes]()
    for number in range(4):
        with grid.connect() as connection:
            body = f"n{number}".encode()
            head = b"POST /in HTTP/1.1\r\nHost: api.grid\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head + b"2\r\n" + body + b"\r\n0\r\n\r\n")
            answers[connection.recv(4096)[9:12]] += 1
    assert sum(grid.stored().values()) == answers[b"200"]
    assert answers[b"200"] + answers[b"502"] == 4
    assert answers[b"502"] >= 1


def test_a_websocket_whose_application_is_gone_is_opened_elsewhere(grid: Grid) -> None:
    grid.apps[0].shutdown()
    grid.apps[0].server_close()
    grid.route(grid.table(grid.endpoint(0), grid.endpoint(1)))
    for _ in range(4):
        with grid.websocket() as connection:
            assert grid.said(connection, b"hello") == b"e1:hello"
