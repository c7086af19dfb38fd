"""A gateway and an edge that are machines, and the guide whose commands are executed on them."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from machine import Machine, connect

GUIDE = Path(__file__).parents[2] / "docs/guides/systemd.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^(?P<machine>[a-z0-9-]+)# (?P<command>.+)$")
_TOKEN = re.compile(r"gw1_\S+")


@dataclass
class Grid:
    gateway: Machine
    edge: Machine

    def machine(self, name: str) -> Machine:
        return {"gateway": self.gateway, "home-1": self.edge}[name]

    def connect(self) -> None:
        connect(self.gateway, "192.0.2.1/24", self.edge, "192.0.2.2/24")

    def served(self) -> bool:
        return self.edge.ok("curl -sf -m 1 -o /dev/null http://api.grid/")

    def section(self, title: str) -> str:
        """Execute the commands of one section of the guide as written; the token goes where it is asked for."""
        token, said = None, ""
        for name, command in commands(title):
            said = self._execute(name, command, token)
            found = _TOKEN.search(said)
            token = found[0] if found else token
        return said

    def section_on_each(self, title: str) -> None:
        """The same for a section whose machines do not wait for each other: pip compiles for a minute."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: self._section_of(title, name), ("gateway", "home-1")))

    def _section_of(self, title: str, only: str) -> None:
        for name, command in commands(title):
            if name == only:
                self._execute(name, command, None)

    def _execute(self, name: str, command: str, token: str | None) -> str:
        stdin = token if command.startswith("gridwire join") else None
        done = self.machine(name).run(command, stdin=stdin, seconds=400)
        return done.stdout + done.stderr


def commands(title: str) -> list[tuple[str, str]]:
    """(machine, command) of a section of the guide, in order."""
    _, _, rest = GUIDE.read_text().partition(f"\n## {title}\n")
    text, _, _ = rest.partition("\n## ")
    lines = [line for block in _BLOCK.findall(text) for line in block.splitlines()]
    found = [_LINE.match(line) for line in lines]
    assert found, f"the guide has no section {title!r} with commands"
    assert all(found), f"the guide's section {title!r} has lines that are no commands"
    return [(match["machine"], match["command"]) for match in found if match]
