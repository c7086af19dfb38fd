"""A gateway and an edge that reach each other, for tests that then take one thing away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from gridwire.lab.topology import ROUTER, Lab, Link, Place, build

GRIDWIRE = [sys.executable, "-P", "-m", "gridwire.cli.main"]
PUBLIC = Link(name="public", prefix=IPv4Network("203.0.113.0/24"))
HOME = Link(name="home", prefix=IPv4Network("198.51.100.0/24"))


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.1)


def by_id(told: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {one["id"]: one for one in told["findings"]}


def causes(found: dict[str, dict[str, str]]) -> set[str]:
    """What is named as a cause: findings about a node's device and tunnel."""
    return {id_ for id_, one in found.items() if one["where"] in ("tunnel", "node")}


@dataclass
class Pair:
    """``gw`` and ``home-1``, with a router between their links. ``ups``: the foreground supervisors."""

    lab: Lab
    ups: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def run(self, host: str, *argv: str, check: bool = True, timeout: float = 60) -> str:
        return str(self.lab.host(host).run(argv, check=check, timeout=timeout).stdout)

    def gridwire(self, host: str, *arguments: str, stdin: str | None = None) -> Any:
        return self.lab.host(host).run([*GRIDWIRE, *arguments], input_text=stdin, timeout=120, check=False)

    def doctor(self, host: str, *arguments: str) -> dict[str, Any]:
        """What it says; exit code 3 where it found something, as every lab host has something to be found."""
        done = self.gridwire(host, "doctor", *arguments, "-o", "json")
        assert done.returncode == 3, done.stderr or done.stdout
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def both(self, *options: str) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
        """All findings by id of the edge itself and of the gateway about it, from one moment."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            here = pool.submit(self.doctor, "home-1", *options)
            there = pool.submit(self.doctor, "gw", "home-1", *options)
            return by_id(here.result()), by_id(there.result())

    def each(self, *options: str) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
        """The same, the edge first."""
        return by_id(self.doctor("home-1", *options)), by_id(self.doctor("gw", "home-1", *options))

    def up(self, host: str) -> None:
        self.ups[host] = self.lab.host(host).start_logged([*GRIDWIRE, "up"], Path("/var/log/up.log"))

    def pause_agent(self, host: str) -> None:
        """What it would mend within seconds stays as the test made it."""
        self.signal(host, "gridwire.cli.main agent", signal.SIGSTOP)

    def resume_agent(self, host: str) -> None:
        self.signal(host, "gridwire.cli.main agent", signal.SIGCONT)

    def signal(self, host: str, words: str, number: signal.Signals) -> None:
        script = (
            "import os, sys\n"
            "for entry in os.listdir('/proc'):\n"
            "    if entry.isdigit() and int(entry) != os.getpid():\n"
            "        try: line = open(f'/proc/{entry}/cmdline').read().replace('\\0', ' ')\n"
            "        except OSError: continue\n"
            "        if sys.argv[1] in line: os.kill(int(entry), int(sys.argv[2]))\n"
        )
        self.run(host, sys.executable, "-I", "-S", "-c", script, words, str(int(number)))

    def carries(self) -> bool:
        """A small echo comes back from the gateway through the tunnel."""
        script = "import sys; from gridwire.adapters.sockets import echo; from ipaddress import ip_address as a; "
        script += "sys.exit(not echo(a('10.85.0.1'), 100, tries=1))"
        done = self.lab.host("home-1").run([sys.executable, "-P", "-c", script], check=False)
        return bool(done.returncode == 0)

    causes = staticmethod(causes)

    def connected(self) -> bool:
        done = self.gridwire("gw", "node", "show", "home-1", "-o", "json")
        return done.returncode == 0 and bool(json.loads(done.stdout)["connected"])

    def address(self, node: str) -> str:
        said = self.gridwire("gw", "node", "show", node, "-o", "json").stdout
        return str(json.loads(said)["node"]["address"])

    def key(self, node: str) -> str:
        said = self.gridwire("gw", "node", "show", node, "-o", "json").stdout
        return str(json.loads(said)["node"]["public_key"])


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    made = Pair(
        build((PUBLIC, HOME), (Place(host="gw", link="public", number=7), Place(host="home-1", link="home", number=5)))
    )
    try:
        done = made.gridwire("gw", "init", "gw", "--endpoint", made.lab.address("gw"), "--yes")
        assert done.returncode == 0, done.stderr
        made.up("gw")
        until(lambda: made.gridwire("gw", "status").returncode == 0)
        token = json.loads(made.gridwire("gw", "invite", "home-1", "-o", "json").stdout)["token"]
        done = made.gridwire("home-1", "join", "--reach", "127.0.0.1:9000", stdin=token)
        assert done.returncode == 0, done.stderr
        made.up("home-1")
        until(made.connected)
        yield made
    finally:
        made.lab.close()


__all__ = ["ROUTER", "Pair", "until"]
