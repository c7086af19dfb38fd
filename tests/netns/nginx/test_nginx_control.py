"""Control behind nginx: away, restarted, and told who asks."""

from __future__ import annotations

import json
import signal
import socket
import socketserver
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.nginx import reload_nginx
from gridwire.core.bodies import AGENTS, PERSONS

pytestmark = pytest.mark.netns

Grid = Any  # conftest.Grid, which has no importable name
CLIENT = IPv4Address("10.85.2.1")


class Control(socketserver.ThreadingUnixStreamServer):
    """Stands for control: says which headers it was sent."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.asked = threading.Semaphore(0)
        super().__init__(str(path), ControlHandler)
        path.chmod(0o666)


class ControlHandler(BaseHTTPRequestHandler):
    server: Control

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _turn(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.asked.release()
        assert self.server.answers.wait(30)
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "nginx"

    do_GET = do_POST = do_PUT = _turn


def test_control_away_is_said_and_a_restart_is_waited_for(grid: Grid) -> None:
    answer = grid.ask(path="/api/v1/nodes", port=2086)
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (503, "control-away")
    assert grid.ask(path="/docs", port=2086).status == 503  # a page, and who may see one was not told yet
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


def test_bodies_are_taken_up_to_controls_own_bounds(grid: Grid) -> None:
    control = Control(grid.control_socket)
    threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True).start()
    try:
        for method, path, most in (
            ("POST", "/api/v1/agent/sockets", AGENTS),
            ("POST", "/api/v1/agent/traffic", AGENTS),
            ("PUT", "/api/v1/services/api", PERSONS),
        ):
            assert grid.ask(method, path, "x" * most, port=2086).status == 200, path
            answer = grid.ask(method, path, "x" * (most + 1), port=2086)
            assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (413, "body-too-large"), path
    finally:
        control.shutdown()
        control.server_close()


def test_an_nginx_that_is_to_end_ends_what_waits_and_drains_what_users_asked(grid: Grid) -> None:
    control = Control(grid.control_socket)
    control.answers.clear()
    threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True).start()
    counts = socket.socket(socket.AF_UNIX)
    poll, stream, user = grid.connect(port=2086), grid.connect(port=2086), grid.connect()
    try:
        poll.sendall(b"GET /api/v1/agent/spec?wait=60 HTTP/1.1\r\nHost: 10.85.0.1\r\n\r\n")
        stream.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: 10.85.0.1\r\n\r\n")
        for _ in range(2):
            assert control.asked.acquire(timeout=10)
        user.sendall(b"GET /two-parts HTTP/1.1\r\nHost: api.grid\r\n\r\n")
        assert b"one" in read_until(user, b"one")
        counts.connect(grid.gateway.launch.door_socket)
        counts.sendall(b"GET /traffic?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n")
        grid.gateway.process.send_signal(signal.SIGQUIT)
        for waits in (poll, stream):
            waits.settimeout(10)
            with suppress(ConnectionResetError):
                assert waits.recv(1) == b""
        counts.settimeout(10)
        assert counts.recv(4096)
        with pytest.raises(ConnectionError):
            grid.connect(port=2086)
        assert grid.gateway.process.poll() is None
        for app in grid.apps:
            app.more.set()
        assert read_until(user, b"0\r\n\r\n").endswith(b"3\r\ntwo\r\n0\r\n\r\n")
        grid.gateway.process.wait(10)
    finally:
        control.answers.set()
        control.shutdown()
        control.server_close()
        for opened in (poll, stream, user, counts):
            opened.close()


def test_a_reload_leaves_agents_their_questions_and_an_end_after_it_takes_them(grid: Grid) -> None:
    control = Control(grid.control_socket)
    control.answers.clear()
    threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True).start()
    asked = b"GET /api/v1/agent/spec?wait=60 HTTP/1.1\r\nHost: 10.85.0.1\r\n\r\n"
    poll, later = grid.connect(port=2086), None
    try:
        poll.sendall(asked)
        assert control.asked.acquire(timeout=10)
        launch = grid.gateway.launch
        old = grid.gateway.pids()
        Path(launch.config).write_text(Path(launch.config).read_text() + "\n")
        reload_nginx(launch.pid_file, launch.config, digest=grid.gateway.config.digest, door=grid.gateway.door)
        assert set(old) & set(grid.gateway.pids())
        control.answers.set()
        assert read_until(poll, b"200 OK").startswith(b"HTTP/1.1 200")
        control.answers.clear()
        later = grid.connect(port=2086)
        later.sendall(asked)
        assert control.asked.acquire(timeout=10)
        reload_nginx(launch.pid_file, launch.config, digest=grid.gateway.config.digest, door=grid.gateway.door)
        grid.gateway.process.send_signal(signal.SIGQUIT)
        grid.gateway.process.wait(10)
    finally:
        for opened in (poll, later):
            if opened is not None:
                opened.close()
        control.answers.set()
        control.shutdown()
        control.server_close()


def read_until(connection: socket.socket, end: bytes) -> bytes:
    told = b""
    connection.settimeout(10)
    while end not in told and (chunk := connection.recv(4096)):
        told += chunk
    return told
