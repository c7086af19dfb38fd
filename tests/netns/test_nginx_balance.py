"""A gateway's nginx and three edges', real, in one namespace: shares, drain, retries, ejection, WebSockets, headers,
changes without a reload, and nginx killed."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import socketserver
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from gridwire.adapters.nginx import master_pid, reload_nginx, rotate_logs, signal_master, test_config, write_text
from gridwire.core.errors import Invalid, Unavailable
from gridwire.core.fleet import Balance
from gridwire.core.health import Health, HealthCheck
from gridwire.core.names import NodeName, RouteName, ServiceName
from gridwire.core.proxy import (
    EdgeService,
    EdgeTable,
    Endpoint,
    Grant,
    Listener,
    ListenerKind,
    Pool,
    RouteEntry,
    RoutingTable,
)
from gridwire.core.targets import TcpTarget
from gridwire.lab.nginx_pair import Namespace, instance, until
from gridwire.render.routing_data import document_text, edge_data, health_data, routing_data

check_config = test_config  # pytest would collect it under its own name
del test_config

pytestmark = pytest.mark.netns

GATEWAY, CLIENT, STRANGER = IPv4Address("10.85.0.1"), IPv4Address("10.85.2.1"), IPv4Address("10.85.2.9")
EDGES = tuple(IPv4Address(f"10.85.1.{n}") for n in (1, 2, 3))
API = ServiceName("api")


class App(ThreadingHTTPServer):
    """One edge's application: says its name, stores what is posted, breaks off when told to."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.stored: list[str] = []
        self.breaks = False
        self.more = threading.Event()  # what an answer in two parts waits for
        self.seen: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that ends is no fault here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: App

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("X-App", self.server.name)
        if steer := self.headers.get("X-Steer"):
            self.send_header("X-Accel-Redirect", steer)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def _turn(self) -> None:
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.server.stored.append(self.rfile.read(size).decode())
                self.rfile.readline()
            self.rfile.readline()
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        if body:
            self.server.stored.append(body)
        if self.server.breaks:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.headers.get("Upgrade") == "websocket":
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            while chunk := self.connection.recv(4096):
                self.wfile.write(self.server.name.encode() + b":" + chunk)
            return
        if self.path == "/two-parts":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
            assert self.server.more.wait(10)
            self.wfile.write(b"3\r\ntwo\r\n0\r\n\r\n")
            return
        status = int(self.headers.get("X-Want", "200"))
        self._answer(status, self.server.name)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_PROPFIND = _turn


class Grid:
    def __init__(self, folder: Path) -> None:
        addresses = (GATEWAY, CLIENT, STRANGER, *EDGES)
        self.namespace = Namespace(tuple(f"{address}/32" for address in addresses))
        self.revision = 0
        listeners = tuple(
            Listener(kind, GATEWAY, port)
            for kind, port in ((ListenerKind.ROUTES, 80), (ListenerKind.API, 2086), (ListenerKind.ENROL, 2087))
        )
        self.control_socket = folder / "control.sock"
        self.gateway = instance(
            self.namespace,
            folder / "gateway",
            listeners,
            routing=self.table(),
            workers=2,
            control_socket=str(self.control_socket),
        )
        self.edges = [
            instance(
                self.namespace,
                folder / f"edge-{number}",
                (Listener(ListenerKind.EDGE, address, 2085),),
                edge=self.edge_table(number),
            )
            for number, address in enumerate(EDGES)
        ]
        self.apps: list[App] = []
        with self.namespace.inside():
            self.apps = [App(f"e{number}", 9000 + number) for number in range(3)]
        for one in (self.gateway, *self.edges):
            one.start()

    def close(self) -> None:
        for one in (self.gateway, *self.edges):
            one.stop()
        for app in self.apps:
            app.shutdown()
            app.server_close()
        self.namespace.close()

    def edge_table(self, number: int) -> EdgeTable:
        return EdgeTable(
            version=(1, 1),
            gateways=(GATEWAY, EDGES[number]),  # on lo the kernel takes the destination as the source
            services=(
                EdgeService(
                    service=API,
                    target=TcpTarget(IPv4Address("127.0.0.1"), 9000 + number),
                    health=HealthCheck(kind="http", path="/healthz"),
                    connect_timeout_ms=1000,
                    read_timeout_ms=60_000,
                    send_timeout_ms=60_000,
                ),
            ),
        )

    def table(self, *endpoints: Endpoint, balance: Balance = Balance.ROUND_ROBIN, retries: int = 2) -> RoutingTable:
        self.revision += 1
        pool = Pool(
            service=API,
            balance=balance,
            retries=retries,
            connect_timeout_ms=1000,
            read_timeout_ms=60_000,
            send_timeout_ms=60_000,
            health=HealthCheck(),
            endpoints=endpoints or tuple(self.endpoint(number) for number in range(3)),
        )
        return RoutingTable(
            version=(1, self.revision),
            routes=(RouteEntry(name="api", host="api.grid", path="/", grant="g", service=API),),
            grants=(Grant(id="g", addresses=(CLIENT,)),),
            pools=(pool,),
        )

    def endpoint(self, number: int, *, weight: int = 1, drained: bool = False, port: int = 2085) -> Endpoint:
        return Endpoint(node=NodeName(f"e{number}"), address=EDGES[number], port=port, weight=weight, drained=drained)

    def route(self, table: RoutingTable) -> None:
        self.gateway.door.push("routing", document_text(routing_data(table)))

    def retune(self, old: str, new: str) -> None:
        """Start the gateway's nginx again, one worker, with a constant of its Lua changed."""
        lua = self.gateway.folder / "lua"
        shutil.copytree(self.gateway.nginx.lua[0], lua)
        module = lua / "gridwire" / "gateway.lua"
        assert old in module.read_text()
        module.write_text(module.read_text().replace(old, new))
        config = Path(self.gateway.launch.config)
        text = config.read_text().replace("worker_processes 2;", "worker_processes 1;")
        config.write_text(text.replace(f"{self.gateway.nginx.lua[0]}/?.lua", f"{lua}/?.lua"))
        self.gateway.stop()
        self.gateway.start()

    def bodies_on_disk(self) -> int:
        """Files that the gateway's workers hold open; nginx unlinks them at once."""
        files = [link.readlink() for pid in self.gateway.pids() for link in Path(f"/proc/{pid}/fd").iterdir()]
        return sum("client_body" in str(file) for file in files)

    def connect(self, peer: IPv4Address = CLIENT, to: IPv4Address = GATEWAY, port: int = 80) -> socket.socket:
        with self.namespace.inside():
            return socket.create_connection((str(to), port), 10, (str(peer), 0))

    def ask(
        self,
        method: str = "GET",
        path: str = "/",
        body: str | None = None,
        *,
        to: IPv4Address = GATEWAY,
        port: int = 80,
        peer: IPv4Address = CLIENT,
        **headers: str,
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("api.grid", timeout=10)
        connection.sock = self.connect(peer, to, port)
        sent = {"Host": "api.grid", **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        response.text = response.read().decode()  # type: ignore[attr-defined]
        connection.close()
        return response

    def shares(self, count: int) -> Counter[str]:
        return Counter(self.ask().headers["X-App"] for _ in range(count))

    def stored(self) -> Counter[str]:
        return Counter(entry for app in self.apps for entry in app.stored)

    def websocket(self, path: str = "/stream") -> socket.socket:
        connection = self.connect()
        head = f"GET {path} HTTP/1.1\r\nHost: api.grid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")
        return connection


def said(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(4096)


@pytest.fixture
def grid() -> Iterator[Grid]:
    # Not pytest's own folder: that is closed to nginx's user, and every pytest that starts closes it again.
    with tempfile.TemporaryDirectory(prefix="gridwire-nginx-") as folder:
        Path(folder).chmod(0o755)
        made = Grid(Path(folder))
        try:
            yield made
        finally:
            made.close()


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


def test_an_application_that_is_gone_costs_no_request_of_any_method(grid: Grid) -> None:
    grid.apps[0].shutdown()
    grid.apps[0].server_close()
    statuses = [grid.ask("POST", "/store", f"record-{n}").status for n in range(30)]
    assert statuses == [200] * 30
    assert grid.stored() == Counter({f"record-{n}": 1 for n in range(30)})
    assert "api/e0" in grid.gateway.door.state()["ejected"]


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


def test_an_edge_killed_in_the_middle_of_a_post_answers_502_and_stores_once(grid: Grid) -> None:
    grid.route(grid.table(grid.endpoint(0)))
    gate = threading.Event()
    grid.apps[0].breaks = False
    original = Handler._answer

    def held(self: Handler, status: int, body: str) -> None:
        gate.wait(10)
        original(self, status, body)

    Handler._answer = held  # type: ignore[method-assign]
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
        Handler._answer = original  # type: ignore[method-assign]
    assert grid.stored() == {"mid": 1}


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


@pytest.mark.parametrize("status", [400, 404, 413, 500, 502, 503, 504, 590, 591])
def test_an_applications_own_errors_reach_the_client_as_they_are_and_once(grid: Grid, status: int) -> None:
    answer = grid.ask("POST", "/x", "once", X_Want=str(status))
    assert answer.status == status
    assert answer.text in ("e0", "e1", "e2")  # type: ignore[attr-defined]
    assert "X-Gridwire-Reason" not in answer.headers
    assert grid.stored() == {"once": 1}


def test_who_a_client_is_is_set_and_never_inherited(grid: Grid) -> None:
    forged = "1.2.3.4"
    answer = grid.ask(
        X_Real_IP=forged,
        X_Forwarded_For=forged,
        X_Forwarded_Host=forged,
        X_Forwarded_Proto=forged,
        X_Forwarded_Port=forged,
        Forwarded=f"for={forged}",
        X_Gridwire_Peer=forged,
        X_Gridwire_Service="other",
        X_Gridwire_Role="operator",
        x_gridwire_anything=forged,
        X_Request_Id="mine",
    )
    assert answer.status == 200
    (seen,) = [head for app in grid.apps for head in app.seen]
    assert not [name for name, value in seen.items() if forged in value]
    ours = {name: value for name, value in seen.items() if name.startswith(("x-", "forwarded"))}
    assert re.fullmatch(r"[0-9a-f]{6}-[0-9]+\.[0-9]{3}-[0-9]+-[0-9]+", ours.pop("x-request-id"))
    assert ours == {
        "x-real-ip": str(CLIENT),
        "x-forwarded-for": str(CLIENT),
        "x-gridwire-peer": str(CLIENT),
        "x-forwarded-proto": "http",
        "x-forwarded-host": "api.grid",
    }
    assert seen["host"] == "api.grid"


def test_only_gateways_may_speak_to_an_edge(grid: Grid) -> None:
    answer = grid.ask(to=EDGES[0], port=2085, peer=STRANGER, X_Gridwire_Service="api", X_Gridwire_Peer=str(CLIENT))
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (403, "not-a-gateway")
    check = grid.ask(path="/.gridwire/check", to=EDGES[0], port=2085, peer=STRANGER, X_Gridwire_Service="api")
    assert check.status == 403


def test_the_gateways_check_goes_to_the_application(grid: Grid) -> None:
    def check(service: str) -> tuple[int, str | None]:
        answer = grid.ask(path="/.gridwire/check", to=EDGES[0], port=2085, peer=GATEWAY, X_Gridwire_Service=service)
        return answer.status, answer.headers.get("X-Gridwire-Reason")

    assert check("api") == (200, None)
    assert check("none") == (503, "unknown-service")
    grid.apps[0].shutdown()
    grid.apps[0].server_close()
    assert check("api") == (503, "app-unreachable")


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
        assert said(connection, b"still here").endswith(b":still here")
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


class Control(socketserver.ThreadingUnixStreamServer):
    """Stands for control: says which headers it was sent."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), ControlHandler)
        path.chmod(0o666)


class ControlHandler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def _turn(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "nginx"

    do_GET = do_POST = _turn


def test_control_away_is_said_and_a_restart_is_waited_for(grid: Grid) -> None:
    answer = grid.ask(path="/api/v1/nodes", port=2086)
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (503, "control-away")
    assert grid.ask(path="/docs", port=2086).status == 404
    results: list[int] = []
    asking = threading.Thread(target=lambda: results.append(grid.ask("POST", "/api/v1/x", "{}", port=2086).status))
    control = Control(grid.control_socket)  # it listens, and does not answer yet: what its parent holds meanwhile
    asking.start()
    served = threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True)
    served.start()
    asking.join(10)
    control.shutdown()
    control.server_close()
    assert results == [200], grid.gateway.log()


def test_control_is_told_who_asks_and_by_which_listener(grid: Grid) -> None:
    control = Control(grid.control_socket)
    threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True).start()
    forged = {"X_Gridwire_Peer": "1.2.3.4", "X_Gridwire_Listener": "local", "X_Gridwire_Author": "root"}
    try:
        api = grid.ask(path="/api/v1/agent/spec", port=2086, Forwarded="x", Authorization="Bearer t", **forged)
        enrol = grid.ask("POST", "/api/v1/enrolments", "{}", port=2087, X_Real_IP="1.2.3.4", **forged)
        for answer, listener in ((api, "api"), (enrol, "enrol")):
            seen = json.loads(answer.text)  # type: ignore[attr-defined]
            assert (seen["x-gridwire-peer"], seen["x-gridwire-listener"]) == (str(CLIENT), listener)
            assert not {"x-gridwire-author", "forwarded", "x-real-ip"} & set(seen)
        assert json.loads(api.text)["authorization"] == "Bearer t"  # type: ignore[attr-defined]
        for method, path in (
            ("GET", "/api/v1/enrolments"),
            ("POST", "/api/v1/nodes"),
            ("POST", "/api/v1/enrolments/../nodes"),
            ("POST", "/api/v1/enrolments%2fconfirm"),
            ("GET", "/api/v1/agent/spec"),
        ):
            assert grid.ask(method, path, "{}", port=2087).status == 404, path
    finally:
        control.shutdown()
        control.server_close()


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
            assert said(connection, b"hello") == b"e1:hello"


@pytest.mark.parametrize("target", ["@retry", "@aside", "@own", "@stream", "/elsewhere"])
def test_an_application_cannot_send_a_request_elsewhere(grid: Grid, target: str) -> None:
    for status in (200, 502):
        answer = grid.ask(X_Steer=target, X_Want=str(status))
        assert (answer.status, answer.text) == (status, answer.headers["X-App"])  # type: ignore[attr-defined]
    assert len([one for app in grid.apps for one in app.seen]) == 2


@pytest.mark.parametrize("target", ["@retry", "@aside", "@own", "@stream", "/elsewhere"])
def test_an_edge_that_redirects_a_request_gets_a_page_and_no_count_is_left(grid: Grid, target: str) -> None:
    with grid.namespace.inside():
        rogue = App("rogue", 9100)
        lying = Endpoint(node=NodeName("rogue"), address=IPv4Address("127.0.0.1"), port=9100)
    try:
        grid.route(grid.table(lying))
        answer = grid.ask(X_Steer=target)
        assert answer.status in (500, 502), answer.status
        assert answer.headers["X-Gridwire-Reason"]
        until(lambda: grid.gateway.door.state()["flight"] == {}, "no request under way")
    finally:
        rogue.shutdown()
        rogue.server_close()


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
        assert said(cut, b"hello").endswith(b"hello")
        grid.route(table(CLIENT))
        assert said(cut, b"still").endswith(b"still"), "a table that allows it ends nothing"
        grid.route(table())
        assert cut.recv(4096) == b""
        assert said(kept, b"hello").endswith(b"hello")
        grid.route(replace(table(), grants=()))
        assert kept.recv(4096) == b""
        assert plain.recv(4096) == b"", "an answer that is being written"
    until(lambda: grid.gateway.door.state()["flight"] == {}, "no request under way")


def test_request_ids_differ_over_workers_connections_and_generations(grid: Grid) -> None:
    with grid.connect() as kept:
        for _ in range(20):
            said(kept, b"GET / HTTP/1.1\r\nHost: api.grid\r\n\r\n")
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


def test_an_edge_that_does_not_know_the_service_yet_costs_nothing(grid: Grid) -> None:
    unaware = replace(grid.edge_table(0), services=())
    grid.edges[0].door.push("edge", document_text(edge_data(unaware)))
    assert [grid.ask("POST", "/store", f"n{n}").status for n in range(9)] == [200] * 9
    assert grid.stored() == Counter({f"n{n}": 1 for n in range(9)})
    assert grid.apps[0].stored == []
