"""The stream: what happens is told at once, nothing is lost in silence, and no reader costs memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gridwire.cli.main import run as command
from gridwire.control.stream import Stream

SERVE = Path(__file__).parents[1] / "cli" / "serve_control.py"


@dataclass
class Panel:
    """One reader of the stream, as a browser reads it. ``seen``: (event, id, data)."""

    home: Path
    last_id: str | None = None
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    comments: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    ready: threading.Event = field(default_factory=threading.Event)

    def read(self, path: str = "/api/v1/stream", socket_name: str = "local", **headers: str) -> None:
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        with (
            _client(self.home, socket_name) as client,
            contextlib.suppress(httpx2.RemoteProtocolError),
            client.stream("GET", path, headers=headers) as answer,
        ):
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            kind, number, data = "", "", ""
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    data = value
                elif name == "id":
                    number = value
                elif name == "":
                    self.comments += line.startswith(":")
                    if data:
                        self.seen.append((kind, number, json.loads(data)))
                        self.ready.set()
                    data = ""
        self.ended.set()

    def opened(self, **options: Any) -> Panel:
        threading.Thread(target=self.read, kwargs=options, daemon=True).start()
        assert self.ready.wait(30)
        return self

    def wait(self, event: str, /, seconds: float = 20, **fields: Any) -> tuple[str, str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for one in list(self.seen):
                if one[0] == event and all(one[2].get(name) == value for name, value in fields.items()):
                    return one
            time.sleep(0.005)
        raise AssertionError(f"no {event} with {fields} within {seconds} s: {self.seen}")


def _client(home: Path, name: str = "local") -> httpx2.Client:
    transport = httpx2.HTTPTransport(uds=str(home / "run" / f"{name}.sock"))
    return httpx2.Client(transport=transport, base_url="http://gridwire", timeout=60)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


def _started(home: Path) -> subprocess.Popen[bytes]:
    (home / "run").mkdir(exist_ok=True)
    process = subprocess.Popen([sys.executable, SERVE, str(home)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not _answers(home / "run" / "local.sock"):
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with _client(home) as client:
        assert client.get("/readyz").status_code == 200
    return process


def _stopped(process: subprocess.Popen[bytes]) -> str:
    process.send_signal(signal.SIGTERM)
    try:
        return process.communicate(timeout=15)[1].decode()
    finally:
        process.kill()


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One control for all tests here; none of them asks what another one changed."""
    home = tmp_path_factory.mktemp("control")
    process = _started(home)
    settings = home / "gridwire.yaml"
    settings.write_text(f"node: {{name: gw}}\nendpoint: gw.example.com:51820\npaths: {{run: {home}/run}}\n")
    yield home
    said = _stopped(process)
    assert "Traceback" not in said, said


def _drain(home: Path) -> None:
    """Turn the gateway's drain over: a revision and an event."""
    with _client(home) as client:
        drained = not client.get("/api/v1/nodes/gw").json()["node"]["drained"]
        assert client.patch("/api/v1/nodes/gw", json={"drained": drained}).status_code == 200


def _report(home: Path, **fields: Any) -> None:
    body = {
        "node": "gw",
        "at": "2030-01-01T00:00:00Z",
        "agent_version": "0.1.0",
        "version": [1, 1],
        "state": "in-sync",
        **fields,
    }
    with _client(home) as client:
        assert client.post("/api/v1/agent/report", json=body).status_code == 200


def test_a_change_by_the_cli_is_told_within_a_second(control: Path) -> None:
    panel = Panel(control).opened()
    kind, _, newest = panel.seen[0]
    assert kind == "revision"
    settings = str(control / "gridwire.yaml")
    publish = ["service", "publish", "api", "--to", "127.0.0.1:9000", "--on", "node:e", "--settings", settings]
    assert command(publish) == 0
    committed = time.monotonic()
    revision = panel.wait("revision", number=newest["number"] + 1)
    event = panel.wait("event", kind="service.added")
    assert time.monotonic() - committed < 1.0
    assert revision[2]["reason"] == "service api: added"
    assert revision[2]["author"] == event[2]["actor"]
    assert event[2]["subject"] == "api"


def test_a_node_that_speaks_is_told_once_for_each_turn(control: Path) -> None:
    panel = Panel(control).opened()
    for state in ("in-sync", "failed", "failed", "in-sync"):
        _report(control, state=state)
        deadline = time.monotonic() + 10
        while _said_of_gw(panel)[-1:] != [(state, True)]:
            assert time.monotonic() < deadline, panel.seen
            time.sleep(0.005)
    assert _said_of_gw(panel) == [("in-sync", True), ("failed", True), ("in-sync", True)]


def _said_of_gw(panel: Panel) -> list[tuple[str, bool]]:
    return [(now["apply"], now["connected"]) for kind, _, one in panel.seen if kind == "nodes" for now in one["nodes"]]


def test_who_comes_back_gets_what_it_missed_and_nothing_twice(control: Path) -> None:
    first = Panel(control).opened()
    number = first.seen[0][2]["number"]
    _drain(control)
    first.wait("event", number=number + 1)
    last_id = first.seen[-1][1]
    known = {one[1] for one in first.seen if one[0] == "event"}
    _drain(control)
    _drain(control)
    back = Panel(control, last_id=last_id).opened()
    back.wait("event", number=number + 3)
    assert [one[2]["number"] for one in back.seen if one[0] == "event"] == [number + 2, number + 3]
    assert not {one[1] for one in back.seen if one[0] == "event"} & known
    assert not any(one[0] == "resync" for one in back.seen)


@pytest.mark.parametrize("last_id", ["00000000-0", "00000000-3", "", "-", "x" * 300, "1-99999999999999999999999"])
def test_an_id_of_another_control_or_of_nobody_is_told_to_ask_again(world: Any, last_id: str) -> None:
    world.grid.stream.ready = True
    told = world.local.get("/api/v1/stream?seconds=0", headers={"Last-Event-ID": last_id}).text
    assert told.index("event: resync") < told.index("event: revision")


def test_a_stop_ends_the_stream_at_once(tmp_path: Path) -> None:
    process = _started(tmp_path)
    panel = Panel(tmp_path).opened()
    said = _stopped(process)
    assert panel.ended.wait(10)
    assert process.returncode == 0
    assert "Traceback" not in said, said
    assert "timeout graceful" not in said  # what uvicorn says when it has waited in vain


def test_nobody_but_a_reader_of_the_grid_may_read_it(control: Path) -> None:
    with _client(control, "control") as client:
        assert client.get("/api/v1/stream?seconds=0").status_code == 401


def test_who_may_no_longer_read_is_cut(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream asks again as of a new request, so that a login's end ends what was opened with it."""
    from gridwire.control.routes import stream

    asked: list[bool] = []

    async def no_longer(_request: object) -> bool:
        asked.append(True)
        return len(asked) < 3

    monkeypatch.setattr(stream, "RECHECK", 0.01)
    monkeypatch.setattr(stream, "still_allowed", no_longer)
    world.grid.stream.ready = True
    assert "event: revision" in world.local.get("/api/v1/stream?seconds=60").text
    assert len(asked) == 3
    assert world.grid.stream.readers == 0


def test_traffic_is_told_again_and_again_and_keeps_the_connection_alive(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gridwire.control.routes import stream

    monkeypatch.setattr(stream, "SECOND", 0.05)
    world.grid.stream.ready = True
    assert world.local.get("/api/v1/stream?seconds=1").text.count("event: traffic") > 2


def test_a_slow_reader_is_told_and_costs_no_memory() -> None:
    stream = Stream(kept=10, kept_bytes=1000)
    slow, _ = stream.join(None)
    quick, _ = stream.join(None)
    for number in range(100):
        stream.publish("event", "x" * (number + 1))
        found = stream.take(quick)
        assert found is not None
        assert [len(message.data) for message in found] == [number + 1]
    assert stream.take(slow) is None
    assert len(stream._kept) <= 10
    assert sum(len(message.data) for message in stream._kept) <= 1000
    back, missed = stream.join(stream.id_of(quick.number - 2))
    assert not missed
    assert [message.number for message in stream.take(back) or ()] == [99, 100]
    assert stream.join(stream.id_of(1))[1]


@pytest.mark.parametrize("spec", ["2.3", "2.4"])  # a response notices a client that left in one way or the other
def test_who_takes_nothing_is_cut(world: Any, monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    from gridwire.control.routes import stream

    monkeypatch.setattr(stream, "STUCK", 0.05)
    world.grid.stream.ready = True
    scope = {
        "type": "http",
        "asgi": {"spec_version": spec, "version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/api/v1/stream",
        "raw_path": b"/api/v1/stream",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "root_path": "",
    }

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            assert world.grid.stream.readers == 1
            await asyncio.Event().wait()  # as uvicorn's does while the client's window is closed

    async def run() -> None:
        async with asyncio.timeout(30):
            await world.through("/run/test/local.sock")(scope, receive, send)

    asyncio.run(run())
    assert world.grid.stream.readers == 0


def test_one_operator_takes_not_all_places(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.control.routes.stream.MOST_OF_ONE", 2)
    ada, world.grid.stream.ready = world.logged_in("ada", may="read"), True
    token = world.local.post("/api/v1/tokens", json={"operator": "ada", "label": "ci"}).json()["secret"]
    by_token = world.browser(ada.headers["x-gridwire-peer"], Authorization=f"Bearer {token}")
    open_ones = [world.grid.stream.join(None, "ada")[0] for _ in range(2)]
    for reader in (ada, by_token):
        assert reader.get("/api/v1/stream?seconds=0").status_code == 503
    assert world.local.get("/api/v1/stream?seconds=0").status_code == 200
    world.grid.stream.leave(open_ones[0])
    assert ada.get("/api/v1/stream?seconds=0").status_code == 200
