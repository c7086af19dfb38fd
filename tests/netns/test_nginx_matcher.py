"""The Lua matcher and the reference matcher agree: generated tables and hostile requests through a real nginx."""

from __future__ import annotations

import random
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from gridwire.core.fleet import Balance
from gridwire.core.health import Health, HealthCheck
from gridwire.core.matcher import Decision, decide
from gridwire.core.names import HostName, NodeName, ServiceName
from gridwire.core.proxy import Endpoint, Grant, Listener, ListenerKind, Pool, RouteEntry, RoutingTable
from gridwire.lab.nginx_pair import Instance, Namespace, instance
from gridwire.render.routing_data import document_text, health_data, routing_data

pytestmark = pytest.mark.netns

GATEWAY, EDGE = IPv4Address("10.85.0.1"), IPv4Address("10.85.1.1")
PEERS = (IPv4Address("10.85.2.1"), IPv4Address("10.85.2.2"))
LABELS = ("a", "b", "grid", "x-1")
SEGMENTS = ("a", "b", "admin", "admin2", "v1", "...", "a.b")
PIECES = (
    *("/", "//", "/.", "/..", "/./", "/../", "%2f", "%2F", "%2e", "%2E%2e", "%25", "%252e", "%61", "%3f", "%23", "#"),
    *("a", "b", "admin", "admin2", "v1", "?", "?x=/../b", "%", "%zz", "%00", ";", "+", "~", "\\", "é", " ", "\x01"),
    *("/.gridwire/check", "/.gridwire", "%2fa", "/%61dmin", "..%2f", "&", "'", '"', "{", "$"),
)


class Stub:
    """Stands for an edge: says which service the gateway named."""

    def __init__(self, namespace: Namespace) -> None:
        with namespace.inside():
            self._listener = socket.create_server((str(EDGE), 2085), backlog=128)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while True:
                head = {}
                if not stream.readline():
                    return
                while (line := stream.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    head[name.lower()] = value.strip()
                service = head.get(b"x-gridwire-service", b"")
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nX-Service: %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (service, len(service), service)
                )

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@dataclass(frozen=True)
class Grid:
    namespace: Namespace
    gateway: Instance

    def ask(self, host: str, target: str, peer: IPv4Address) -> tuple[int, str, str]:
        """Status, reason code, service that was reached; the request line byte for byte as given."""
        with self.namespace.inside():
            connection = socket.create_connection((str(GATEWAY), 80), 5, (str(peer), 0))
        with connection:
            head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode("latin-1"))
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
        return int(lines[0].split()[1]), headers.get("x-gridwire-reason", ""), headers.get("x-service", "")


@pytest.fixture(scope="module")
def grid() -> Iterator[Grid]:
    # Not pytest's own folder: that is closed to nginx's user, and every pytest that starts closes it again.
    folder = Path(tempfile.mkdtemp(prefix="gridwire-nginx-"))
    folder.chmod(0o755)
    namespace = Namespace((f"{GATEWAY}/32", f"{EDGE}/32", *(f"{peer}/32" for peer in PEERS)))
    stub = Stub(namespace)
    gateway = instance(namespace, folder / "gateway", (Listener(ListenerKind.ROUTES, GATEWAY, 80),), workers=2)
    try:
        gateway.start()
        yield Grid(namespace, gateway)
    finally:
        gateway.stop()
        stub.close()
        namespace.close()
        shutil.rmtree(folder)


def table_from(source: random.Random, revision: int) -> RoutingTable:
    grants = tuple(
        Grant(id=f"g{count}", addresses=addresses)
        for count, addresses in enumerate(((), PEERS[:1], PEERS[1:], PEERS, PEERS))
    )
    routes, pools = {}, []
    for count in range(source.randint(0, 12)):
        host = ".".join(source.choices(LABELS, k=source.randint(1, 3)))
        host = f"*.{host}" if source.random() < 0.4 else host
        path = "/" + "/".join(source.choices(SEGMENTS, k=source.randint(0, 3)))
        path += "/" if path != "/" and source.random() < 0.2 else ""
        service = ServiceName(f"s{count}")
        grant = source.choice(("g0", "g1", "g3", "g4", "g4", "gone"))
        routes[(host, path)] = RouteEntry(name=f"r{count}", host=host, path=path, grant=grant, service=service)
        if source.random() < 0.9:
            endpoints = tuple(
                Endpoint(
                    node=NodeName(f"n{n}"),
                    address=EDGE,
                    port=2085,
                    drained=source.random() < 0.3,
                    weight=source.choice((0, 1, 1, 5)),
                )
                for n in range(source.randint(0, 3))
            )
            pools.append(
                Pool(
                    service=service,
                    balance=source.choice(tuple(Balance)),
                    retries=2,
                    connect_timeout_ms=1000,
                    read_timeout_ms=60_000,
                    send_timeout_ms=60_000,
                    health=HealthCheck(),
                    endpoints=endpoints,
                )
            )
    return RoutingTable(
        version=(1, revision),
        routes=tuple(sorted(routes.values(), key=lambda route: (route.host, route.path))),
        grants=grants,
        pools=tuple(pools),
        closed=(HostName("a.grid"), HostName("b.a.grid")),
    )


def host_from(source: random.Random, table: RoutingTable) -> str:
    if table.routes and source.random() < 0.8:
        host = source.choice(table.routes).host.replace("*", source.choice(("a", "b.a", "q")))
    else:
        host = source.choice(("nobody", "grid", ".a.grid", "a..grid", "[::1]", "a/b", "a.grid:", "*.grid", "é.grid"))
    host = host.upper() if source.random() < 0.1 else host
    return host + source.choice(("", "", "", "", ".", ":80", ".:8080", ":x"))


def target_from(source: random.Random, table: RoutingTable) -> str:
    if source.random() < 0.1:
        return source.choice(("*", "http://a.grid/a", "http://b/../x", "a", "", "http://a.grid?x", "/a" * 60))
    start = source.choice(table.routes).path if table.routes and source.random() < 0.6 else "/"
    # Blanks at the ends of the target belong to the request line, not to the target.
    return (start + "".join(source.choices(PIECES, k=source.randint(0, 4)))).strip(" ")


@pytest.mark.parametrize("seed", range(4))
def test_lua_and_reference_agree(grid: Grid, seed: int) -> None:
    source = random.Random(seed)
    outcomes = set()
    for revision in range(12):
        table = table_from(source, revision)
        nodes = [(pool.service, endpoint.node) for pool in table.pools for endpoint in pool.endpoints]
        health = {pair: source.choice((Health.UP, Health.DOWN, Health.UNKNOWN)) for pair in nodes}
        grid.gateway.door.push("routing", document_text(routing_data(table)))
        grid.gateway.door.push("health", document_text(health_data(health)))
        for _ in range(40):
            host, target, peer = host_from(source, table), target_from(source, table), source.choice(PEERS)
            expected = decide(table, host, target, peer, health)
            got = grid.ask(host, target, peer)
            assert got == (expected.status, expected.reason, expected.service or ""), (host, target, peer, table)
            outcomes.add(expected.status)
    assert outcomes == {200, 400, 403, 404, 421, 503}, "the generator no longer reaches every outcome"


SPELLINGS = (
    *("/admin", "/%61dmin", "//admin", "/x/../admin", "/x/%2e%2e/admin", "/admin/../x", "/admin%2fx", "/%2561dmin"),
    *("//admin/..%2fx", "/./admin", "/admin/..%2f..%2fx", "/x%2f..%2fadmin", "/%2561dmin%2fx", "/x/%252e%252e/admin"),
    *("/admin%252f..", "/a#/../admin", "/admin#x", "/admin?/../x", "/x?/admin", "/%2f/admin", "/admin%3fx", "/admin%"),
    *("/admin%2f..%2f..", "/%2e%2e/admin", "/x/..", "/x/..%2fadmin", "/x//%2e/admin", "/%61dmin/%2e%2e/admin"),
)
# Not /admin in anybody's reading: a query, another segment, a deeper path.
ELSEWHERE = ("/x?/admin", "/admin%3fx", "/x//%2e/admin")


@pytest.mark.parametrize("target", SPELLINGS)
def test_no_spelling_walks_around_a_policy(grid: Grid, target: str) -> None:
    """/ is for both peers, /admin for the second alone; each spelling is served as the reference says."""
    app = _pool("app")
    table = RoutingTable(
        version=(1, 1),
        routes=(
            RouteEntry(name="app", host="one.grid", path="/", grant="both", service=app.service),
            RouteEntry(name="admin", host="one.grid", path="/admin", grant="second", service=app.service),
        ),
        grants=(Grant(id="both", addresses=PEERS), Grant(id="second", addresses=PEERS[1:])),
        pools=(app,),
    )
    grid.gateway.door.push("routing", document_text(routing_data(table)))
    grid.gateway.door.push("health", document_text(health_data({})))
    for peer in PEERS:
        expected = decide(table, "one.grid", target, peer)
        got = grid.ask("one.grid", target, peer)
        assert got == (expected.status, expected.reason, expected.service or "")
    # Whatever an application makes of the spelling: nobody without the grant is served one that smells of /admin.
    if "dmin" in target and target not in ELSEWHERE:
        assert grid.ask("one.grid", target, PEERS[0])[0] in (400, 403)


def _pool(service: str) -> Pool:
    return Pool(
        service=ServiceName(service),
        balance=Balance.ROUND_ROBIN,
        retries=2,
        connect_timeout_ms=1000,
        read_timeout_ms=60_000,
        send_timeout_ms=60_000,
        health=HealthCheck(),
        endpoints=(Endpoint(node=NodeName("n"), address=EDGE, port=2085),),
    )


def test_a_table_that_nginx_cannot_read_is_refused_and_the_old_one_serves_on(grid: Grid) -> None:
    pool = _pool("s")
    table = RoutingTable(
        version=(1, 1),
        routes=(RouteEntry(name="r", host="one.grid", path="/", grant="g", service=pool.service),),
        grants=(Grant(id="g", addresses=PEERS),),
        pools=(pool,),
    )
    grid.gateway.door.push("routing", document_text(routing_data(table)))
    assert decide(table, "one.grid", "/", PEERS[0]) == Decision(200, "", "r", "s")
    for broken in ("", "{", '{"routes": 1}', "[" * 100_000, '{"version":[1,2],"routes":[],"grants":[],"pools":[{}]}'):
        with pytest.raises(ValueError):
            grid.gateway.door.push("routing", broken)
        assert grid.ask("one.grid", "/", PEERS[0]) == (200, "", "s")
