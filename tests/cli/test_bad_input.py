"""Whatever a person gives wrongly: exit code 2, the field and the reason on stderr, and nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

CASES: list[dict[str, Any]] = YAML(typ="safe").load(Path(__file__).parents[1] / "cases/cli/bad_input.yaml")


def everything(tmp_path: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", CASES, ids=[ascii(" ".join(case["args"])) for case in CASES])
def test_it_is_refused_with_field_and_reason(case: dict[str, Any], cli: Any, tmp_path: Path) -> None:
    before = everything(tmp_path)
    ran = cli(*case["args"], stdin=case.get("stdin", ""))
    assert ran.code == 2, ran.err
    assert ran.out == ""
    first = ran.err.splitlines()[0]
    assert first.startswith(f"gridwire: {case['field']}: " if "field" in case else "gridwire: "), ran.err
    assert case["said"] in first, ran.err
    assert everything(tmp_path) == before


def test_what_was_refused_is_not_written_to_the_terminal_as_it_came(cli: Any) -> None:
    ran = cli("node", "show", "\x1b[2J\x07home")
    assert ran.code == 2
    assert "\x1b" not in ran.err
    assert "\x07" not in ran.err


def test_a_wrong_settings_file_is_told_with_its_place(cli: Any, settings_file: Path) -> None:
    settings_file.write_text("node: {name: gw}\nrech: []\n")
    for command in (("reach", "list"), ("status",), ("node", "list")):
        ran = cli(*command)
        assert ran.code == 2
        assert f"{settings_file}:2:1: there is no key 'rech'" in ran.err
        assert "did you mean reach?" in ran.err


def test_a_token_on_the_command_line_is_not_repeated(cli: Any) -> None:
    ran = cli("join", "gw1_verysecret")
    assert "verysecret" not in ran.err + ran.out


@pytest.mark.parametrize("attempt", range(5))  # who wins a race is chance
def test_the_prompt_for_a_token_comes_when_nothing_is_echoed_any_more(settings_file: Path, attempt: int) -> None:
    """What is typed before would be shown, and its end lost: a script, or a person who pastes at once."""
    screen, keyboard = os.openpty()
    argv = [sys.executable, "-P", "-m", "gridwire.cli.main", "join", "--settings", str(settings_file)]
    somebody = {name: value for name, value in os.environ.items() if name != "CI"}  # under CI nobody is asked
    with subprocess.Popen(
        argv, stdin=keyboard, stdout=keyboard, stderr=keyboard, env=somebody, start_new_session=True
    ) as asking:
        os.close(keyboard)
        try:
            shown = b""
            while b"token: " not in shown:
                shown += os.read(screen, 4096)
            echoes = termios.tcgetattr(screen)[3] & termios.ECHO
            os.write(screen, b"gw1_nonsense\n")
            assert not echoes
            assert asking.wait(20) == 2
        finally:
            asking.kill()
            os.close(screen)
