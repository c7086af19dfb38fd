"""The demo's grid with the built panel on its gateway, and a browser on the operator's laptop."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from gridwire.lab.grid import GATEWAY, OPERATOR, Grid, build_grid
from gridwire.lab.host import CommandFailed

ROOT = Path(__file__).parents[2]
BASE = "http://panel.grid:2086"
NAME, PASSWORD = "ada", "seven green boats"


@dataclass(slots=True)
class Walked:
    """What a journey told: what was measured, and what does not hold."""

    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Browser:
    """Walks the journeys of panel/e2e on the operator's device. ``link``: the one-time link, while it is good."""

    grid: Grid
    link: str
    node: str

    def walk(self, name: str, done: Mapping[str, Callable[[], None]] | None = None, **given: Any) -> Walked:
        """``done``: what to do where the journey asks for it."""
        script = str(ROOT / "panel" / "e2e" / "run.mjs")
        process = self.grid.host(OPERATOR).start([self.node, script, name], stdin=PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        walked = Walked()
        told = {"base": BASE, "name": NAME, "password": PASSWORD, **given}
        print(json.dumps(told), file=process.stdin, flush=True)
        for line in process.stdout:
            said = json.loads(line)
            if "ask" in said:
                (done or {})[said["ask"]]()
                print("done", file=process.stdin, flush=True)
            elif "figure" in said:
                walked.figures[said["figure"]] = said["value"]
            else:
                walked.wrong.append(said["wrong"])
        errors = process.stderr.read()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        if process.wait(20) != 0 and not walked.wrong:
            raise CommandFailed(OPERATOR, [name], process.returncode, errors)
        return walked


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node") or str(ROOT / ".venv" / "node" / "bin" / "node")
    assert Path(found).exists(), "there is no Node.js: make panel brings one"
    assert (ROOT / "panel" / "out" / "index.html").exists(), "the panel is not built: make panel"
    return found


@pytest.fixture(scope="session")
def browser(node: str) -> Iterator[Browser]:
    grid = build_grid(lambda _: None)
    try:
        added = grid.command(GATEWAY, "operator", "add", NAME)
        yield Browser(grid=grid, link=added.strip().splitlines()[-1], node=node)
    finally:
        grid.close()
