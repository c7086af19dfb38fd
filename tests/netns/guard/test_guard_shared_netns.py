"""The guard on an interface that is not gridwire's alone: its own ports are closed, and all else goes on as before."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from gridwire.core.guard import GuardSpec, LoadTable, Shared

Grid = Any

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("nft") is None, reason="needs root and nft"),
]
OWN, ENROL, THEIRS = 80, 2087, 2086  # the last one is another program's here


def shared(grid: Grid, **more: Any) -> GuardSpec:
    """The peer has a role; the other peer is only on the mesh."""
    return replace(
        grid.spec(),
        listen_port=0,
        shared=Shared(
            addresses=(ip_address(grid.address),),
            prefixes=(ip_network(grid.mesh),),
            ports=(OWN, ENROL),
            open_port=ENROL,
            **more,
        ),
    )


def test_the_link_gets_nothing_of_gridwires_ports_and_the_rest_as_before(grid: Grid) -> None:
    assert grid.stranger.asks(grid.address, OWN) == "200"
    spec = shared(grid)
    grid.guard(spec)
    assert grid.stands(spec)
    for host in (grid.stranger, grid.container):
        assert host.gets_nothing(grid.address, OWN)
        assert host.asks(grid.address, THEIRS) == "200"
    assert grid.peer.asks(grid.address, OWN) == "200"
    assert grid.gateway.asks(grid.address, OWN) == "200"


@pytest.mark.parametrize("layer", ["rules alone", "table alone"])
def test_each_layer_holds_by_itself(grid: Grid, layer: str) -> None:
    spec = shared(grid)
    if layer == "rules alone":
        grid.guard(spec)
        grid.gateway.run("nft", "flush", "ruleset")
    else:
        grid.guard(spec, LoadTable)
    assert grid.stranger.gets_nothing(grid.address, OWN)
    assert grid.stranger.asks(grid.address, THEIRS) == "200"
    assert grid.peer.asks(grid.address, OWN) == "200"
    assert grid.gateway.asks(grid.address, OWN) == "200"


def test_who_has_no_role_reaches_the_newcomers_port_alone_and_who_is_barred_not_even_that(grid: Grid) -> None:
    grid.gateway.listen(grid.address, ENROL)
    grid.guard(shared(grid))
    assert grid.peer.asks(grid.address, OWN, source=grid.other_peer) != "200"
    assert grid.peer.asks(grid.address, ENROL, source=grid.other_peer) == "200"
    assert grid.peer.asks(grid.address, THEIRS, source=grid.other_peer) == "200"
    spec = shared(grid, barred=(ip_address(grid.other_peer),))
    grid.guard(spec)
    assert grid.stands(spec)
    assert grid.peer.gets_nothing(grid.address, ENROL, source=grid.other_peer)
    assert grid.peer.asks(grid.address, OWN, source=grid.peer_address) == "200"


def test_what_is_forwarded_through_the_device_goes_on(grid: Grid) -> None:
    """A subnet that this host routes for its tailnet, and a container that calls a node of it."""
    grid.stranger.listen(grid.stranger_address, 8080)
    grid.peer.listen(grid.peer_address, 8080)
    grid.guard(shared(grid))
    assert grid.peer.asks(grid.stranger_address, 8080) == "200"
    assert grid.container.asks(grid.peer_address, 8080) == "200"


def test_without_the_device_nothing_for_the_mesh_leaves_by_another(grid: Grid) -> None:
    grid.guard(shared(grid))
    grid.gateway.ip("route", "add", grid.mesh, "via", grid.stranger_address, "metric", "9999")
    grid.gateway.ip("link", "del", "gw0")
    before = grid.gateway.do(grid.section.counters)["leak"][0]
    assert grid.gateway.asks(grid.peer_address, 2085, patience=0.4) != "200"
    assert grid.gateway.do(grid.section.counters)["leak"][0] > before


def test_removal_puts_the_host_back(grid: Grid) -> None:
    family = "-6" if grid.version == 6 else "-4"
    before = grid.gateway.run("ip", family, "rule")
    grid.guard(shared(grid))
    assert grid.gateway.run("ip", family, "rule") != before
    grid.gateway.do(grid.section.remove)
    assert grid.gateway.run("ip", family, "rule") == before
    assert grid.stranger.asks(grid.address, OWN) == "200"
