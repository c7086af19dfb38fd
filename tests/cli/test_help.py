"""Every command explains itself, and its options."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from cyclopts import App

from gridwire.cli.main import _COMMANDS, application


def commands(app: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """All paths to a command, the groups among them."""
    yield path
    for name in app:
        if not name.startswith("-"):
            yield from commands(app[name], (*path, name))


PATHS = sorted(commands(application()))


@pytest.mark.parametrize("path", PATHS, ids=[" ".join(path) or "gridwire" for path in PATHS])
def test_help_is_printed_on_stdout(path: tuple[str, ...], cli: Any) -> None:
    ran = cli(*path, "--help")
    assert ran.code == 0
    assert ran.err == ""
    assert "Usage: gridwire" in ran.out
    assert len(ran.out.splitlines()) > 2


# What runs until it is ended, hands on to another command, prints a script or Prometheus' own format.
_NO_ANSWER = {"up", "agent", "control", "mesh run", "nginx run", "lab exec", "completion", "metrics", "prerequisites"}
_LEAVES = [p for p in PATHS if p and (not any(o[: len(p)] == p and o != p for o in PATHS) or p == ("demo",))]


@pytest.mark.parametrize("path", [p for p in _LEAVES if " ".join(p) not in _NO_ANSWER], ids=" ".join)
def test_what_a_command_answers_is_there_for_machines(path: tuple[str, ...], cli: Any) -> None:
    said = " ".join(cli(*path, "--help").out.replace("│", " ").split())
    assert "--output -o" in said
    assert "[choices: table, json, yaml]" in said


def test_the_commands_of_the_design_are_all_there() -> None:
    names = "init up control agent guard join invite node service route reach revision status events version"
    assert set(names.split()) <= {path[0] for path in PATHS if path}


def test_no_command_hides_behind_a_name_without_help(cli: Any) -> None:
    overview = cli("--help").out
    for name, text, _ in _COMMANDS:
        if (name,) in PATHS:
            assert name in overview
            assert text.split()[0] in overview


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_the_nouns(shell: str, cli: Any) -> None:
    ran = cli("completion", shell)
    assert ran.code == 0
    for noun in ("invite", "route", "status"):
        assert noun in ran.out


def test_bash_takes_its_completion_script(cli: Any) -> None:
    script = cli("completion", "bash").out
    done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_entry_point_of_the_package_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "gridwire.cli.main", "version", "-o", "json"], capture_output=True, check=False
    )
    assert done.returncode == 0
