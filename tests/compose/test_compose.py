"""Gridwire in containers: README's commands as written, and twenty rounds under the demo's load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridwire.lab.compose import CrashCount
from gridwire.lab.grid import gridwire
from gridwire.lab.host import Host
from gridwire.lab.load import Plan
from gridwire.lab.load_run import RunningLoad, account
from gridwire.lab.rounds import play, rounds, summary
from gridwire.lab.topology import Lab
from gridwire.lab.waiting import until

from .grid import Grid, how_many_rounds
from .prepare import REPOSITORY
from .site import Site

ASK_PANEL = """
import http.client, socket
asking = http.client.HTTPConnection("localhost")
asking.sock = socket.socket(socket.AF_UNIX)
asking.sock.connect("/run/gridwire/panel.sock")
asking.request("GET", "/login")
answer = asking.getresponse()
print(answer.status, answer.read().decode())
"""
pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def grid(bare: Grid) -> Iterator[Grid]:
    """README's section, carried out, with the app that it takes for granted."""
    try:
        bare.app()("up", "-d")
        bare.carry_out("README.md", "In containers")
        yield bare
    except BaseException:
        print(bare.logs())
        raise
    finally:
        bare.remove()


def test_three_commands_make_a_working_route(grid: Grid) -> None:
    assert grid.served()


def test_what_only_the_host_can_set_is_named(grid: Grid) -> None:
    said = grid.edge.engine.docker("exec", "gridwire-agent", "gridwire", "guard", "show")
    assert "the guard stands" in said
    assert "net.ipv4.conf.all.arp_ignore=1" in said


def test_no_container_crashed_and_none_is_unwell(grid: Grid) -> None:
    for site in (grid.gateway, grid.edge):
        until(lambda site=site: _unwell(site) == [], "healthy containers", timeout=90, every=1)
        restarts = "{{.Name}} {{.RestartCount}} {{.State.ExitCode}}"
        names = site.engine.docker("ps", "-aq").split()
        said = site.engine.docker("inspect", "--format", restarts, *names).split("\n")
        assert all(line.endswith(" 0 0") for line in said if line), said


def _unwell(site: Site) -> list[str]:
    states = site.engine.docker("ps", "--format", "{{.Names}} {{.Status}}").splitlines()
    return [line for line in states if "(unhealthy)" in line or "(health: starting)" in line]


def test_nothing_is_published_and_no_bridge_was_made(grid: Grid) -> None:
    for site in (grid.gateway, grid.edge):
        assert site.engine.docker("network", "ls", "--format", "{{.Driver}}").split().count("bridge") == 1  # docker0
        assert set(site.engine.docker("ps", "--format", "{{.Ports}}").split()) == set()
    sockets = grid.gateway.host.run(["ss", "-Hlntu"]).stdout.splitlines()
    local = {line.split()[4] for line in sockets}
    assert {one for one in local if one.startswith(("0.0.0.0:", "[::]:", "*:"))} == {"0.0.0.0:51820", "[::]:51820"}
    assert {"10.85.0.1:80", "10.85.0.1:2086", "10.85.0.1:2087"} <= local


def test_the_panel_is_in_the_image_and_served_where_root_asks_for_it(grid: Grid) -> None:
    if not (REPOSITORY / "panel/out/index.html").exists():
        pytest.skip("the panel is not built: make panel")
    said = grid.gateway.engine.docker("exec", "gridwire-agent", "python3", "-I", "-c", ASK_PANEL)
    assert said.startswith("200 "), said
    assert "<title>" in said


def test_after_a_reboot_they_come_up_in_dockers_order(grid: Grid) -> None:
    """With the kernel's part gone: no guard, no device, nothing known of the boot before."""
    engine = grid.gateway.engine
    engine.stop()
    assert "10.85.0.1" not in grid.gateway.host.run(["ss", "-Hlnt"]).stdout
    grid.gateway.host.run(["nft", "delete", "table", "inet", "gridwire"])
    count = CrashCount(engine)
    engine.start()
    until(grid.served, "the route", timeout=60, every=0.2)
    assert count.since_last() == ()
    assert grid.gateway.host.run(["nft", "list", "table", "inet", "gridwire"]).stdout


def test_twenty_rounds_lose_nothing(grid: Grid, lab: Lab, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    phone = _client(grid, lab)
    processes = phone.start_logged(gridwire("up"), Path("/var/log/gridwire/up.log"))
    until(lambda: _answers(phone), "the route from the phone", timeout=60)
    plan = Plan(address="10.85.0.1", port=80, host="api.grid", rate=20, seconds=1700, prefix=f"{Path(program).name}-")
    load = RunningLoad(phone, plan)
    try:
        found = []
        wanted = rounds(("guard", "mesh", "nginx", "control", "agent"), how_many_rounds())
        for number, one in enumerate(wanted):
            name = ("gateway", "home-1")[number % 2]
            services = [service for service in one.order if (name, service) != ("home-1", "control")]
            one = type(one)(kind=one.kind, order=tuple(services))
            found += play(grid.stack(name), [one], lambda: _answers(phone))
        report = load.finish()
    except BaseException:
        load.abandon()
        print(grid.logs())
        raise
    finally:
        processes.terminate()
        processes.wait(15)
    books = account(report, (grid.stored(),))
    with capsys.disabled():
        print(
            f"\nhost network, {Path(program).name}: {summary('gridwire', found)}; {books.acknowledged} records "
            f"acknowledged, {len(books.missing)} of them missing, {len(books.doubled)} doubled"
        )
    assert [crash for one in found for crash in one.crashes] == []
    assert all(one.served is not None for one in found)
    assert not report.ran_out
    assert books.acknowledged > 100
    assert books.missing == ()


def _client(grid: Grid, lab: Lab) -> Host:
    """A device that has gridwire by itself, as laptops have."""
    phone = lab.host("phone")
    (phone.root / "etc/hosts").write_text(f"127.0.0.1 localhost phone\n{lab.address('gateway')} gw.example.com\n")
    gridwire_there = ("exec", "gridwire-agent", "gridwire")
    docker = grid.gateway.engine.docker
    token = json.loads(docker(*gridwire_there, "invite", "phone", "--role", "client", "-o", "json"))["token"]
    phone.run(gridwire("join", "--no-hosts", "--anew"), input_text=f"{token}\n", timeout=75)
    docker(*gridwire_there, "route", "add", "--host", "api", "--to", "api", "--allow", "role:edge,role:client")
    return phone


def _answers(phone: Host) -> bool:
    argv = ["curl", "-sf", "-m", "2", "-o", "/dev/null", "-H", "Host: api.grid", "http://10.85.0.1/"]
    return phone.run(argv, check=False).returncode == 0
