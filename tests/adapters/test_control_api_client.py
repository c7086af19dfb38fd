"""The client against a real HTTP server on a Unix socket and on TCP: parsing, errors, patience."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer, ThreadingUnixStreamServer
from typing import Any

import pytest
from pydantic import TypeAdapter

from gridwire.adapters.control_api import AsyncControlApi, Away, ControlApi, calls
from gridwire.adapters.control_api import client as client_module
from gridwire.core.errors import (
    Conflict,
    GridwireError,
    Invalid,
    NotFinished,
    NotFound,
    NotPermitted,
    Stale,
    Unavailable,
)
from gridwire.core.fleet import Service, parse_selector
from gridwire.core.targets import parse_target
from gridwire.protocol.api import Listing, NodeChange

SERVICE = Service(name="api", target=parse_target("127.0.0.1:9000"), on=(parse_selector("tag:site=a"),))


# httpcore2 leaves a Unix socket that it could not connect to the collector (_backends/sync.py).
LEFT_TO_COLLECTOR = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture
def collected() -> Iterator[None]:
    """Collect here, where it is expected, and not in the middle of another test."""
    yield
    gc.collect()


class Played:
    """What the server says next, and what it was asked: (method, path, headers, body)."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    def say(self, status: int, body: object = None, **headers: str) -> None:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, headers, content))


def handler(played: Played) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            played.asked.append((self.command, self.path, headers, body))
            status, more, content = played.answers.pop(0) if played.answers else (500, {}, b"")
            if status == 0:  # breaks the connection off
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            return

        def address_string(self) -> str:
            return "test"

    return Handler


@contextmanager
def serving(path: Path, played: Played) -> Iterator[None]:
    class Server(ThreadingUnixStreamServer):
        daemon_threads = True

        def get_request(self) -> tuple[Any, Any]:
            request, _ = super().get_request()
            return request, ("test", 0)

    with Server(str(path), handler(played)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            path.unlink()


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def api(tmp_path: Path, played: Played) -> Iterator[ControlApi]:
    with serving(tmp_path / "s.sock", played), ControlApi(f"unix:{tmp_path / 's.sock'}", {"X-Who": "me"}) as client:
        yield client


def test_an_answer_is_parsed_into_core_types_with_its_etag(api: ControlApi, played: Played) -> None:
    body = TypeAdapter(Service).dump_json(SERVICE)
    played.say(200, body, ETag='"7"')
    answer = api.send(calls.service("api"))
    assert answer.body == SERVICE
    assert answer.etag == '"7"'
    method, path, headers, _ = played.asked[0]
    assert (method, path) == ("GET", "/api/v1/services/api")
    assert headers["x-who"] == "me"
    assert headers["user-agent"].startswith("gridwire/")


def test_a_listing_and_an_unknown_field_are_understood(api: ControlApi, played: Played) -> None:
    one = json.loads(TypeAdapter(Service).dump_json(SERVICE)) | {"from_a_newer_version": True}
    played.say(200, {"items": [one], "next": None})
    assert api.send(calls.services()).body == Listing(items=(SERVICE,))


def test_a_change_says_which_version_it_changes(api: ControlApi, played: Played) -> None:
    played.say(204)
    assert api.send(calls.delete_service("api", if_match='"7"')).value is None
    assert played.asked[0][2]["if-match"] == '"7"'
    played.say(200, b"null")
    api.request("PATCH", "/api/v1/nodes/x", NodeChange(drained=True), if_match='"8"')
    assert json.loads(played.asked[1][3])["drained"] is True
    assert played.asked[1][2]["content-type"] == "application/json"


def test_a_name_never_leaves_its_place_in_the_path(api: ControlApi, played: Played) -> None:
    played.say(404, {"detail": "no"})
    with pytest.raises(NotFound):
        api.send(calls.node("../services/api?x=1#y"))
    assert played.asked[0][1] == "/api/v1/nodes/..%2Fservices%2Fapi%3Fx%3D1%23y"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid), (401, NotPermitted), (403, NotPermitted), (404, NotFound), (409, Conflict), (412, Stale),
        (413, Invalid), (422, Invalid), (425, NotFinished), (428, Invalid), (500, Unavailable), (502, Unavailable),
        (503, Unavailable), (504, NotFinished), (302, Unavailable),
    ],
)  # fmt: skip
def test_a_problem_becomes_the_error_of_its_status(
    api: ControlApi, played: Played, status: int, kind: type[GridwireError]
) -> None:
    problem = {"title": "T", "detail": "the name is taken", "code": "taken", "fix": "choose another", "field": "name"}
    played.say(status, problem, Location="http://elsewhere.example/")
    with pytest.raises(kind) as caught:
        api.send(calls.status())
    assert type(caught.value) is kind
    assert caught.value.what == "the name is taken"
    assert caught.value.fix == "choose another"
    assert caught.value.code == "taken"
    if isinstance(caught.value, Invalid):
        assert caught.value.field == "name"
    assert len(played.asked) == 1, "redirects are not followed"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"detail": 7}', b'{"detail": "\\u001b[2J"}', b"\xff"])
def test_an_error_without_words_still_says_what_was_asked(api: ControlApi, played: Played, body: bytes) -> None:
    played.say(500, body)
    with pytest.raises(Unavailable) as caught:
        api.send(calls.status())
    assert "\x1b" not in str(caught.value)
    assert caught.value.what


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"<html>"])
def test_an_answer_that_is_not_understood_is_no_crash(api: ControlApi, played: Played, body: bytes) -> None:
    played.say(200, body)
    with pytest.raises(Unavailable, match="not understood"):
        api.send(calls.status())


def test_an_endless_answer_is_cut_off(api: ControlApi, played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LARGEST_ANSWER", 1000)
    played.say(200, b"x" * 100_000)
    with pytest.raises(Unavailable) as caught:
        api.send(calls.status())
    assert caught.value.code == "too-large"


@LEFT_TO_COLLECTOR
@pytest.mark.usefixtures("collected")
def test_control_that_is_away_is_said_at_once_or_waited_for(tmp_path: Path, played: Played) -> None:
    path = tmp_path / "late.sock"
    with ControlApi(f"unix:{path}") as client:
        with pytest.raises(Unavailable, match="does not answer") as caught:
            client.send(calls.services())
        assert caught.value.code == "control-away"
        assert "gridwire control" in caught.value.fix
        played.say(200, {"items": []})
        started = threading.Event()

        def late() -> None:
            started.wait()
            with serving(path, played):
                done.wait(10)

        done = threading.Event()
        thread = threading.Thread(target=late)
        thread.start()
        timer = threading.Timer(0.3, started.set)
        timer.start()
        try:
            assert client.send(calls.services(), patience=10).body == Listing(items=())
        finally:
            done.set()
            thread.join()


def test_patience_repeats_what_is_safe_and_nothing_else(api: ControlApi, played: Played) -> None:
    played.say(503)
    played.say(502)
    played.say(200, {"items": []})
    assert api.send(calls.services(), patience=10).body == Listing(items=())
    played.asked.clear()
    played.say(503)
    with pytest.raises(Unavailable):
        api.send(calls.revoke("x"), patience=10)
    assert len(played.asked) == 1
    played.say(0)
    with pytest.raises(Unavailable, match="broke the connection off"):
        api.send(calls.approve("x"), patience=10)
    assert len(played.asked) == 2, "it may have been done already"


def test_over_tcp_and_asynchronously_it_is_the_same(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    class Server(ThreadingTCPServer):
        daemon_threads = True

    async def scene(port: int) -> None:
        async with AsyncControlApi(f"http://127.0.0.1:{port}") as client:
            played.say(200, TypeAdapter(Service).dump_json(SERVICE))
            assert (await client.send(calls.service("api"))).body == SERVICE
            played.say(503)
            played.say(304, ETag='"1.2"')
            answer = await client.send(calls.spec(etag='"1.2"', wait=0.5), patience=5)
            assert (answer.value, answer.status) == (None, 304)
            assert played.asked[-1][1] == "/api/v1/agent/spec?wait=0.5"
            assert played.asked[-1][2]["if-none-match"] == '"1.2"'
            played.say(404, {"detail": "there is no node"})
            with pytest.raises(NotFound, match="there is no node"):
                await client.send(calls.node("x"))

    with Server(("127.0.0.1", 0), handler(played)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            asyncio.run(scene(server.server_address[1]))
        finally:
            server.shutdown()
            thread.join()


@LEFT_TO_COLLECTOR
@pytest.mark.usefixtures("collected")
def test_no_error_or_repr_shows_a_credential(tmp_path: Path) -> None:
    secret = "s3cr3t" * 7
    with ControlApi(f"unix:{tmp_path / 'no.sock'}", {"Authorization": f"Bearer {secret}"}) as client:
        say: list[Callable[[BaseException], str]] = [str, repr]
        with pytest.raises(Unavailable) as caught:
            client.send(calls.status())
        assert all(secret not in each(caught.value) for each in say)
        assert secret not in repr(client)


def test_a_port_that_refuses_is_told_from_one_that_is_silent() -> None:
    with socket.socket() as full, socket.socket() as queued:
        full.bind(("127.0.0.1", 0))
        port = full.getsockname()[1]
        with ControlApi(f"http://127.0.0.1:{port}") as api:
            with pytest.raises(Away) as refused:
                api.send(calls.confirm())
            full.listen(0)  # one fits into the queue; further SYNs are dropped
            queued.connect(("127.0.0.1", port))
            with pytest.raises(Away) as silent:
                api.send(replace(calls.confirm(), timeout=0.3))
    assert (refused.value.sent, refused.value.silent) == (False, False)
    assert (silent.value.sent, silent.value.silent) == (False, True)
