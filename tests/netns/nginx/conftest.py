"""A gateway's nginx and three edges', real, in one namespace, with an application behind each."""

from __future__ import annotations

import http.client
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from gridwire.core.fleet import Balance
from gridwire.core.health import HealthCheck
from gridwire.core.names import NodeName, ServiceName
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
from gridwire.lab.nginx_pair import Namespace, instance, open_folder
from gridwire.render.routing_data import document_text, routing_data

GATEWAY = IPv4Address("10.85.0.1")
CLIENT = IPv4Address("10.85.2.1")
STRANGER = IPv4Address("10.85.2.9")
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

    def retune(self, old: str, new: str, module: str = "gateway") -> None:
        """Start the gateway's nginx again, one worker, with a constant of its Lua changed."""
        lua = self.gateway.folder / "lua"
        shutil.copytree(self.gateway.nginx.lua[0], lua)
        file = lua / "gridwire" / f"{module}.lua"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
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

    @staticmethod
    def said(connection: socket.socket, text: bytes) -> bytes:
        """Send, and what comes back."""
        connection.sendall(text)
        return connection.recv(4096)


@pytest.fixture
def grid() -> Iterator[Grid]:
    with open_folder() as folder, closing(Grid(folder)) as made:
        yield made
