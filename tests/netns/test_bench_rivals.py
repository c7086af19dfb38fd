"""Every rival does what it is compared for: routes the host, tells the backend who asked, logs each request."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gridwire.lab.bench.rivals import BACKEND, NGINX, RIVALS, Rival, Running
from gridwire.lab.nginx_pair import Namespace

CLIENT = "10.85.2.1"

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


def installed(rival: Rival) -> bool:
    return any(shutil.which(rival.program, path=path) for path in (None, str(Path(sys.executable).parent)))


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    made = Namespace((f"{BACKEND.address}/32", f"{CLIENT}/32", *(f"{rival.address}/32" for rival in RIVALS)))
    yield made
    made.close()


@pytest.fixture
def asked(namespace: Namespace) -> Iterator[list[dict[str, str]]]:
    """The headers of what came to the backend, lower case."""
    seen: list[dict[str, str]] = []

    class Backend(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            return

    with namespace.inside():
        server = HTTPServer((str(BACKEND.address), 2085), Backend)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield seen
    server.shutdown()
    thread.join()
    server.server_close()


def status(namespace: Namespace, rival: Rival, host: str) -> int:
    connection = http.client.HTTPConnection(str(rival.address), 80, timeout=5)
    with namespace.inside():
        connection.sock = socket.create_connection((str(rival.address), 80), 5, (CLIENT, 0))
    connection.request("GET", "/v1/things", headers={"Host": host})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def logged(folder: Path) -> list[str]:
    """Each line of the access log, as JSON writes it, so that it can be searched."""
    return [json.dumps(json.loads(line)) for line in (folder / "access.log").read_text().splitlines()]


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.id)
def test_a_rival_routes_tells_who_asked_and_logs(
    namespace: Namespace, asked: list[dict[str, str]], rival: Rival, tmp_path: Path
) -> None:
    if not installed(rival):
        pytest.skip(f"{rival.program} is not installed: packaging/prerequisites.sh --bench, make .venv/bench")
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(0o755)  # nginx's worker is another user
    running = Running(rival, namespace, tmp_path / "run")
    running.start(os.sched_getaffinity(0))
    try:
        assert status(namespace, rival, "api.grid") == 200
        assert asked[-1]["x-forwarded-for"] == CLIENT
        status(namespace, rival, "other.grid")  # which Caddy answers itself, with 200 and nothing
        assert rival is NGINX or asked[-1]["host"] == "api.grid"  # its one server takes every host
    finally:
        running.stop()  # what logs by the buffer writes by its end, at the latest
    (line,) = (one for one in logged(tmp_path / "run") if "/v1/things" in one and "api.grid" in one)
    assert all(word in line for word in ("GET", CLIENT, "200"))
