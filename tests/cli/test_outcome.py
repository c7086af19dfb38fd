"""How commands end: exit codes, what is said, and what stays silent."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from gridwire.agent.state_dir import AgentState
from gridwire.cli import grid, outcome
from gridwire.cli.output import printable
from gridwire.core.addressing import DEFAULT_PREFIX, address_at
from gridwire.core.enrollment import GatewayContact
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
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.wireguard import PublicKey
from gridwire.version import __version__

GRIDWIRE = [sys.executable, "-P", "-m", "gridwire.cli.main"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Invalid("to", "it is wrong"), 2),
        (NotFound("there is none"), 2),
        (NotPermitted("no"), 4),
        (NotFinished("not yet"), 3),
        (Conflict("no"), 1),
        (Stale("no"), 1),
        (Unavailable("away"), 1),
        (GridwireError("no"), 1),
    ],
)
def test_each_error_has_its_exit_code(error: GridwireError, code: int) -> None:
    assert outcome.report(error, io.StringIO()) == code


def test_field_reason_and_next_step_are_said() -> None:
    said = io.StringIO()
    outcome.report(Invalid("to", "it is wrong", fix="write it right"), said)
    assert said.getvalue() == "gridwire: to: it is wrong\n  write it right\n"


def test_a_fault_is_a_sentence_and_a_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRIDWIRE_TRACE", raising=False)
    said = io.StringIO()
    assert outcome.report_unexpected(ZeroDivisionError("by zero"), said) == 1
    assert "ZeroDivisionError: by zero" in said.getvalue()
    assert "Traceback" not in said.getvalue()
    monkeypatch.setenv("GRIDWIRE_TRACE", "1")
    try:
        _ = 1 // 0
    except ZeroDivisionError as error:
        outcome.report_unexpected(error, said)
    assert "Traceback" in said.getvalue()


def test_control_characters_never_reach_the_terminal() -> None:
    assert printable("a\x1b[31mb\rc\nd\u202ee\x9b") == "a?[31mb?c\nd?e?"


def test_the_version_is_quick_and_alone_on_stdout() -> None:
    began = time.process_time()
    times = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run([*GRIDWIRE, "--version"], capture_output=True, text=True, check=True)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert (done.stdout, done.stderr) == (f"{__version__}\n", "")
    assert min(times) < 0.3
    assert time.process_time() - began < 5


def test_a_reader_that_leaves_is_no_traceback() -> None:
    command = subprocess.Popen(
        [*GRIDWIRE, "completion", "bash"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.close()
    said = command.stderr.read()
    command.stderr.close()
    command.wait(20)
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


# httpcore forgets to close a socket that could not connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_control_away_says_so_and_is_exit_1(cli: Any) -> None:
    ran = cli("node", "list")
    assert ran.code == 1
    assert ran.out == ""
    assert "gridwire control" in ran.err


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("command", [("status",), ("node", "list"), ("node", "drain", "web")])
def test_an_edge_says_that_it_is_one(command: tuple[str, ...], cli: Any, tmp_path: Path) -> None:
    gateway = GatewayContact(
        node=NodeName("gw"),
        public_key=PublicKey("HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="),
        endpoint="gw.example.com:51820",
        address=address_at(DEFAULT_PREFIX, 1),
    )
    AgentState(tmp_path / "state/agent").save_identity(
        JoinedAs(
            node=NodeName("web"),
            role=Role.EDGE,
            address=address_at(DEFAULT_PREFIX, 256),
            prefix=DEFAULT_PREFIX,
            interface=Interface("gw0"),
            suffix=HostName("grid"),
            gateways=(gateway,),
        )
    )
    ran = cli(*command)
    assert ran.code == 1
    assert "this host is web, of role edge" in ran.err
    assert "gw (10.85.0.1)" in ran.err


@contextmanager
def nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def readable() -> Iterator[Path]:
    """A directory that everybody may look into; tmp_path is root's alone."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "run").mkdir()
        settings = Path(name) / "gridwire.yaml"
        settings.write_text(f"node: {{name: gw}}\nendpoint: gw.example.com\npaths: {{run: {name}/run}}\n")
        yield settings


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.skipif(os.geteuid() != 0, reason="drops root")
@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("node", "list"),
        ("node", "drain", "web"),
        ("reach", "add", "127.0.0.1:9000"),
        ("control",),
        ("init", "gw", "--endpoint", "gw.example.com", "--yes"),
    ],
)
def test_a_user_is_told_to_be_root_with_exit_4(command: tuple[str, ...], cli: Any, readable: Path) -> None:
    before = readable.read_text()
    with socket.socket(socket.AF_UNIX) as local:
        local.bind(f"{readable.parent}/run/local.sock")
        local.listen()
        (readable.parent / "run/local.sock").chmod(0o600)
        cli("status")  # what is imported late is imported now: nobody may not read root's Python
        import_module("gridwire.control.serve")
        with nobody():
            ran = cli(*command, "--settings", str(readable), settings=False)
    assert ran.code == 4, ran.err
    assert "root" in ran.err or "sudo" in ran.err
    assert "fault" not in ran.err
    assert readable.read_text() == before


def test_patience_outlasts_a_locked_database() -> None:
    """Control says that it is locked after its queue and the database's own wait; earlier, the CLI blamed control."""
    from gridwire.adapters.store.engine import BUSY_SECONDS

    assert grid.PATIENCE >= 2 * BUSY_SECONDS + 5


@pytest.mark.skipif(os.geteuid() != 0, reason="drops root")
@pytest.mark.parametrize("command", [("up",), ("agent",), ("guard", "load"), ("mesh", "run"), ("nginx", "run")])
def test_what_changes_the_host_wants_root(command: tuple[str, ...], cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    ran = cli(*command)
    assert ran.code == 4
    assert "sudo" in ran.err
