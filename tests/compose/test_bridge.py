"""The textbook stack on a bridge, through the rounds that gridwire's goes through: it is there to be counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gridwire.lab.compose import Compose
from gridwire.lab.engine import Engine
from gridwire.lab.rounds import play, rounds, summary
from gridwire.lab.topology import Lab

from .grid import how_many_rounds
from .prepare import REPOSITORY

pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(1200)]

_HEALTH = [
    "python3",
    "-c",
    "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/healthz', timeout=2).status)",
]


def test_the_bridge_stack_crashes_where_its_upstream_has_no_name_yet(
    lab: Lab, engine_on: Callable[[str], Engine], program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = engine_on("phone")
    stack = Compose(engine=engine, program=program, files=(REPOSITORY / "bench/bridge/compose.yaml",))

    def serves() -> bool:
        return lab.host("phone").run(_HEALTH, check=False).stdout.strip() == "200"

    try:
        stack("up", "-d")
        found = play(stack, rounds(("backend", "nginx"), how_many_rounds()), serves)
    finally:
        stack("down", "-v", check=False)
    with capsys.disabled():
        print(f"\nbridge, {Path(program).name}: {summary('nginx by name', found)}")
    crashes = [crash for one in found for crash in one.crashes]
    assert any("host not found in upstream" in crash.said for crash in crashes), crashes
    assert all(one.served is not None for one in found)
