"""Booted machines with systemd: the guide as written, reboots, every order, and nothing left behind."""

from __future__ import annotations

import json
import random
import time

import pytest
from grid import Grid, commands
from machine import await_, connect
from traces import shown, traces

pytestmark = [pytest.mark.systemd, pytest.mark.slow, pytest.mark.timeout(900)]

_BACK_SECONDS = 5.0
_GATEWAY_UNITS = (
    "gridwire-guard.service",
    "gridwire-wg@gw0.service",
    "gridwire-nginx.service",
    "gridwire-control.socket",
    "gridwire-local.socket",
    "gridwire-control.service",
    "gridwire-agent.service",
)


@pytest.fixture(scope="module")
def before(bare: Grid) -> dict[str, frozenset[str]]:
    """The machines with the program on them, before the grid."""
    return {name: traces(bare.machine(name)) for name in ("gateway", "home-1")}


@pytest.fixture(scope="module")
def grid(bare: Grid, before: dict[str, frozenset[str]]) -> Grid:
    bare.section("The gateway")
    bare.section("An edge")
    return bare


def test_the_program_is_whole(bare: Grid) -> None:
    """The wheel in a bare venv on a bare Debian."""
    assert bare.edge.run("gridwire version").stdout.strip()
    assert "start-order" in bare.edge.run("gridwire demo --list").stdout
    assert "gridwire" in bare.edge.run("gridwire completion bash").stdout


def test_the_route_is_served(grid: Grid) -> None:
    assert grid.served()
    assert {machine.settle() for machine in (grid.gateway, grid.edge)} == {"running"}


def test_sockets_are_as_closed_as_they_should_be(grid: Grid) -> None:
    told = grid.gateway.run("stat -c '%a %U:%G' /run/gridwire/control.sock /run/gridwire/local.sock").stdout
    assert told.split("\n")[:2] == ["660 root:gridwire-nginx", "600 root:root"]
    assert grid.gateway.run("ps -o user= -C python3 -o args= | grep 'gridwire.cli.main control'").stdout.startswith(
        "gridwire"
    )


def test_a_second_install_changes_nothing(grid: Grid) -> None:
    for machine in (grid.gateway, grid.edge):
        told = json.loads(machine.run("gridwire install -o json").stdout)
        assert told["plan"] == []
        assert told["done"] is True


def test_install_refuses_another_role(grid: Grid) -> None:
    done = grid.edge.run("gridwire install --role gateway --yes", check=False)
    assert done.returncode == 1
    assert "--role edge" in done.stderr


def test_the_commands_of_the_guide_about_what_runs(grid: Grid) -> None:
    grid.section("What runs")
    grid.section("Upgrade")
    await_(grid.served, "served after them", 20)


def test_logs_are_rotated(grid: Grid) -> None:
    grid.gateway.run("logrotate --force /etc/logrotate.d/gridwire")
    await_(
        lambda: grid.served() and grid.gateway.ok("test -s /var/log/gridwire/access.log"), "a line in the new log", 20
    )


def test_the_gateway_serves_again_soon_after_a_reboot(grid: Grid) -> None:
    """All units start without a network; the mesh address comes late; then the cable is plugged in."""
    grid.gateway.run(
        "mkdir -p /run/late /etc/systemd/system/gridwire-wg@gw0.service.d && "
        "printf '[Service]\\nExecStartPre=/bin/sleep 4\\n' > /etc/systemd/system/gridwire-wg@gw0.service.d/late.conf"
    )
    took = []
    for _ in range(3):
        grid.gateway.reboot()
        await_(lambda: grid.gateway.ok("ip address show dev gw0 | grep -q 10.85.0.1"), "the mesh address", 30)
        guarded = "systemctl show -p ActiveEnterTimestampMonotonic --value gridwire-guard network-pre.target"
        guard, _, network = (grid.gateway.run(guarded).stdout.strip() or "0\n\n0").split("\n")
        assert 0 < int(guard) <= int(network or guard)
        grid.connect()
        began = time.monotonic()
        await_(grid.served, "the route after a reboot", 30)
        took.append(time.monotonic() - began)
        assert not grid.gateway.ok("systemctl --failed --no-legend | grep gridwire")
    grid.gateway.run("rm -r /etc/systemd/system/gridwire-wg@gw0.service.d && systemctl daemon-reload")
    print(f"gateway rebooted: served {', '.join(f'{seconds:.1f}' for seconds in took)} s after the network")
    assert max(took) <= _BACK_SECONDS


def test_an_edge_serves_again_soon_after_a_reboot(grid: Grid) -> None:
    grid.edge.reboot()
    connect(grid.gateway, "192.0.2.1/24", grid.edge, "192.0.2.2/24")
    began = time.monotonic()
    grid.edge.run(_app())
    await_(grid.served, "the route after a reboot", 30)
    took = time.monotonic() - began
    print(f"edge rebooted: served {took:.1f} s after the network")
    assert took <= _BACK_SECONDS


@pytest.mark.parametrize("seed", range(6))
def test_units_start_in_any_order(grid: Grid, seed: int) -> None:
    order = random.Random(seed).sample(_GATEWAY_UNITS, len(_GATEWAY_UNITS))
    grid.gateway.run("systemctl stop 'gridwire-*'")
    for unit in order:
        grid.gateway.run(f"systemctl start {unit}")
    try:
        await_(grid.served, f"served after {' '.join(order)}", 15)
    except AssertionError:
        print(
            grid.gateway.run(
                "gridwire status; wg; ss -Hlnt; journalctl -n 60 -o cat -u 'gridwire-*'", check=False
            ).stdout
        )
        raise
    states = grid.gateway.run(f"systemctl show -p NRestarts --value {' '.join(_GATEWAY_UNITS)}").stdout.split()
    assert set(states) <= {"0"}


def test_a_guard_that_fails_keeps_nginx_away_until_it_stands(grid: Grid) -> None:
    grid.gateway.run("systemctl stop gridwire-nginx gridwire-guard gridwire-agent && nft delete table inet gridwire")
    grid.gateway.run("mv /usr/sbin/nft /usr/sbin/nft.away")
    try:
        assert not grid.gateway.ok("systemctl start gridwire-nginx")
        assert not grid.gateway.ok("systemctl is-active gridwire-nginx")
    finally:
        grid.gateway.run("mv /usr/sbin/nft.away /usr/sbin/nft")
    await_(lambda: grid.gateway.ok("systemctl is-active gridwire-guard gridwire-nginx"), "both by themselves", 15)
    grid.gateway.run("systemctl start gridwire-agent")
    await_(grid.served, "the route", 15)


def test_what_holds_a_port_is_named_before_anything_is_changed(grid: Grid) -> None:
    grid.gateway.run("systemctl stop gridwire-nginx && systemd-run --quiet --unit=squatter python3 -m http.server 80")
    await_(lambda: grid.gateway.ok("ss -Hlnt sport = :80 | grep -q ."), "the squatter listens", 10)
    try:
        done = grid.gateway.run("gridwire install --yes", check=False)
        assert done.returncode == 1
        assert "TCP port 80 is held by python3" in done.stderr
        assert not grid.gateway.ok("systemctl is-active gridwire-nginx")
    finally:
        grid.gateway.run("systemctl stop squatter; systemctl start gridwire-nginx")
    await_(grid.served, "the route", 15)


def test_uninstall_leaves_the_host_as_it_was(grid: Grid, before: dict[str, frozenset[str]]) -> None:
    """Runs last. Without --purge what install added is gone; with it, everything since before the grid."""
    for name in ("gateway", "home-1"):
        machine = grid.machine(name)
        machine.run("systemctl stop app 2>/dev/null || true")
        running = traces(machine)
        machine.run("gridwire uninstall --yes")
        kept = traces(machine)
        left = [line for line in kept - before[name] if not _state(line)]
        assert not left, shown(before[name], kept)
        assert any("/var/lib/gridwire/agent/node.key" in line for line in kept)
        machine.run("gridwire install --yes")
        again = traces(machine)
        assert {line for line in running - again if line.startswith(("unit", "listener: tcp", "rule"))} == set()
        machine.run("gridwire uninstall --purge --yes")
        gone = traces(machine)
        # Disabling nginx.service tells its init script's links, too.
        gone = frozenset(line for line in gone if "../init.d/nginx" not in line)
        assert gone == _without_mask(before[name]), shown(_without_mask(before[name]), gone)


def _app() -> str:
    return next(command for name, command in commands("An edge") if command.startswith("systemd-run"))


def _state(line: str) -> bool:
    """What uninstall says that it keeps."""
    kept = ("/etc/gridwire", "/var/lib/gridwire", "/var/log/gridwire")
    return any(f" {path}" in line for path in kept) or line.startswith(("user: gridwire", "content: "))


def _without_mask(lines: frozenset[str]) -> frozenset[str]:
    """The mask of an nginx that gridwire's prerequisites brought, and the note of it, go with --purge: the unit is
    there then, and neither runs nor starts at boot."""
    masked = (
        "unit: nginx.service",
        "file: /etc/systemd/system/nginx.service",
        "file: /etc/systemd/system/multi-user.target.wants/nginx.service",
        "loaded: nginx.service",
        "file: /var/lib/gridwire",
    )
    others = ("/var/lib/gridwire/brought", "nginx l 777 root:root ../init.d/nginx")  # as update-rc.d left it
    kept = (line for line in lines if not line.startswith(masked) and not any(word in line for word in others))
    return frozenset(kept) | {"unit: nginx.service disabled"}
