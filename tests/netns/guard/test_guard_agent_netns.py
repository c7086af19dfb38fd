"""A gateway with all its processes, where something beside the guard is wrong: the guard stands all the same.

`gridwire init`, `up`, `invite`, `join`, `revoke` as a user types them, real nftables, WireGuard and nginx.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from gridwire.core.errors import NotFinished
from gridwire.lab.host import Host
from gridwire.lab.processes import kill, named
from gridwire.lab.topology import Lab, Link, Place, build
from gridwire.lab.waiting import until

pytestmark = [
    pytest.mark.netns,
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
GRIDWIRE = [sys.executable, "-P", "-m", "gridwire.cli.main"]
PUBLIC = Link(name="public", prefix=IPv4Network("203.0.113.0/24"))
ADDRESS, KEY = "10.85.0.1", "/var/lib/gridwire/agent/node.key"
LOG = Path("/var/log/up.log")
NFT = "/run/real-nft"  # what the tests themselves use, wherever nft is taken away from the agent
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 80), 1).close()"
HOLD = (
    "import socket, sys; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 51820)); print(1, flush=True); input()"
)


class Gateway:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.host: Host = lab.host("gw")

    def gridwire(self, *arguments: str, on: str = "gw", stdin: str | None = None) -> CompletedProcess[str]:
        return self.lab.host(on).run([*GRIDWIRE, *arguments], input_text=stdin, timeout=120, check=False)

    def up(self, name: str) -> None:
        self.lab.host(name).start_logged([*GRIDWIRE, "up"], LOG)

    def join(self, name: str) -> str:
        """A client; its mesh address."""
        said = self.gridwire("invite", name, "--role", "client", "-o", "json")
        assert said.returncode == 0, said.stderr
        joined = self.gridwire("join", on=name, stdin=json.loads(said.stdout)["token"])
        assert joined.returncode == 0, joined.stderr
        self.up(name)
        self.until(lambda: self.reached_by(name), f"{name} to reach the routes' port")
        nodes = json.loads(self.gridwire("node", "list", "-o", "json").stdout)
        return str(next(seen["node"]["address"] for seen in nodes if seen["node"]["name"] == name))

    def reached_by(self, name: str) -> bool:
        argv = [sys.executable, "-I", "-S", "-c", CONNECT, ADDRESS]
        return self.lab.host(name).run(argv, check=False).returncode == 0

    def table(self) -> str:
        """The guard's table as nft lists it; empty where there is none."""
        return self.host.run([NFT, "list", "table", "inet", "gridwire"], check=False).stdout

    def flushed(self) -> float:
        """Flush all packet rules; seconds until the guard's are back."""
        self.host.run([NFT, "flush", "ruleset"])
        began = time.monotonic()
        self.until(self.table, "the guard's table")
        return time.monotonic() - began

    def until(self, condition: object, what: str, seconds: float = 30) -> None:
        try:
            until(condition, what, timeout=seconds)  # type: ignore[arg-type]
        except NotFinished as error:
            log = (self.host.root / LOG.relative_to("/")).read_text(errors="replace")
            raise AssertionError(f"{error}; the log ends:\n{log[-3000:]}") from None

    def in_sync(self) -> bool:
        return self.gridwire("status").returncode == 0

    @contextmanager
    def stopped(self, *programs: str) -> Iterator[None]:
        found = named(self.host, *programs)
        assert found
        kill(found, signal.SIGSTOP)
        try:
            yield
        finally:
            kill(found, signal.SIGCONT)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    places = [Place(host=name, link="public", number=number) for number, name in enumerate(("gw", "c1", "c2"), 7)]
    lab = build((PUBLIC,), places)
    try:
        made = Gateway(lab)
        made.host.run(["cp", "/usr/sbin/nft", NFT])
        done = made.gridwire("init", "gw", "--endpoint", lab.address("gw"), "--yes")
        assert done.returncode == 0, done.stderr
        made.up("gw")
        made.until(made.in_sync, "the gateway")
        yield made
    finally:
        lab.close()


def test_a_stopped_nginx_holds_up_neither_the_guard_nor_a_revocation(gateway: Gateway) -> None:
    address = gateway.join("c1")
    with gateway.stopped("nginx-master", "nginx-worker"):
        assert min(gateway.flushed() for _ in range(4)) < 1
        # Answered 2 s after control began to wait for the gateway, whose agent has been cutting meanwhile. How long the
        # command itself took says nothing of it.
        said = gateway.gridwire("node", "revoke", "c1", "--yes")
        gateway.until(lambda: gateway.table() and address not in gateway.table(), "the role set without the node", 5)
        assert address not in gateway.host.run(["wg", "show", "gw0", "allowed-ips"]).stdout
        assert said.returncode == 3, said.stdout + said.stderr
        assert "c1 is marked revoked, but gw has not said that it is cut off there" in said.stderr
    gateway.until(gateway.in_sync, "the gateway to be in sync again")


def test_a_key_that_others_can_read_stops_neither_the_guard_nor_a_revocation(gateway: Gateway) -> None:
    address = gateway.join("c2")
    gateway.host.run(["chmod", "644", KEY])
    try:
        gateway.until(lambda: "key-exposed" in gateway.gridwire("status", "-o", "json").stdout, "the finding")
        assert min(gateway.flushed() for _ in range(4)) < 1
        assert gateway.reached_by("c2")
        assert gateway.gridwire("node", "revoke", "c2", "--yes").returncode == 3, (
            "the gateway's spec is not all in force"
        )
        gateway.until(lambda: address not in gateway.table(), "the role set without the node", 5)
        assert address not in gateway.host.run(["wg", "show", "gw0", "allowed-ips"]).stdout
        assert not gateway.reached_by("c2")
    finally:
        gateway.host.run(["chmod", "600", KEY])
    gateway.until(gateway.in_sync, "the gateway to be in sync again")


def test_a_taken_port_delays_the_guard_by_nothing(gateway: Gateway) -> None:
    gateway.host.run(["wg", "set", "gw0", "listen-port", "51999"])
    holder = gateway.host.start([sys.executable, "-I", "-S", "-c", HOLD], stdin=-1)
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != "1\n":  # the agent was quicker
            pytest.skip("the port could not be taken")
        gateway.until(lambda: "port-taken" in gateway.gridwire("status", "-o", "json").stdout, "the finding")
        took = [gateway.flushed() for _ in range(4)]
        assert min(took) < 1, took
        assert max(took) < 4, took
    finally:
        holder.communicate("\n")
    gateway.until(gateway.in_sync, "the gateway to be in sync again")


def test_nginx_does_not_serve_without_a_guard(gateway: Gateway) -> None:
    """nft is there and fails: only the routing rules are left, which know no roles."""
    refusing = gateway.host.root / "run/refusing-nft"
    refusing.write_text(f'#!/bin/sh\ncase "$*" in *-f*) echo refused >&2; exit 1;; esac\nexec {NFT} "$@"\n')
    refusing.chmod(0o755)

    def listens() -> bool:
        return bool(gateway.host.run(["ss", "-Hltn", f"src {ADDRESS}"]).stdout)

    assert listens()
    gateway.host.run(["mount", "--bind", "/run/refusing-nft", "/usr/sbin/nft"])
    try:
        gateway.host.run([NFT, "flush", "ruleset"])
        gateway.until(lambda: not listens(), "nginx to end", 10)
        began = time.monotonic()
        while time.monotonic() < began + 3:
            assert not listens(), "and to stay away"
    finally:
        gateway.host.run(["umount", "/usr/sbin/nft"])
    gateway.until(lambda: gateway.table() and listens(), "guard and nginx")
    gateway.until(gateway.in_sync, "the gateway to be in sync again")
