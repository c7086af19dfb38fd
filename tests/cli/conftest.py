"""The CLI as a user runs it, in this process: what it wrote, and its exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gridwire.cli.main import run

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
