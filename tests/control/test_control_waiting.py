"""Long polls: woken at once, held by no thread, released at a stop. On real Unix sockets under uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gridwire.control.sockets import bind, passed_fds
from gridwire.control.wiring import bootstrap
from gridwire.core.errors import Invalid, Unavailable
from gridwire.core.fleet import Network

SERVE = """
import sys
from ipaddress import IPv4Network
from gridwire.control.serve import serve
from gridwire.control.wiring import bootstrap
from gridwire.core.fleet import Network
home, key, *fds = sys.argv[1:]
url = f"sqlite:///{home}/db/gridwire.db"
bootstrap(url, Network(prefix=IPv4Network("10.85.0.0/16")), "gw", key, "gw.example.com:51820", owner=None)
control, local = (int(fds[0]), int(fds[1])) if fds else (None, None)
serve(database_url=url, control_socket=f"{home}/control.sock", local_socket=f"{home}/local.sock",
      control_fd=control, local_fd=local, user=None, group=None)
"""


@dataclass
class Control:
    home: Path
    process: subprocess.Popen[bytes]

    def client(self, name: str = "local", **options: Any) -> httpx2.Client:
        transport = httpx2.HTTPTransport(uds=str(self.home / f"{name}.sock"))
        return httpx2.Client(transport=transport, base_url="http://gridwire", timeout=90, **options)

    def many(self) -> httpx2.AsyncClient:
        limits = httpx2.Limits(max_connections=None)
        transport = httpx2.AsyncHTTPTransport(uds=str(self.home / "local.sock"), limits=limits)
        return httpx2.AsyncClient(transport=transport, base_url="http://gridwire", timeout=60)


def _start(home: Path, key: str, *fds: int) -> Control:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(home), key, *map(str, fds)], pass_fds=fds, stderr=subprocess.PIPE
    )
    control = Control(home, process)
    deadline = time.monotonic() + 60
    while not _listens(home / "local.sock"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            raise AssertionError(process.communicate()[1].decode())
        assert time.monotonic() < deadline
    with control.client() as client:  # waits in the backlog until control is ready
        assert client.get("/readyz").status_code == 200
    return control


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.fixture
def control(tmp_path: Path, make_key: Any) -> Iterator[Control]:
    started = _start(tmp_path, make_key("gw"))
    yield started
    _stop(started)


def _stop(control: Control) -> tuple[int, float]:
    began = time.monotonic()
    control.process.send_signal(signal.SIGTERM)
    try:
        control.process.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        control.process.kill()
        control.process.communicate()
        raise
    return control.process.returncode, time.monotonic() - began


def _current(client: httpx2.Client) -> str:
    return client.get("/api/v1/agent/spec").headers["etag"]


def test_a_hundred_polls_leave_the_rest_alive_and_wake_at_once(control: Control) -> None:
    async def poll(client: httpx2.AsyncClient, etag: str) -> tuple[int, float]:
        answer = await client.get("/api/v1/agent/spec?wait=30", headers={"If-None-Match": etag})
        return answer.status_code, time.monotonic()

    async def run() -> None:
        with control.client() as sync:
            etag = _current(sync)
        async with control.many() as client:
            polls = [asyncio.create_task(poll(client, etag)) for _ in range(100)]
            while "gridwire_spec_polls 100" not in (await client.get("/metrics")).text:
                assert not any(task.done() for task in polls)
            slowest = 0.0
            for _ in range(20):
                began = time.monotonic()
                assert (await client.get("/healthz")).status_code == 200
                assert (await client.get("/readyz")).status_code == 200
                slowest = max(slowest, time.monotonic() - began)
            assert slowest < 1.0  # on threads it was 5.9 s
            changed = await client.patch("/api/v1/nodes/gw", json={"drained": True})
            committed = time.monotonic()
            assert changed.status_code == 200
            answers = await asyncio.gather(*polls)
            assert {status for status, _ in answers} == {200}
            assert min(at for _, at in answers) - committed < 0.1

    asyncio.run(run())


def test_a_poll_wakes_within_100_ms(control: Control) -> None:
    async def run() -> None:
        async with control.many() as client:
            delays = []
            for drained in (True, False) * 5:
                etag = (await client.get("/api/v1/agent/spec")).headers["etag"]
                ask = client.get("/api/v1/agent/spec?wait=30", headers={"If-None-Match": etag})
                polling = asyncio.create_task(ask)
                while "gridwire_spec_polls 1" not in (await client.get("/metrics")).text:
                    assert not polling.done()
                await client.patch("/api/v1/nodes/gw", json={"drained": drained})
                committed = time.monotonic()
                assert (await polling).status_code == 200
                delays.append(time.monotonic() - committed)
            assert sorted(delays)[3] < 0.1  # four of ten: a loaded machine stalls, and a tick alone would take 0 to 1 s

    asyncio.run(run())


def test_nothing_new_is_304_in_time(control: Control) -> None:
    with control.client() as client:
        etag = _current(client)
        began = time.monotonic()
        answer = client.get("/api/v1/agent/spec?wait=0.3", headers={"If-None-Match": etag})
        assert (answer.status_code, answer.content) == (304, b"")
        assert 0.25 < time.monotonic() - began < 2


def test_sockets_are_what_they_must_be_and_decide_who_asks(control: Control) -> None:
    modes = {name: stat.S_IMODE((control.home / f"{name}.sock").stat().st_mode) for name in ("control", "local")}
    assert modes == {"control": 0o660, "local": 0o600}
    with control.client("local") as local, control.client("control") as mesh:
        assert local.get("/api/v1/status").status_code == 200
        assert mesh.get("/api/v1/status").status_code == 401
        # What a peer claims of itself counts for nothing.
        for headers in ({"Host": "local.sock"}, {"X-Gridwire-Node": "gw"}, {"Forwarded": "for=unix"}):
            assert mesh.get("/api/v1/agent/spec", headers=headers).status_code == 401
    database = control.home / "db" / "gridwire.db"
    assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700


def test_a_stop_releases_those_who_wait_and_is_clean(tmp_path: Path, make_key: Any) -> None:
    control = _start(tmp_path, make_key("gw"))

    async def run() -> tuple[int, int, float]:
        async with control.many() as client:
            etag = (await client.get("/api/v1/agent/spec")).headers["etag"]
            ask = client.get("/api/v1/agent/spec?wait=60", headers={"If-None-Match": etag})
            polling = asyncio.create_task(ask)
            while "gridwire_spec_polls 1" not in (await client.get("/metrics")).text:
                assert not polling.done()
            code, seconds = await asyncio.to_thread(_stop, control)
            return (await polling).status_code, code, seconds

    status, code, seconds = asyncio.run(run())
    assert (status, code) == (304, 0)
    assert seconds < 15  # the poll had 60; uvicorn alone would have cut it off after GRACE_SECONDS, without an answer


def test_sockets_of_a_parent_outlive_a_restart(tmp_path: Path, make_key: Any) -> None:
    """Clients that come while control is down wait in the backlog and are answered by the next one."""
    bound = []
    for name in ("control", "local"):
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.bind(str(tmp_path / f"{name}.sock"))
        one.listen(128)
        bound.append(one)
    fds = [one.fileno() for one in bound]
    first = _start(tmp_path, make_key("gw"), *fds)
    assert _stop(first)[0] == 0

    async def run() -> int:
        async with first.many() as client:
            asking = asyncio.create_task(client.get("/api/v1/status"))
            second = await asyncio.to_thread(_start, tmp_path, make_key("gw"), *fds)
            status = (await asking).status_code
            await asyncio.to_thread(_stop, second)
            return status

    try:
        assert asyncio.run(run()) == 200
    finally:
        for one in bound:
            one.close()


def test_listen_fds_by_name(tmp_path: Path) -> None:
    mine = str(os.getpid())
    environ = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "local:control"}
    assert passed_fds(environ, os.getpid()) == {"local": 3, "control": 4}
    assert passed_fds({**environ, "LISTEN_PID": mine}, os.getpid()) == {"local": 3, "control": 4}
    assert passed_fds({**environ, "LISTEN_PID": "1"}, os.getpid()) == {}
    with pytest.raises(Invalid, match="control:local"):
        passed_fds({"LISTEN_FDS": "2"}, os.getpid())


def test_a_socket_in_use_is_not_taken_and_a_stale_one_is(tmp_path: Path) -> None:
    path = tmp_path / "local.sock"
    first = bind(str(path), mode=0o600)
    with pytest.raises(Unavailable, match="another control"):
        bind(str(path), mode=0o600)
    first.close()  # as after kill -9: the file stays
    bind(str(path), mode=0o600).close()
    path.unlink()
    path.write_text("precious")
    with pytest.raises(Unavailable, match="no socket"):
        bind(str(path), mode=0o600)
    assert path.read_text() == "precious"


SERVE_AS_ROOT = """
import sys
from gridwire.control.serve import serve
home = sys.argv[1]
serve(database_url=f"sqlite:///{home}/db/gridwire.db", control_socket=f"{home}/control.sock",
      local_socket=f"{home}/local.sock", user="nobody", group="nogroup")
"""


def _open_to_all(path: Path) -> None:
    """Root's temporary directories are 0700, and another user has to get to this one."""
    for directory in (path, *(parent for parent in path.parents if parent.stat().st_uid == os.geteuid())):
        if not directory.stat().st_mode & 0o001 and "pytest" in str(directory):
            directory.chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_root_it_binds_and_then_serves_as_somebody_else(tmp_path: Path, make_key: Any) -> None:
    """From the first request on: nothing that is imported late may lie where only root may read.

    And without a grid it serves all the same, until `gridwire init` makes one.
    """
    _open_to_all(tmp_path)
    control = Control(
        tmp_path, subprocess.Popen([sys.executable, "-c", SERVE_AS_ROOT, str(tmp_path)], stderr=subprocess.PIPE)
    )
    deadline = time.monotonic() + 60
    while not _listens(tmp_path / "local.sock"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            control.process.wait(0.02)
            raise AssertionError(control.process.communicate()[1].decode())
        assert time.monotonic() < deadline
    try:
        with control.client() as client:
            waiting = client.get("/readyz")
            assert (waiting.status_code, waiting.json()["code"]) == (503, "no-grid")
            network = Network(prefix=IPv4Network("10.85.0.0/16"))
            url = f"sqlite:///{tmp_path}/db/gridwire.db"
            bootstrap(url, network, "gw", make_key("gw"), "gw.example.com:51820", owner="nobody")
            assert client.get("/readyz").status_code == 200
            assert client.get("/api/v1/agent/spec").json()["node"] == "gw"
            assert client.patch("/api/v1/nodes/gw", json={"drained": True}).status_code == 200
            assert client.put("/api/v1/services/x", content=b"{").status_code == 422
        uid = pwd.getpwnam("nobody").pw_uid
        status = Path(f"/proc/{control.process.pid}/status").read_text()
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status
        assert "CapEff:\t0000000000000000" in status
        assert {path.stat().st_uid for path in (tmp_path / "db").iterdir()} == {uid}
        assert (tmp_path / "local.sock").stat().st_uid == 0
        assert grp.getgrgid((tmp_path / "control.sock").stat().st_gid).gr_name == "nogroup"
    finally:
        code, _ = _stop(control)
    assert code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_dropped_privileges_do_not_come_back_and_a_parents_wish_stays(tmp_path: Path) -> None:
    script = """
import ctypes, os, signal
from gridwire.control.privileges import drop_privileges
libc = ctypes.CDLL(None)
libc.prctl(1, signal.SIGTERM, 0, 0, 0)
drop_privileges("nobody")
wished = ctypes.c_int()
libc.prctl(2, ctypes.byref(wished), 0, 0, 0)
try:
    os.setuid(0)
except PermissionError:
    print(os.getresuid(), os.getresgid(), os.getgroups(), wished.value)
"""
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    nobody = pwd.getpwnam("nobody")
    expected = f"{(nobody.pw_uid,) * 3} {(nobody.pw_gid,) * 3} [] {int(signal.SIGTERM)}"
    assert made.stdout.strip() == expected
