"""Docker Compose, either of the two programs of that name, on an engine of the lab's, and which containers crashed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gridwire.lab.engine import DOCKER, Engine

V1 = "/usr/bin/docker-compose"  # Debian's package docker-compose
_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compose:
    """One stack: ``files`` as given with -f. ``program``: docker-compose of version 1 or 2."""

    engine: Engine
    program: str
    files: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """What it printed on both of its streams; raise DockerFailed."""
        argv = [self.program, *(word for file in self.files for word in ("-f", str(file))), *arguments]
        done = self.engine.client(argv, stdin=stdin, timeout=_SECONDS, check=check, env=self.environment)
        return done.stdout + done.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A container that ended with a status other than 0 though nobody had asked it to end; ``said``: its last line."""

    container: str
    status: int
    said: str


class CrashCount:
    """Counts from its making on. The engine keeps the last 256 events: ask after every round."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._since = time.time()
        self._told: set[str] = set()  # containers that were asked to end since they started

    def since_last(self) -> tuple[Crash, ...]:
        """Crashes since the last call, in order."""
        until = time.time()
        window = ("--since", f"{self._since:.9f}", "--until", f"{until:.9f}")
        said = self._engine.docker("events", *window, "--filter", "type=container", "--format", "{{json .}}")
        self._since = until
        return tuple(self._crashes([json.loads(line) for line in said.splitlines()]))

    def _crashes(self, events: Sequence[dict[str, object]]) -> Iterable[Crash]:
        for number, event in enumerate(events):
            actor = event["Actor"]
            assert isinstance(actor, dict)
            container, facts = actor["ID"], actor["Attributes"]
            match event["Action"]:
                case "kill":
                    self._told.add(container)
                case "start":
                    self._told.discard(container)
                case "die" if facts["exitCode"] != "0" and container not in self._told:
                    again = (
                        later["timeNano"]
                        for later in events[number + 1 :]
                        if later["Action"] == "start" and later["id"] == container
                    )
                    said = self._last_words(container, next(again, None))
                    yield Crash(container=facts["name"], status=int(facts["exitCode"]), said=said)

    def _last_words(self, container: str, again: object) -> str:
        """What it had written when it ended. ``again``: when it started once more, in nanoseconds. Not until its end:
        on a busy machine the engine reads what it wrote, and stamps it, after it has seen the end."""
        before = ("--until", f"{str(again)[:-9]}.{str(again)[-9:]}") if again is not None else ()
        done = self._engine.client([DOCKER, "logs", "--tail", "3", *before, container], check=False)
        return (done.stdout + done.stderr).strip().replace("\n", " / ")[-300:]
