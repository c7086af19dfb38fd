"""Journeys of panel/e2e, walked on a device of the demo's grid."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import Any

from gridwire.lab.grid import OPERATOR, Grid
from gridwire.lab.host import CommandFailed
from gridwire.lab.topology import Place

ROOT = Path(__file__).parents[2]
BASE = "http://panel.grid:2086"
NAME, PASSWORD = "ada", "seven green boats"
NEW = Place(host="edge-4", link="edges", number=14)  # of no grid, until a journey adds it
TABLET = Place(host="tablet", link="homes", number=51)  # likewise


@dataclass(slots=True)
class Walked:
    """What a journey told: what was measured or shown, and what does not hold."""

    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Browser:
    """``link``: the one-time link, while it is good."""

    grid: Grid
    link: str
    node: str

    def walk(
        self,
        journey: str,
        done: Mapping[str, Callable[[Any], Any]] | None = None,
        /,
        *,
        on: str = OPERATOR,
        **given: Any,
    ) -> Walked:
        """``done``: what to do where the journey asks for it, with what it says; the answer goes back as JSON."""
        script = str(ROOT / "panel" / "e2e" / "run.mjs")
        process = self.grid.host(on).start([self.node, script, journey], stdin=PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        walked = Walked()
        told = {"base": BASE, "name": NAME, "password": PASSWORD, **given}
        try:
            print(json.dumps(told), file=process.stdin, flush=True)
            for line in process.stdout:
                said = json.loads(line)
                if "ask" in said:
                    answer = (done or {})[said["ask"]](said["with"])
                    print(json.dumps(answer), file=process.stdin, flush=True)
                elif "figure" in said:
                    walked.figures[said["figure"]] = said["value"]
                else:
                    walked.wrong.append(said["wrong"])
        except BaseException:
            process.kill()
            raise
        errors = process.stderr.read()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        if process.wait(20) != 0 and not walked.wrong:
            raise CommandFailed(on, [journey], process.returncode, errors)
        return walked
