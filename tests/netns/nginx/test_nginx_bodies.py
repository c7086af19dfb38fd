"""Bodies of any size, and of none that is known: held, streamed, resent whole."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gridwire.lab.nginx_pair import until

pytestmark = pytest.mark.netns

Grid = Any  # conftest.Grid, which has no importable name


def test_a_large_body_is_resent_whole(grid: Grid) -> None:
    grid.apps[0].shutdown()
    grid.apps[0].server_close()
    body = "x" * 3_000_000
    for _ in range(3):
        assert grid.ask("POST", "/store", body).status == 200
    assert grid.stored() == {body: 3}


def test_a_very_large_body_is_streamed_and_touches_no_disk(grid: Grid) -> None:
    with grid.connect() as connection:
        head = b"POST /in HTTP/1.1\r\nHost: api.grid\r\nContent-Length: 20000000\r\n\r\n"
        connection.sendall(head + b"x" * 10_000_000)
        until(lambda: any(app.seen for app in grid.apps), "the application, before the whole body is there")
        assert grid.bodies_on_disk() == 0
        connection.sendall(b"x" * 10_000_000)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert [len(body) for body in grid.stored()] == [20_000_000]


def test_so_many_bodies_may_wait_on_the_disk_and_the_rest_is_streamed(grid: Grid) -> None:
    grid.retune("local on_disk, MOST_ON_DISK = 0, 64", "local on_disk, MOST_ON_DISK = 0, 2")
    held = [grid.connect() for _ in range(5)]
    try:
        for connection in held:
            head = b"POST /in HTTP/1.1\r\nHost: api.grid\r\nContent-Length: 2000000\r\n\r\n"
            connection.sendall(head + b"x" * 1_000_000)
        until(lambda: sum(len(app.seen) for app in grid.apps) == 3, "those that are streamed, at the applications")
        assert grid.bodies_on_disk() == 2
        for connection in held:
            connection.sendall(b"x" * 1_000_000)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert grid.stored() == {"x" * 2_000_000: 5}
    finally:
        for connection in held:
            connection.close()


def test_a_body_of_unknown_length_reaches_the_application_as_it_comes(grid: Grid) -> None:
    with grid.connect() as connection:
        connection.sendall(b"POST /in HTTP/1.1\r\nHost: api.grid\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        until(lambda: grid.stored()["one"] == 1, "the first part, at the application")
        connection.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert grid.stored() == Counter({"one": 1, "two": 1})


def test_an_answer_of_unknown_length_reaches_the_client_as_it_comes(grid: Grid) -> None:
    with grid.connect() as connection:
        connection.sendall(b"GET /two-parts HTTP/1.1\r\nHost: api.grid\r\n\r\n")
        got = b""
        while b"one" not in got:
            got += connection.recv(4096)
        assert b"two" not in got
        for app in grid.apps:
            app.more.set()
        while b"two" not in got:
            got += connection.recv(4096)
