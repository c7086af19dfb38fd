"""Checks against real sockets: a service beside the edge, and endpoints as a gateway asks for them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gridwire.adapters.clock import utc_now
from gridwire.agent.endpoints import Endpoints
from gridwire.agent.health import EdgeHealth, GatewayHealth
from gridwire.agent.host import Host, Pace
from gridwire.agent.probe import EndpointCheck, OwnCheck, Result, through_mesh
from gridwire.core.health import Health, HealthCheck
from gridwire.core.proxy import Endpoint
from gridwire.core.targets import TcpTarget, parse_reach

QUICK = HealthCheck(interval_ms=100, timeout_ms=150, rise=2, fall=2)
HTTP = replace(QUICK, kind="http", path="/healthz")
PATIENT = replace(QUICK, timeout_ms=10_000)  # where an answer is what is looked at
LOOPBACK = ip_address("127.0.0.1")


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to that in time"
        await asyncio.sleep(0.005)


class App:
    """A server whose answer a test chooses; ``answer`` none: it takes the connection and says nothing."""

    def __init__(self) -> None:
        self.answer: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"
        self.requests: list[bytes] = []
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self, *, path: Path | None = None) -> None:
        if path is not None:
            self._server = await asyncio.start_unix_server(self._serve, path)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                if self.answer is not None:
                    writer.write(self.answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


@asynccontextmanager
async def serving(path: Path | None = None) -> AsyncIterator[App]:
    app = App()
    await app.start(path=path)
    try:
        yield app
    finally:
        await app.stop()


@contextmanager
def nowhere() -> Iterator[int]:
    """A port at which a SYN is dropped, as by a tunnel that is down: its queue is full and nobody accepts."""
    with ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = held.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def asyncio_run(scene: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scene()

    asyncio.run(main())


def test_an_edges_own_check_is_made_by_its_nginx(tmp_path: Path) -> None:
    """What nginx makes of it is tests/netns/test_nginx_check.py."""

    async def scene() -> None:
        check = OwnCheck(str(tmp_path / "door.sock"), "api", QUICK)
        away = await check.ask()
        assert (away.reason, away.no_path) == ("nginx does not run here (there is no such socket)", True)
        async with serving(tmp_path / "door.sock") as nginx:
            assert await check.ask() == Result(True)
            assert nginx.requests[0].startswith(b"GET /check HTTP/1.1\r\n")
            assert b"X-Gridwire-Service: api\r\n" in nginx.requests[0]
            nginx.answer = b"HTTP/1.1 503 no\r\nX-Gridwire-Reason: connection refused\r\nContent-Length: 0\r\n\r\n"
            assert await check.ask() == Result(False, "connection refused")
            nginx.answer = b"HTTP/1.1 503 no\r\nX-Gridwire-Reason: unknown-service\r\nContent-Length: 0\r\n\r\n"
            assert await check.ask() == Result(False, "nginx does not serve it yet", no_path=True)
            nginx.answer = None
            assert (await check.ask()).reason == "no answer within 150 ms"
            assert nginx.connections == 1
        check.close()

    asyncio_run(scene)


def test_a_service_is_up_as_soon_as_nginx_serves_it(edge: Any, tmp_path: Path) -> None:
    """However long its interval is, and without having been down in between."""

    async def scene() -> None:
        seen: list[Health] = []
        health = EdgeHealth(
            "home-1",
            lambda: (parse_reach("127.0.0.1:9000"),),
            lambda: seen.append(health.seen()[0].health),
            str(tmp_path / "door.sock"),
        )
        check = replace(QUICK, interval_ms=60_000, rise=5)
        health.watch(edge_spec(edge, TcpTarget(LOOPBACK, 9000), check))
        await until(lambda: seen == [Health.UNKNOWN])
        assert "nginx does not run here" in health.seen()[0].reason
        async with serving(tmp_path / "door.sock"):
            await until(lambda: seen == [Health.UNKNOWN, Health.UP])
        health.close()

    asyncio_run(scene)


def test_an_endpoint_is_asked_over_one_connection_that_is_kept() -> None:
    async def scene() -> None:
        async with serving() as app:
            check = through_mesh(LOOPBACK, app.port, "api", QUICK)
            for _ in range(5):
                assert (await check.ask()).passed
            assert app.connections == 1
            assert b"X-Gridwire-Service: api\r\n" in app.requests[0]
            assert app.requests[0].startswith(b"GET /.gridwire/check HTTP/1.1\r\n")
            app.answer = b"HTTP/1.1 503 no\r\nX-Gridwire-Reason: app-timeout\r\nContent-Length: 0\r\n\r\n"
            assert await check.ask() == Result(False, "app-timeout")
            app.answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            assert (await check.ask()).passed
            assert (await check.ask()).passed
            assert app.connections == 2
            check.close()

    asyncio_run(scene)


def test_a_kept_connection_that_ended_says_nothing_of_the_endpoint() -> None:
    async def scene() -> None:
        async with serving() as app:
            check = through_mesh(LOOPBACK, app.port, "api", QUICK)
            assert (await check.ask()).passed
            await app.stop()
            await app.start()
            assert (await check.ask()).passed
            check.close()

    asyncio_run(scene)


def test_no_path_is_told_from_a_refusal() -> None:
    async def scene() -> None:
        with nowhere() as port:
            silent = await through_mesh(LOOPBACK, port, "api", QUICK).ask()
        assert silent.no_path
        assert silent.reason == "no connection within 150 ms"
        app = App()
        await app.start()
        await app.stop()
        refused = await through_mesh(LOOPBACK, app.port, "api", QUICK).ask()
        assert refused.reason == "connection refused"
        assert not refused.no_path

    asyncio_run(scene)


def gateway_spec(gateway: Any, *endpoints: tuple[str, str, str, int], check: HealthCheck = QUICK) -> Any:
    """Endpoints as (service, node, address, port)."""
    spec = gateway.at(1)
    pool = spec.proxy.routing.pools[0]
    pools = {}
    for service, node, address, port in endpoints:
        endpoint = Endpoint(node=node, address=ip_address(address), port=port)
        before = pools[service].endpoints if service in pools else ()
        pools[service] = replace(pool, service=service, health=check, endpoints=(*before, endpoint))
    return replace(spec, proxy=replace(spec.proxy, routing=replace(spec.proxy.routing, pools=tuple(pools.values()))))


def edge_spec(edge: Any, target: TcpTarget, check: HealthCheck = QUICK) -> Any:
    spec = edge.at(1)
    service = replace(spec.proxy.edge.services[0], target=target, health=check)
    return replace(spec, proxy=replace(spec.proxy, edge=replace(spec.proxy.edge, services=(service,))))


def test_an_endpoint_that_dies_is_out_and_back_within_two_seconds(gateway: Any) -> None:
    """With the default interval of 1 s, fall 2, rise 2."""

    async def scene() -> None:
        turned = 0

        def changed() -> None:
            nonlocal turned
            turned += 1

        async with serving() as app:
            health = GatewayHealth("gw", changed)
            health.watch(gateway_spec(gateway, ("api", "home-1", "127.0.0.1", app.port), check=HealthCheck()))
            assert health.verdicts() == {}, "not judged yet: nginx may try it"
            await until(lambda: health.verdicts() == {("api", "home-1"): Health.UP})
            loop = asyncio.get_running_loop()
            await app.stop()
            died = loop.time()
            await until(lambda: health.verdicts() == {("api", "home-1"): Health.DOWN})
            assert loop.time() - died < 2.0
            await app.start()
            back = loop.time()
            await until(lambda: health.verdicts() == {("api", "home-1"): Health.UP})
            assert loop.time() - back < 2.0
            assert turned == 3
            health.close()

    asyncio_run(scene)


def test_an_endpoint_is_told_with_the_moment_at_which_it_turned(gateway: Any) -> None:
    """And not with that of the last check: a person asks how long it has been so."""

    async def scene() -> None:
        async with serving() as app:
            health = GatewayHealth("gw", lambda: None)
            began = utc_now()
            health.watch(gateway_spec(gateway, ("api", "home-1", "127.0.0.1", app.port)))
            assert health.seen()[0].since is None, "nobody has looked yet"
            await until(lambda: health.seen()[0].health is Health.UP)
            up = health.seen()[0].since
            assert up is not None
            assert began <= up <= utc_now()
            before = len(app.requests)
            await until(lambda: len(app.requests) > before + 2)
            assert health.seen()[0].since == up
            app.answer = b"HTTP/1.1 503 no\r\nX-Gridwire-Reason: answered 500, not 200\r\nContent-Length: 0\r\n\r\n"
            await until(lambda: health.seen()[0].health is Health.DOWN)
            down = health.seen()[0].since
            assert down is not None
            assert down > up
            health.close()

    asyncio_run(scene)


def test_one_service_down_on_a_node_leaves_its_others_alone(gateway: Any) -> None:
    async def scene() -> None:
        async with serving() as good, serving() as bad:
            health = GatewayHealth("gw", lambda: None)
            health.watch(
                gateway_spec(
                    gateway, ("api", "home-1", "127.0.0.1", good.port), ("web", "home-1", "127.0.0.1", bad.port)
                )
            )
            await until(lambda: len(health.verdicts()) == 2)
            bad.answer = b"HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n"
            await until(lambda: health.verdicts()[("web", "home-1")] is Health.DOWN)
            assert health.verdicts()[("api", "home-1")] is Health.UP
            health.close()

    asyncio_run(scene)


def test_behind_a_tunnel_that_is_down_everything_is_unknown(gateway: Any) -> None:
    async def scene() -> None:
        with nowhere() as port:
            health = GatewayHealth("gw", lambda: None)
            endpoints = [(service, "home-1", "127.0.0.1", port) for service in ("api", "web")]
            health.watch(gateway_spec(gateway, *endpoints))
            await until(lambda: list(health.verdicts().values()) == [Health.UNKNOWN] * 2)
            assert {each.health for each in health.seen()} == {Health.UNKNOWN}
            assert all(each.reason for each in health.seen())
            health.close()

    asyncio_run(scene)


def test_edges_that_come_back_all_at_once_are_up_by_their_first_check_and_never_down(gateway: Any) -> None:
    """A moment in which all of them are down is a 503 for everybody."""

    async def scene() -> None:
        apps = [App(), App()]
        told: list[dict[Any, Health]] = []
        health = GatewayHealth("gw", lambda: told.append(health.verdicts()))
        with ExitStack() as lost:
            for app in apps:
                app.port = lost.enter_context(nowhere())
            endpoints = [("api", f"home-{n}", "127.0.0.1", app.port) for n, app in enumerate(apps)]
            health.watch(gateway_spec(gateway, *endpoints, check=replace(QUICK, rise=5)))
            await until(lambda: list(health.verdicts().values()) == [Health.UNKNOWN] * 2)
            lost.close()
            for app in apps:
                await app.start()
        await until(lambda: list(health.verdicts().values()) == [Health.UP] * 2)
        health.close()
        for app in apps:
            await app.stop()
        assert Health.DOWN not in [state for verdicts in told for state in verdicts.values()]

    asyncio_run(scene)


def test_a_service_that_is_not_asked_yet_is_unknown_where_its_edge_came_back(
    gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of an edge's services to be reached says nothing of its others."""

    async def scene() -> None:
        lost = Result(False, "no connection within 150 ms", no_path=True, silent=True)
        results = {"api": lost, "web": lost}

        async def ask(self: EndpointCheck) -> Result:
            return results["api" if b"Service: api" in self._request else "web"]

        monkeypatch.setattr(EndpointCheck, "ask", ask)
        told: list[dict[Any, Health]] = []
        health = GatewayHealth("gw", lambda: told.append(health.verdicts()))
        health.watch(gateway_spec(gateway, *((service, "home-1", "127.0.0.1", 9) for service in results)))
        await until(lambda: list(health.verdicts().values()) == [Health.UNKNOWN] * 2)
        results["api"] = Result(True)
        await until(lambda: health.verdicts()[("api", "home-1")] is Health.UP)
        assert health.verdicts()[("web", "home-1")] is Health.UNKNOWN
        results["web"] = Result(True)
        await until(lambda: health.verdicts()[("web", "home-1")] is Health.UP)
        assert Health.DOWN not in [state for verdicts in told for state in verdicts.values()]
        health.close()

    asyncio_run(scene)


def test_an_unchanged_endpoint_keeps_its_state_over_a_new_revision(gateway: Any) -> None:
    async def scene() -> None:
        async with serving() as app:
            health = GatewayHealth("gw", lambda: None)
            first = ("api", "home-1", "127.0.0.1", app.port)
            health.watch(gateway_spec(gateway, first))
            await until(lambda: health.verdicts())
            connections = app.connections
            health.watch(gateway_spec(gateway, first, ("web", "home-2", "127.0.0.1", app.port)))
            assert health.verdicts()[("api", "home-1")] is Health.UP
            await until(lambda: len(health.verdicts()) == 2)
            assert app.connections == connections + 1
            health.watch(gateway_spec(gateway, first))
            assert set(health.verdicts()) == {("api", "home-1")}
            health.close()

    asyncio_run(scene)


def test_thousands_of_endpoints_need_one_task_each_and_no_threads(gateway: Any) -> None:
    async def scene() -> None:
        async with serving() as app:
            health = GatewayHealth("gw", lambda: None)
            many = [(f"s{n}", f"n{n}", "127.0.0.1", app.port) for n in range(300)]
            slow = HealthCheck(interval_ms=5000, timeout_ms=5000)
            health.watch(gateway_spec(gateway, *many, check=slow))
            await until(lambda: len(health.verdicts()) == 300, 20)
            assert set(health.verdicts().values()) == {Health.UP}
            health.close()

    asyncio_run(scene)


def test_what_the_edge_does_not_consent_to_is_never_touched(edge: Any, tmp_path: Path) -> None:
    async def scene() -> None:
        async with serving(tmp_path / "door.sock") as nginx:
            spec = edge_spec(edge, TcpTarget(LOOPBACK, 9000))
            reach: list[Any] = []
            turned = asyncio.Event()
            health = EdgeHealth("home-1", lambda: tuple(reach), turned.set, str(tmp_path / "door.sock"))
            health.watch(spec)
            (seen,) = health.seen()
            assert seen.health is Health.REFUSED
            assert "does not allow 127.0.0.1" in seen.reason
            assert nginx.connections == 0
            reach.append(parse_reach("127.0.0.1:9000"))
            health.watch(spec)
            await asyncio.wait_for(turned.wait(), 5)
            (seen,) = health.seen()
            assert seen.health is Health.UP
            reach.clear()
            health.watch(spec)
            count = len(nginx.requests)
            assert health.seen()[0].health is Health.REFUSED
            quiet = asyncio.get_running_loop().time() + 0.3
            await until(lambda: asyncio.get_running_loop().time() > quiet)
            assert len(nginx.requests) <= count + 1
            health.close()

    asyncio_run(scene)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_kept_connection_that_the_kernel_ended_is_made_anew(run: Callable[[Any], None]) -> None:
    """`ss -K` on the edge's address, which the agent itself does. The agent runs on uvloop, whose errors differ."""

    async def scene() -> None:
        async with serving() as app:
            check = through_mesh(LOOPBACK, app.port, "api", PATIENT)
            assert (await check.ask()).passed
            assert check._streams is not None
            reader, writer = check._streams
            writer.transport.abort()
            await until(reader.at_eof)  # closed for good: only then uvloop's own error comes
            assert (await check.ask()).passed
            assert app.connections == 2
            check.close()

    run(scene())


def test_a_check_that_breaks_is_reported_and_goes_on(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with serving() as app:
            health = GatewayHealth("gw", lambda: None)
            with monkeypatch.context() as patch:

                async def broken(self: EndpointCheck) -> Result:
                    raise RuntimeError("the handler is closed")

                patch.setattr(EndpointCheck, "ask", broken)
                health.watch(gateway_spec(gateway, ("api", "home-1", "127.0.0.1", app.port)))
                await until(lambda: health.verdicts() == {("api", "home-1"): Health.DOWN})
                assert "the handler is closed" in health.seen()[0].reason
            health.close()

    asyncio_run(scene)


def test_one_broken_check_does_not_end_the_task(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = EndpointCheck.ask, 0

    async def breaks_once(self: EndpointCheck) -> Result:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise RuntimeError("the handler is closed")
        return await real(self)

    monkeypatch.setattr(EndpointCheck, "ask", breaks_once)

    async def scene() -> None:
        async with serving() as app:
            health = GatewayHealth("gw", lambda: None)
            health.watch(gateway_spec(gateway, ("api", "home-1", "127.0.0.1", app.port)))
            await until(lambda: asked >= 5)
            assert health.verdicts() == {("api", "home-1"): Health.UP}
            health.close()

    asyncio_run(scene)


class Device:
    """What wg counts of one peer, and the gateway's health that asks for it."""

    def __init__(self) -> None:
        self.received = 1000
        self.moves = 0
        self.dead: list[Any] = []
        self.readings = 0
        self.health = GatewayHealth("gw", lambda: None, self._suspected)

    def _suspected(self) -> None:
        self.readings += 1
        self.received += self.moves
        self.dead += self.health.read({LOOPBACK: self.received})


def test_an_edge_that_is_dead_is_found_so_within_three_seconds_and_once(gateway: Any) -> None:
    """It took connections until then; after it nothing answers, and WireGuard hears nothing."""

    async def scene() -> None:
        async with serving() as app:
            device = Device()
            device.health.watch(gateway_spec(gateway, ("api", "home-1", "127.0.0.1", app.port), check=HealthCheck()))
            await until(device.health.verdicts)
            assert device.readings == 0
            app.answer = None
            loop = asyncio.get_running_loop()
            died = loop.time()
            await until(lambda: device.dead)
            assert loop.time() - died < 3.5
            assert device.health.verdicts() == {("api", "home-1"): Health.DOWN}, "out of rotation before"
            readings = device.readings
            await asyncio.sleep(1.5)
            assert device.dead == [LOOPBACK]
            assert device.readings == readings
            device.health.close()

    asyncio_run(scene)


def test_connections_to_a_dead_edge_end_after_nginx_was_told(gateway: Any) -> None:
    async def scene() -> None:
        async with serving() as app:
            did: list[Any] = []
            host = Host(
                sections=(),
                push_health=lambda states: did.append(dict(states)),
                kill_sockets=did.append,
                received=lambda: {LOOPBACK: 7},
            )
            endpoints = Endpoints(gateway.identity, host, Pace(), lambda *_, **__: None, lambda: None)
            endpoints.check(gateway_spec(gateway, ("api", "home-1", "127.0.0.1", app.port)))
            pushing = asyncio.create_task(endpoints.push(lambda: None))
            key = ("api", "home-1")
            await until(lambda: {key: Health.UP} in did)
            app.answer = None
            await until(lambda: (LOOPBACK,) in did)
            assert did[-2:] == [{key: Health.DOWN}, (LOOPBACK,)]
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)
            endpoints.close()

    asyncio_run(scene)


def test_an_edge_that_is_busy_keeps_its_connections(gateway: Any) -> None:
    """Its checks go unanswered, and its kernel acknowledges what it is sent."""

    async def scene() -> None:
        async with serving() as app:
            device = Device()
            device.moves = 32
            device.health.watch(gateway_spec(gateway, ("api", "home-1", "127.0.0.1", app.port)))
            await until(device.health.verdicts)
            app.answer = None
            await until(lambda: device.readings >= 4)
            assert device.health.verdicts() == {("api", "home-1"): Health.DOWN}
            assert device.dead == []
            device.moves = 0
            await until(lambda: device.dead == [LOOPBACK])
            device.health.close()

    asyncio_run(scene)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-hi\r\n\r\n", None])
def test_an_edge_that_says_anything_is_not_dead(gateway: Any, answer: bytes | None) -> None:
    """An app that is down (503), another listener, and a refusal (none)."""

    async def scene() -> None:
        async with serving() as app:
            device = Device()
            device.health.watch(gateway_spec(gateway, ("api", "home-1", "127.0.0.1", app.port)))
            await until(device.health.verdicts)
            app.answer = answer
            if answer is None:
                await app.stop()
            await until(lambda: device.health.verdicts() == {("api", "home-1"): Health.DOWN})
            later = asyncio.get_running_loop().time() + 1.5
            await until(lambda: asyncio.get_running_loop().time() > later)
            assert (device.dead, device.readings) == ([], 0)
            device.health.close()

    asyncio_run(scene)


def test_one_service_that_answers_speaks_for_its_edge(gateway: Any) -> None:
    async def scene() -> None:
        async with serving() as good, serving() as hung:
            device = Device()
            ports = (("api", "home-1", "127.0.0.1", good.port), ("web", "home-1", "127.0.0.1", hung.port))
            device.health.watch(gateway_spec(gateway, *ports))
            await until(lambda: len(device.health.verdicts()) == 2)
            hung.answer = None
            await until(lambda: device.health.verdicts()[("web", "home-1")] is Health.DOWN)
            later = asyncio.get_running_loop().time() + 1.5
            await until(lambda: asyncio.get_running_loop().time() > later)
            assert device.dead == []
            device.health.close()

    asyncio_run(scene)


@pytest.mark.parametrize("length", ["²", "9" * 5000, "-1", "1_0", "٣"])
def test_a_length_that_is_none_ends_no_check(gateway: Any, length: str) -> None:
    async def scene() -> None:
        async with serving() as app:
            app.answer = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
            check = through_mesh(LOOPBACK, app.port, "api", PATIENT)
            assert (await check.ask()).passed, "the status says it; only the connection is not kept"
            app.answer = app.answer.decode().encode("latin-1", "ignore")
            assert (await check.ask()).passed
            check.close()

    asyncio_run(scene)


@pytest.mark.parametrize("answer", [b"", b"\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 50 + b"\r\n\r\n"])
def test_no_answer_of_an_edge_breaks_the_check(answer: bytes) -> None:
    async def scene() -> None:
        async with serving() as app:
            app.answer = answer
            check = through_mesh(LOOPBACK, app.port, "api", QUICK)
            assert not (await check.ask()).passed
            assert not (await check.ask()).passed

    asyncio_run(scene)
