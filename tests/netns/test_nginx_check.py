"""A service's check by its edge's nginx, real: the edge's own agent and a gateway ask for one and the same."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from gridwire.agent.probe import EndpointCheck, OwnCheck, Result, through_mesh
from gridwire.core.health import HealthCheck
from gridwire.core.names import ServiceName
from gridwire.core.proxy import EdgeService, EdgeTable, Listener, ListenerKind
from gridwire.core.targets import Target, TcpTarget, UnixTarget
from gridwire.lab.nginx_pair import Namespace, instance, open_folder
from gridwire.render.routing_data import document_text, edge_data

pytestmark = pytest.mark.netns

EDGE, API = IPv4Address("10.85.1.1"), ServiceName("api")
LOCAL = IPv4Address("127.0.0.1")
HTTP = HealthCheck(kind="http", path="/healthz?deep=1", timeout_ms=300)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class App:
    """Takes connections one by one, keeps what it is asked, and gives ``answer``; none: it says nothing."""

    def __init__(self, listener: socket.socket) -> None:
        self.answer: bytes | None = OK
        self.connections = 0
        self.asked: list[str] = []
        self._listener = listener
        listener.listen(8)
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self.asked.append(connection.recv(4096).decode())
                if self.answer is None:
                    self._held.append(connection)
                    continue
                connection.sendall(self.answer)
                connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self._held):
            one.close()


class Edge:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace = Namespace((f"{EDGE}/32",))
        self.nginx = instance(self.namespace, folder / "edge", (Listener(ListenerKind.EDGE, EDGE, 2085),))
        self.nginx.start()
        self.apps: list[App] = []

    def close(self) -> None:
        self.nginx.stop()
        for app in self.apps:
            app.close()
        self.namespace.close()

    def app(self, target: Target) -> App:
        with self.namespace.inside():
            if isinstance(target, UnixTarget):
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(target.path)
                Path(target.path).chmod(0o666)
            else:
                listener = socket.socket(socket.AF_INET6 if target.address.version == 6 else socket.AF_INET)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((str(target.address), target.port))
        self.apps.append(App(listener))
        return self.apps[-1]

    def serve(self, target: Target, check: HealthCheck = HTTP) -> None:
        service = EdgeService(
            service=API,
            target=target,
            health=check,
            connect_timeout_ms=1000,
            read_timeout_ms=60_000,
            send_timeout_ms=60_000,
        )
        table = EdgeTable(version=(1, 1), gateways=(EDGE,), services=(service,))
        self.nginx.door.push("edge", document_text(edge_data(table)))

    def own(self, check: HealthCheck = HTTP) -> Result:
        """As the edge's agent asks."""
        return asyncio.run(self._asked(OwnCheck(self.nginx.launch.door_socket, API, replace(check, timeout_ms=5000))))

    def gateways(self, check: HealthCheck = HTTP) -> Result:
        """As a gateway asks; on lo the edge's own address is the source."""
        with self.namespace.inside():
            return asyncio.run(self._asked(through_mesh(EDGE, 2085, API, replace(check, timeout_ms=5000))))

    @staticmethod
    async def _asked(check: OwnCheck | EndpointCheck) -> Result:
        try:
            return await check.ask()
        finally:
            check.close()


@pytest.fixture
def edge() -> Iterator[Edge]:
    with open_folder() as folder, closing(Edge(folder)) as made:
        yield made


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (TcpTarget(LOCAL, 9000), "127.0.0.1:9000"),
        (TcpTarget(LOCAL, 80), "127.0.0.1"),
        (TcpTarget(IPv6Address("::1"), 9000), "[::1]:9000"),
        (None, "localhost"),
    ],
    ids=["port", "port-80", "v6", "unix"],
)
def test_both_checks_ask_the_same_and_both_see_the_answer(edge: Edge, target: Target | None, host: str) -> None:
    """An application that allows its own address as Host, and no other."""
    target = target or UnixTarget(f"{edge.folder}/app.sock")
    app = edge.app(target)
    edge.serve(target)
    assert (edge.own(), edge.gateways()) == (Result(True), Result(True))
    assert app.asked[0] == app.asked[1]
    request, *headers = app.asked[0].split("\r\n")
    assert request == "GET /healthz?deep=1 HTTP/1.1"
    assert [header for header in headers if header.startswith("Host:")] == [f"Host: {host}"]
    app.answer = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert edge.own() == Result(False, "answered 400, not 200")
    assert edge.gateways() == Result(False, "app-unreachable")


def test_what_is_wrong_is_said_where_it_can_be_mended(edge: Edge) -> None:
    target = TcpTarget(LOCAL, 9000)
    assert edge.own() == Result(False, "nginx does not serve it yet", no_path=True)
    edge.serve(target)
    assert edge.own() == Result(False, "connection refused")
    app = edge.app(target)
    for answer, said in (
        (OK, ""),
        (b"SSH-2.0-hello\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "answered 204, not 200"),
        (None, "no answer within 300 ms"),
    ):
        app.answer = answer
        assert edge.own().reason == said
    edge.serve(target, replace(HTTP, status=204))
    app.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert edge.own().passed
    edge.serve(UnixTarget(f"{edge.folder}/none.sock"))
    assert edge.own() == Result(False, "there is no such socket")


def test_without_its_nginx_an_edge_does_not_know(edge: Edge) -> None:
    edge.nginx.stop()
    seen = edge.own()
    assert seen.no_path
    assert seen.reason.startswith("nginx does not run here (")


@pytest.mark.parametrize("kind", ["tcp", "http"])
def test_a_link_to_a_socket_of_roots_is_not_opened_for_a_check(edge: Edge, kind: str) -> None:
    """Whoever owns the directory of a consented socket may put there what he likes; the agent is root."""
    forbidden = edge.app(UnixTarget(f"{edge.folder}/roots.sock"))
    (edge.folder / "roots.sock").chmod(0o600)
    consented = edge.folder / "app.sock"
    consented.symlink_to(edge.folder / "roots.sock")
    check = replace(HTTP, kind="http" if kind == "http" else "tcp")
    edge.serve(UnixTarget(str(consented)), check)
    assert edge.own(check) == Result(False, "permission denied")
    assert edge.gateways(check) == Result(False, "app-unreachable")
    assert forbidden.connections == 0
