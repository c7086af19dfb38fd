"""The CLI as a user runs it, in this process: what it wrote, and its exit code."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gridwire.cli.main import run

SERVE = Path(__file__).with_name("serve_control.py")
SETTINGS = """\
node:
  name: gw
endpoint: gw.example.com:51820
reach:
  - 127.0.0.1:9000
paths: {state: STATE/state, run: STATE/run, logs: STATE/logs}
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Cli = Callable[..., Ran]


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "gridwire.yaml"
    path.write_text(SETTINGS.replace("STATE", str(tmp_path)))
    return path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, settings_file: Path) -> Cli:
    """``cli("node", "list")``; every command that reads settings is given those of the test."""
    monkeypatch.setenv("NO_COLOR", "1")

    def cli_run(*arguments: str, stdin: str = "", settings: bool = True) -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        given = [*arguments]
        without = ("version", "completion", "bench", "init", "openapi")
        takes = arguments and arguments[0] not in without and "--help" not in given
        if settings and takes:
            given += ["--settings", str(settings_file)]
        code = run(given)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return cli_run


@contextmanager
def running_control(directory: Path) -> Iterator[None]:
    """Control, as serve_control.py runs it in ``directory``, once it answers."""
    (directory / "run").mkdir(parents=True)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-P", str(SERVE), str(directory)], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while not (directory / "run/local.sock").exists():
                assert process.poll() is None, "control ended"
                assert time.monotonic() < deadline, "control did not start"
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            process.wait(20)


def point_at(settings_file: Path, paths: str) -> None:
    """The settings with other ``paths``."""
    lines = settings_file.read_text().splitlines()
    settings_file.write_text("\n".join([*lines[:-1], f"paths: {{{paths}}}", ""]))


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of a running control. All tests of a file share it: each takes names of its own."""
    directory = tmp_path_factory.mktemp("control")
    with running_control(directory):
        yield directory


@pytest.fixture
def grid(cli: Cli, control: Path, settings_file: Path) -> Cli:
    """A CLI with a control behind it."""
    point_at(settings_file, f"run: {control}/run")
    return cli


@pytest.fixture
def own_control(cli: Cli, tmp_path: Path, settings_file: Path) -> Iterator[tuple[Cli, Path]]:
    """A CLI with a control of its own behind it, and the file of its database."""
    directory = tmp_path / "own"
    with running_control(directory):
        point_at(settings_file, f"run: {directory}/run, state: {directory}")
        yield cli, directory / "control/gridwire.db"
