"""Changes without a reload, a reload that is needed, a permission withdrawn, and nginx killed."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.nginx import master_pid, reload_nginx, test_config, write_text
from gridwire.core.errors import Invalid, Unavailable
from gridwire.core.names import RouteName, ServiceName
from gridwire.core.proxy import (
    Grant,
    RouteEntry,
    RoutingTable,
)
from gridwire.lab.nginx_pair import until
from gridwire.render.routing_data import document_text, routing_data

check_config = test_config  # pytest would collect it under its own name
del test_config

pytestmark = pytest.mark.netns

Grid = Any  # conftest.Grid, which has no importable name
CLIENT = IPv4Address("10.85.2.1")
API = ServiceName("api")


def test_churn_keeps_websockets_and_loses_nothing(grid: Grid) -> None:
    sockets = [grid.websocket() for _ in range(12)]
    pids = grid.gateway.pids()
    for turn in range(50):
        endpoints = [grid.endpoint(number, drained=number == turn % 3) for number in range(3)]
        if turn % 2:
            del endpoints[turn % 3]
        grid.route(grid.table(*endpoints))
        assert grid.ask("POST", "/store", f"turn-{turn}").status == 200
    for connection in sockets:
        assert grid.said(connection, b"still here").endswith(b":still here")
        connection.close()
    assert grid.stored() == Counter({f"turn-{turn}": 1 for turn in range(50)})
    assert (grid.gateway.pids(), grid.gateway.door.state()["generation"]) == (pids, 1), "something reloaded"


def test_a_push_is_answered_when_every_worker_serves_it(grid: Grid) -> None:
    closed = grid.table()
    closed = replace(closed, grants=(Grant(id="g", addresses=()),))
    for _ in range(10):
        grid.route(closed)
        assert {grid.ask().status for _ in range(8)} == {403}
        grid.route(grid.table())
        assert {grid.ask().status for _ in range(8)} == {200}


def test_a_worker_at_rest_looks_at_what_was_pushed_before_it_serves(grid: Grid) -> None:
    """On connections that are kept, so that the kernel chooses no worker: each has some, and rests in between."""
    closed = replace(grid.table(), grants=(Grant(id="g", addresses=()),))
    request = b"GET / HTTP/1.1\r\nHost: api.grid\r\n\r\n"
    kept = [grid.connect() for _ in range(12)]
    for table, status in ((closed, b"403"), (grid.table(), b"200")) * 5:
        grid.route(table)
        for connection in kept:
            connection.sendall(request)
            assert connection.recv(65536).split()[1] == status
    for connection in kept:
        connection.close()


def test_what_is_under_way_keeps_a_worker_awake(grid: Grid) -> None:
    """A push waits for it, and so a WebSocket on it has ended when the push is answered, not some time after."""
    with ThreadPoolExecutor(16) as threads:
        for _ in range(3):
            grid.route(grid.table())
            sockets = list(threads.map(lambda _: grid.websocket(), range(32)))  # at once: so every worker has some
            grid.route(replace(grid.table(), grants=(Grant(id="g", addresses=()),)))
            for connection in sockets:
                connection.settimeout(0.2)
                assert connection.recv(4096) == b""
                connection.close()


def test_nginx_killed_is_started_again_over_what_it_left(grid: Grid) -> None:
    launch, gateway = grid.gateway.launch, grid.gateway
    orphans = gateway.pids()
    grid.route(grid.table(grid.endpoint(1)))
    write_text(f"{launch.state}/routing.json", document_text(routing_data(grid.table(grid.endpoint(2)))))
    assert gateway.process is not None
    gateway.process.kill()
    gateway.process.wait()
    assert master_pid(launch.pid_file, launch.config) is None
    assert Path(launch.door_socket).exists()
    gateway.start()
    assert not any(Path(f"/proc/{pid}").exists() for pid in orphans)
    assert set(grid.shares(6)) == {"e2"}, "the data on disk is served, by no worker of before"


def test_a_new_listener_reloads_and_a_refused_text_leaves_the_old_one(grid: Grid) -> None:
    gateway = grid.gateway
    launch, door = gateway.launch, gateway.door
    covers = (launch.state, launch.logs, str(Path(launch.pid_file).parent))
    with grid.namespace.inside():
        check_config(launch.binary, launch.config, covers=covers, user="www-data")
        bad = f"{launch.state}/bad.conf"
        write_text(bad, gateway.config.text.replace("merge_slashes on", "merge_slashes perhaps"))
        with pytest.raises(Invalid, match="merge_slashes"):
            check_config(launch.binary, bad, covers=covers, user="www-data")
        assert grid.ask().status == 200
        reload_nginx(launch.pid_file, launch.config, digest=gateway.config.digest, door=door)
        until(lambda: door.state()["generation"] == 2, "the new generation")
        write_text(launch.config, gateway.config.text.replace("merge_slashes on", "merge_slashes perhaps"))
        with pytest.raises(Unavailable, match="old one"):
            reload_nginx(launch.pid_file, launch.config, digest="0" * 32, door=door, seconds=0.5)
        assert grid.ask().status == 200


def test_a_permission_withdrawn_ends_what_is_under_way_on_it_and_nothing_else(grid: Grid) -> None:
    def table(*allowed: IPv4Address) -> RoutingTable:
        routes = (("api", "/", "g"), ("live", "/live", "live"))
        return replace(
            grid.table(),
            routes=tuple(
                RouteEntry(name=RouteName(name), host="api.grid", path=path, grant=grant, service=API)
                for name, path, grant in routes
            ),
            grants=(Grant(id="g", addresses=(CLIENT,)), Grant(id="live", addresses=allowed)),
        )

    grid.route(table(CLIENT))
    cut, kept = grid.websocket("/live/x"), grid.websocket("/else")
    with grid.connect() as plain, cut, kept:
        plain.sendall(b"GET /two-parts HTTP/1.1\r\nHost: api.grid\r\n\r\n")
        while b"one" not in plain.recv(4096):
            pass
        assert grid.said(cut, b"hello").endswith(b"hello")
        grid.route(table(CLIENT))
        assert grid.said(cut, b"still").endswith(b"still"), "a table that allows it ends nothing"
        grid.route(table())
        assert cut.recv(4096) == b""
        assert grid.said(kept, b"hello").endswith(b"hello")
        grid.route(replace(table(), grants=()))
        assert kept.recv(4096) == b""
        assert plain.recv(4096) == b"", "an answer that is being written"
    until(lambda: grid.gateway.door.state()["flight"] == {}, "no request under way")
