"""docs/reference/operators.md says the figures and commands that the program has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gridwire.cli.main import application
from gridwire.core import operators, recovery, sessions

PAGE = (Path(__file__).parents[2] / "docs/reference/operators.md").read_text()
TEXT = " ".join(PAGE.split())


@pytest.mark.parametrize(
    "said",
    [
        f"{operators.SHORTEST_PASSWORD} characters at least, {operators.LONGEST_PASSWORD} bytes at most",
        f"After {operators.FREE_FAILURES} failures of one name",
        f"A device with {operators.FREE_FAILURES_OF_DEVICE} failures",
        f"{operators.LONGEST_WAIT.seconds // 60} minutes at most",
        f"forgotten after {operators.FORGOTTEN_AFTER.total_seconds() / 3600:.0f} hours",
        f"It lasts {operators.LINK_HOURS} hours",
        f"| unused | {sessions.IDLE.seconds // 3600} hours |",
        f"| in any case | {sessions.ABSOLUTE.days} days |",
        f"{sessions.FRESH.seconds // 60} minutes after the login",
        f"{sessions.MOST_SESSIONS} sessions at most",
        f"lasts {sessions.TOKEN_DAYS} days unless told, {sessions.LONGEST_TOKEN_DAYS} at most",
        f"`{sessions.TOKEN_PREFIX}…`",
        f"{recovery.COUNT} recovery codes",
    ],
)
def test_figures_are_the_programs(said: str) -> None:
    assert said in TEXT


@pytest.mark.parametrize("noun", ["operator", "token"])
def test_every_command_stands_there_and_no_other(noun: str) -> None:
    there = {name for name in application()[noun] if not name.startswith("-")}
    assert set(re.findall(rf"^\| `gridwire {noun} ([a-z]+)", PAGE, re.MULTILINE)) == there
