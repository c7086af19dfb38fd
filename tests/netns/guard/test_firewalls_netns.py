"""Other firewalls, real ones, between WireGuard's port, the mesh and the guard."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters import firewalls
from gridwire.core.names import Interface

pytestmark = [pytest.mark.netns, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

Grid = Any  # conftest.Grid, which has no importable name
NEEDS = firewalls.Needs(interface=Interface("gw0"), listen_port=51820)


def udp_arrives(grid: Grid) -> bool:
    return bool(grid.flood(first=4, packets=1))


def mesh_arrives(grid: Grid) -> bool:
    return bool(grid.peer.asks(grid.address, 80, patience=1) == "200")


def found(grid: Grid) -> tuple[firewalls.Obstacle, ...]:
    return grid.gateway.do(lambda: firewalls.find(NEEDS))


def consent(grid: Grid) -> None:
    for obstacle in found(grid):
        grid.gateway.do(firewalls.run, obstacle)


@pytest.mark.skipif(shutil.which("ufw") is None, reason="ufw is not installed")
def test_a_real_ufw_is_found_and_opened_for_wireguard_and_the_mesh_alone(grid4: Grid) -> None:
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in Path("/etc/ufw").glob("*.rules")}
    grid4.gateway.own_files()
    grid4.gateway.listen(grid4.link, 22)
    grid4.guard()
    assert found(grid4) == (), "an inactive ufw is in nobody's way"
    grid4.gateway.run("ufw", "--force", "enable")
    assert not udp_arrives(grid4)
    assert not mesh_arrives(grid4)

    (obstacle,) = found(grid4)
    assert str(obstacle) == "ufw: drops 51820/udp and gw0"
    assert [" ".join(argv) for argv in obstacle.commands] == [
        "ufw allow 51820/udp comment gridwire: WireGuard",
        "ufw allow in on gw0 comment gridwire: the mesh",
    ]
    assert not udp_arrives(grid4), "to look changes nothing"
    consent(grid4)

    assert found(grid4) == ()
    assert udp_arrives(grid4)
    assert mesh_arrives(grid4)
    assert grid4.stranger.gets_nothing(grid4.link, 22), "nothing else was opened"
    assert grid4.stranger.gets_nothing(grid4.address, 80)
    grid4.gateway.run("ufw", "reload")
    assert udp_arrives(grid4), "it lasts"
    assert grid4.stands(), "ufw leaves the guard's table alone"
    assert before == {path: hashlib.sha256(path.read_bytes()).digest() for path in before}, "of this machine"


@contextmanager
def running_firewalld(grid: Grid) -> Iterator[None]:
    """A real one in the gateway's network, with a message bus, configuration and state of its own."""
    grid.gateway.own_files()
    grid.gateway.run("mkdir", "-p", "/run/dbus")
    started: list[subprocess.Popen[bytes]] = []

    def start(*argv: str) -> None:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(grid.gateway.do(lambda: subprocess.Popen(argv, **quiet)))

    try:
        start("dbus-daemon", "--system", "--nofork", "--nopidfile", "--nosyslog")
        until(lambda: "system_bus_socket" in grid.gateway.run("ls", "/run/dbus"))
        start("firewalld", "--nofork", "--nopid")
        until(lambda: grid.gateway.run("firewall-cmd", "--state", check=False).strip() == "running")
        yield
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(20)


def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.1)


@pytest.mark.skipif(
    shutil.which("firewalld") is None,
    reason="firewalld is not installed: to install it would start it at the next boot",
)
def test_a_real_firewalld_is_found_and_opened_for_wireguard_and_the_mesh_alone(grid4: Grid) -> None:
    before = {path: path.read_bytes() for path in Path("/etc/firewalld").rglob("*") if path.is_file()}
    grid4.gateway.listen(grid4.link, 22)
    grid4.gateway.listen(grid4.link, 8080)
    grid4.guard()
    with running_firewalld(grid4):
        assert not udp_arrives(grid4)
        assert not mesh_arrives(grid4)

        (obstacle,) = found(grid4)
        assert str(obstacle) == "firewalld: drops 51820/udp and gw0"
        assert [" ".join(argv) for argv in obstacle.commands] == [
            "firewall-cmd --permanent --zone=public --add-port=51820/udp",
            "firewall-cmd --permanent --zone=trusted --change-interface=gw0",
            "firewall-cmd --reload",
        ]
        assert not udp_arrives(grid4), "to look changes nothing"
        consent(grid4)

        assert found(grid4) == ()
        assert udp_arrives(grid4)
        assert mesh_arrives(grid4)
        assert grid4.stranger.asks(grid4.link, 8080, patience=1) != "200", "nothing else was opened"
        assert grid4.stranger.gets_nothing(grid4.address, 80)
        assert grid4.stands(), "firewalld leaves the guard's table alone"
        grid4.gateway.run("firewall-cmd", "--reload")
        assert udp_arrives(grid4), "it lasts"
        for argv in obstacle.commands[:2]:
            undo = firewalls.undoing(argv)
            assert undo is not None
            grid4.gateway.run(*undo)
        grid4.gateway.run("firewall-cmd", "--reload")
        assert not udp_arrives(grid4), "and it is taken back"
        assert not mesh_arrives(grid4)
    assert before == {path: path.read_bytes() for path in before}, "of this machine"


@pytest.mark.parametrize(
    "ruleset",
    [
        "chain in { type filter hook input priority 0; policy drop; iif lo accept; }",
        "chain in { type filter hook input priority 0; tcp dport 22 accept; counter drop; }",
        "chain deny { reject; }; chain in { type filter hook input priority 5; jump deny; }",
    ],
    ids=["policy", "last rule", "jump"],
)
def test_a_plain_nft_table_is_found_and_opened(grid4: Grid, tmp_path: Path, ruleset: str) -> None:
    grid4.guard()
    assert found(grid4) == ()
    rules = tmp_path / "rules"
    rules.write_text("table inet fw {\n" + ruleset.replace(";", "\n").replace("{", "{\n") + "\n}\n")
    grid4.gateway.run("nft", "-f", str(rules))
    assert not udp_arrives(grid4)
    assert not mesh_arrives(grid4)
    (obstacle,) = found(grid4)
    assert obstacle.firewall == "nftables"
    assert obstacle.drops == ("51820/udp", "gw0")
    assert "/etc/nftables.conf" in obstacle.note
    consent(grid4)
    assert found(grid4) == ()
    assert udp_arrives(grid4)
    assert mesh_arrives(grid4)


@pytest.mark.skipif(shutil.which("iptables") is None, reason="iptables is not installed")
@pytest.mark.parametrize("how", [("-P", "INPUT", "DROP"), ("-A", "INPUT", "-j", "REJECT")], ids=["policy", "last rule"])
def test_iptables_is_found_and_opened(grid4: Grid, how: tuple[str, ...]) -> None:
    grid4.gateway.run("iptables", *how)
    assert not udp_arrives(grid4)
    assert not mesh_arrives(grid4)
    (obstacle,) = found(grid4)
    assert obstacle.firewall == "iptables"
    assert obstacle.drops == ("51820/udp", "gw0")
    consent(grid4)
    assert found(grid4) == ()
    assert udp_arrives(grid4)
    assert mesh_arrives(grid4)


def test_a_firewall_that_lets_everything_needed_in_is_not_reported(grid4: Grid) -> None:
    grid4.gateway.run("nft", "add", "table", "inet", "fw")
    grid4.gateway.run("nft", "add", "chain", "inet", "fw", "in", "{ type filter hook input priority 0; policy drop; }")
    grid4.gateway.run("nft", "add", "rule", "inet", "fw", "in", "udp", "dport", "{ 53, 51000-52000 }", "accept")
    grid4.gateway.run("nft", "add", "rule", "inet", "fw", "in", "iifname", "{ lo, gw0 }", "accept")
    assert found(grid4) == ()
    assert udp_arrives(grid4)
    assert mesh_arrives(grid4)
