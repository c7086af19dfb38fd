"""What a real nginx counts of real requests, and that its agent's question for it costs nobody anything."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from ipaddress import IPv4Address
from typing import Any

import pytest
from pydantic import TypeAdapter

from gridwire.adapters.nginx import Counts
from gridwire.core.traffic import ERROR, middle
from gridwire.lab.nginx_pair import until
from gridwire.protocol.traffic import Second

pytestmark = pytest.mark.netns
STRANGER = IPv4Address("10.85.2.9")
_LINES = TypeAdapter(tuple[Second, ...])


def _taken(grid: Any, requests: int, seconds: float = 10) -> dict[tuple[str, str, str], list[int]]:
    """Rows by route, service and node, added up until there are so many requests; the histogram's sum comes last."""
    counts, found = Counts(grid.gateway.launch.door_socket), {}
    deadline = time.monotonic() + seconds
    while sum(row[0] for row in found.values()) < requests:
        assert time.monotonic() < deadline, found
        lines = asyncio.run(counts.take(1))
        for second in _LINES.validate_json(lines or b"[]"):
            assert abs(second.at - time.time()) < 5
            for *names, n, errors, own, received, sent, pairs in second.rows:
                row = found.setdefault(tuple(names), [0, 0, 0, 0, 0, 0])
                for at, value in enumerate((n, errors, own, received, sent, sum(pairs[1::2]))):
                    row[at] += value
    return found


def test_each_request_counts_once_where_it_was_answered(grid: Any) -> None:
    answers = [grid.ask(path=f"/{number}") for number in range(30)] + [grid.ask(X_Want="500") for _ in range(6)]
    answers.append(grid.ask(X_Want="404"))
    for host in ("api.grid", "nobody.grid"):
        grid.ask(Host=host, peer=STRANGER)
    found = _taken(grid, 39)
    assert {names: row[:3] for names, row in found.items() if names[0] == "-"} == {("-", "-", "-"): [1, 0, 0]}
    assert found["api", "api", "-"][:3] == [1, 0, 0]  # refused
    served = {names[2]: row for names, row in found.items() if names[2].startswith("e")}
    assert {node: row[0] for node, row in served.items()} == Counter(answer.headers["X-App"] for answer in answers)
    failed = Counter(answer.headers["X-App"] for answer in answers if answer.status == 500)
    assert {node: row[1] for node, row in served.items() if row[1]} == failed
    assert sum(row[2] for row in served.values()) == 0  # they are the application's own
    assert all(row[5] == row[0] for row in served.values())  # each has a time


def test_bytes_are_those_on_the_wire(grid: Any) -> None:
    connection = grid.connect()
    body = b"x" * 50_000
    sent = b"POST /up HTTP/1.1\r\nHost: api.grid\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    connection.sendall(sent)
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    connection.close()
    (row,) = _taken(grid, 1).values()
    assert row[3:5] == [len(sent), len(answer)]


def test_what_no_edge_could_answer_is_an_error_of_gridwires_at_the_endpoint_that_failed(grid: Any) -> None:
    grid.route(grid.table(grid.endpoint(0, port=9)))
    assert grid.ask().status == 502
    grid.route(grid.table(grid.endpoint(0)))
    assert grid.ask().status == 200
    assert _taken(grid, 2)["api", "api", "e0"][:3] == [2, 1, 1]


def test_a_websocket_is_a_request_and_no_time(grid: Any) -> None:
    socket = grid.websocket()
    assert grid.said(socket, b"hello").endswith(b"hello")
    socket.close()
    (row,) = _taken(grid, 1).values()
    assert (row[0], row[5]) == (1, 0)
    assert row[4] > 100


def test_two_questions_share_and_who_waits_is_woken(grid: Any) -> None:
    counts = Counts(grid.gateway.launch.door_socket)

    async def run() -> tuple[float, bytes | None, bytes | None]:
        assert await counts.take(0) is None
        waiting = asyncio.create_task(counts.take(30))
        await asyncio.sleep(0)
        began = time.monotonic()
        status = (await asyncio.to_thread(grid.ask)).status
        assert status == 200
        first = await waiting
        return time.monotonic() - began, first, await counts.take(0)

    seconds, first, second = asyncio.run(run())
    assert seconds < 10  # a flush, not the end of the question
    assert first is not None
    assert second is None


def test_while_nobody_takes_it_nothing_is_lost(grid: Any) -> None:
    """Lines that nobody takes are bounded; then workers go on counting, and say all of it later."""
    grid.retune("local MOST_LINES = 240", "local MOST_LINES = 1", "traffic")
    for round_ in range(1, 4):
        for _ in range(10):
            assert grid.ask().status == 200
        told = f'gridwire_requests_total{{route="api",code="2xx"}} {round_ * 10}\n'
        until(lambda told=told: told in grid.gateway.door.metrics(), "a flush in the worker that served")
    assert sum(row[0] for row in _taken(grid, 30).values()) == 30


def test_a_time_lands_in_the_bucket_that_core_reads_it_from(grid: Any) -> None:
    began = time.monotonic()
    release = threading.Timer(0.3, lambda: [app.more.set() for app in grid.apps])
    release.start()
    assert grid.ask(path="/two-parts").status == 200
    elapsed = (time.monotonic() - began) * 1000
    release.join()
    (second,) = _LINES.validate_json(asyncio.run(Counts(grid.gateway.launch.door_socket).take(10)) or b"[]")
    bucket, number = second.rows[0][8]
    assert number == 1
    assert middle(bucket) * (1 + ERROR) >= 280
    assert middle(bucket) * (1 - ERROR) <= elapsed
