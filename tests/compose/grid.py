"""A gateway and an edge in containers, made by README's three commands."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from gridwire.lab.compose import Compose
from gridwire.lab.engine import DOCKER
from gridwire.lab.rounds import ROUNDS
from gridwire.lab.waiting import until

from .prepare import REPOSITORY
from .site import Site, commands

_ASKED = "curl http://api.grid/"
TOKEN = r"gw1_[A-Za-z0-9_-]+"
GATEWAY, EDGE, APP = "packaging/compose.yaml", "packaging/compose.edge.yaml", "packaging/compose.app.yaml"


def how_many_rounds() -> int:
    return int(os.environ.get("ROUNDS", ROUNDS))


@dataclass(frozen=True)
class Grid:
    gateway: Site
    edge: Site

    def site(self, name: str) -> Site:
        return {"gateway": self.gateway, "home-1": self.edge}[name]

    def stack(self, name: str) -> Compose:
        site = self.site(name)
        file = GATEWAY if name == "gateway" else EDGE
        return Compose(engine=site.engine, program=site.program, files=(REPOSITORY / file,))

    def app(self) -> Compose:
        return Compose(engine=self.edge.engine, program=self.edge.program, files=(REPOSITORY / APP,))

    def served(self) -> bool:
        argv = ["curl", "-sf", "-m", "2", "-o", "/dev/null", "http://api.grid/"]
        return self.edge.host.run(argv, check=False).returncode == 0

    def carry_out(self, document: str, title: str) -> str:
        """The commands of a section as written. An invitation is printed on the one side, then pasted on the other."""
        token, waiting, said = "", None, ""
        for machine, command in commands(document, title):
            if command == _ASKED:  # a person looks again; the guides' own commands say how often
                until(self.served, "the route", timeout=60, every=0.2)
            typed = self.site(machine).terminal(command)
            if "invite" in command:
                token, waiting = typed.shows(TOKEN)[0], typed
                continue
            if command.endswith("join"):
                typed.shows("[Tt]oken")
                typed.type(token)
            said = typed.done()
            if command.endswith("join") and waiting is not None:
                waiting.done()
        return said

    def stored(self) -> dict[str, int]:
        """What the app's database holds: arrivals by record."""
        form = "{{.Mountpoint}}"
        names = self.edge.engine.docker("volume", "ls", "--quiet", "--filter", "name=records").split()
        found: dict[str, int] = {}
        for name in names:
            place = Path(self.edge.engine.docker("volume", "inspect", "--format", form, name).strip())
            if (place / "records.db").exists():
                with sqlite3.connect(place / "records.db") as database:
                    found |= dict(database.execute("SELECT id, arrivals FROM records"))
        return found

    def logs(self) -> str:
        """For a person who reads a failed test."""
        said = []
        for site in (self.gateway, self.edge):
            for name in site.engine.docker("ps", "-a", "--format", "{{.Names}} {{.Status}}").splitlines():
                said.append(f"== {name}")
                argv = [DOCKER, "logs", "--tail", "12", name.split()[0]]
                done = site.engine.client(argv, check=False)
                said.append(done.stdout + done.stderr)
        return "\n".join(said)

    def remove(self) -> None:
        """As the guide's last section."""
        self.app()("--profile", "socket", "down", check=False)
        for name in ("home-1", "gateway"):
            stack = self.stack(name)
            stack("down", check=False)
            stack("run", "--rm", "--no-deps", "uninstall", check=False)
            stack("down", "-v", check=False)
        self.app()("--profile", "socket", "down", "-v", check=False)
