"""The guides, executed as written, and a host that is afterwards as it was before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gridwire.lab.waiting import until

from .grid import Grid
from .traces import shown, traces

pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(900)]

COMPOSE, BRIDGE = "docs/guides/compose.md", "docs/guides/from-a-bridge-network.md"


@pytest.fixture(scope="module")
def before(bare: Grid) -> dict[str, frozenset[str]]:
    return {name: traces(bare.site(name)) for name in ("gateway", "home-1")}


@pytest.fixture(scope="module")
def grid(bare: Grid, before: dict[str, frozenset[str]]) -> Iterator[Grid]:
    try:
        for title in ("Kernel settings", "The gateway", "An edge", "Your app"):
            bare.carry_out(COMPOSE, title)
        yield bare
    except BaseException:
        print(bare.logs())
        raise
    finally:
        bare.remove()


def test_the_app_is_served_over_both_ways(grid: Grid) -> None:
    for host in ("api.grid", "sock.grid"):
        assert '"edge":"app"' in grid.edge.run(f"curl -sf http://{host}/")


def test_beside_what_was_there_before(grid: Grid, before: dict[str, frozenset[str]]) -> None:
    """Nothing of the host's is gone or changed but what the guide says: the first rule, names, and its settings."""
    for name in ("gateway", "home-1"):
        gone = before[name] - traces(grid.site(name))
        assert {line for line in gone if not line.startswith(("rule: 0:", "content: ", "sysctl: "))} == set()
    hosts = grid.edge.host.run(["cat", "/etc/hosts"]).stdout
    assert "10.85.0.1 api.grid" in hosts
    assert "gw.example.com" in hosts


def test_what_runs_may_be_looked_at_restarted_and_upgraded(grid: Grid) -> None:
    assert "the guard stands" in grid.carry_out(COMPOSE, "What runs")
    grid.carry_out(COMPOSE, "Upgrade")
    until(grid.served, "the route", timeout=30, every=0.2)


def test_from_a_bridge_network(grid: Grid) -> None:
    assert "0.0.0.0:8080" in grid.carry_out(BRIDGE, "Where you are")
    grid.carry_out(BRIDGE, "Let the edge publish the app")
    grid.app()("stop", "tcp")  # the guide's own app has that port; the reader's is the only one
    grid.carry_out(BRIDGE, "Change the file")
    assert '"edge":"shop"' in grid.edge.run("curl -sf http://shop.grid/")
    assert "127.0.0.1:9000" in grid.carry_out(BRIDGE, "See that it is closed")
    assert grid.edge.run("ss -Hlnt sport = :8080").strip() == ""
    new = "docs/guides/from-a-bridge-network/new.yaml"
    grid.edge.run(f"docker compose -p shop -f {new} down --volumes --remove-orphans")


def test_uninstalled_the_hosts_are_as_they_were(grid: Grid, before: dict[str, frozenset[str]]) -> None:
    grid.carry_out(COMPOSE, "Uninstall")
    grid.gateway.host.run(["rm", "/etc/sysctl.d/90-gridwire.conf"])
    grid.remove()
    for site in (grid.gateway, grid.edge):
        site.host.run(["sysctl", "-qw", *_SETTINGS_BEFORE])
    for name in ("gateway", "home-1"):
        after = traces(grid.site(name))
        assert after == before[name], shown(before[name], after)


# As a boot would: what the guide had the reader set himself is not gridwire's to undo.
_SETTINGS_BEFORE = (
    "net.ipv4.conf.all.arp_announce=0",
    "net.ipv4.conf.all.arp_ignore=0",
    "net.ipv4.ip_nonlocal_bind=0",
    "net.ipv6.ip_nonlocal_bind=0",
    "net.ipv4.tcp_mtu_probing=0",
)
