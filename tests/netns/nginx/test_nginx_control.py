"""Control behind nginx: away, restarted, and told who asks."""

from __future__ import annotations

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from gridwire.core.bodies import AGENTS, PERSONS

pytestmark = pytest.mark.netns

Grid = Any  # conftest.Grid, which has no importable name
CLIENT = IPv4Address("10.85.2.1")


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
