"""A gateway's settings file is changed and gridwire restarted there, as the file says: the grid is as it says."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path
from subprocess import Popen

import pytest
from tests.netns.commands import GRIDWIRE, gridwire, until

from gridwire.lab.topology import Lab, Link, Place, build

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]
PUBLIC = Link(name="public", prefix=IPv4Network("203.0.113.0/24"))
HOME = Link(name="home", prefix=IPv4Network("198.51.100.0/24"))
SETTINGS = "/etc/gridwire/gridwire.yaml"


def start_up(lab: Lab, host: str) -> Popen[str]:
    return lab.host(host).start_logged([*GRIDWIRE, "up"], Path("/var/log/up.log"))


def shows(lab: Lab, host: str, *command: str) -> str:
    """wireguard-go is restarted too: for a moment there may be nothing to show."""
    return lab.host(host).run(command, check=False).stdout


def restart_with(lab: Lab, running: Popen[str], expression: str) -> Popen[str]:
    """``expression``: sed's, on the settings file."""
    running.terminate()
    assert running.wait(30) == 0
    lab.host("gw").run(["sed", "-i", expression, SETTINGS])
    return start_up(lab, "gw")


def test_the_grid_is_as_its_gateways_settings_say_after_a_restart() -> None:
    places = [Place(host="gw", link="public", number=7), Place(host="e1", link="home", number=5)]
    lab = build((PUBLIC, HOME), places)
    try:
        made = gridwire(lab, "gw", "init", "gw", "--endpoint", lab.address("gw"), "--yes", "-o", "json")
        assert made.returncode == 0, made.stderr
        told = json.loads(made.stdout)
        assert (told["node"], told["address"], told["endpoint_leads_here"]) == ("gw", "10.85.0.1", True)
        assert "no clash" in made.stderr
        running = start_up(lab, "gw")
        until(lambda: gridwire(lab, "gw", "status").returncode == 0)

        change = "$a domain: home.example.com"
        running = restart_with(lab, running, change)
        until(lambda: gridwire(lab, "gw", "status").stdout.startswith("grid *.home.example.com"))
        until(lambda: gridwire(lab, "gw", "status").returncode == 0)

        token = json.loads(gridwire(lab, "gw", "invite", "e1", "-o", "json").stdout)["token"]
        assert gridwire(lab, "e1", "join", stdin=token).returncode == 0
        start_up(lab, "e1")
        until(lambda: gridwire(lab, "gw", "status").returncode == 0)

        # The routes' port and the endpoint are changed under a joined node, which finds the gateway again.
        change = "s/:51820/:51822/; s/^network:/network:\\n  ports: {routes: 8088}/"
        running = restart_with(lab, running, change)
        until(lambda: "51822" in shows(lab, "gw", "wg", "show", "gw0", "listen-port"))
        until(lambda: "10.85.0.1:8088" in shows(lab, "gw", "ss", "-Htln"))
        until(lambda: "51822" in shows(lab, "e1", "wg", "show", "gw0", "endpoints"))
        until(lambda: gridwire(lab, "gw", "status").returncode == 0)

        # What the token said stays, and is told.
        restart_with(lab, running, "s/home.example.com/other.example.com/")
        until(lambda: f"{SETTINGS}:" in gridwire(lab, "gw", "status", "-o", "json").stdout)
        status = gridwire(lab, "gw", "status")
        assert status.returncode == 3
        assert status.stdout.startswith("grid *.home.example.com")
        assert "e1 joined with it" in " ".join(status.stdout.split())
    finally:
        lab.close()
