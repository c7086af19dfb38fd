"""The guard where something is wrong with the host: it is loaded and seen to stand, or it says why not."""

from __future__ import annotations

import os
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.netfilter import Nft
from gridwire.agent import guard as guard_module
from gridwire.agent.guard import GuardSection, guard_stands, load_guard, remove_guard
from gridwire.core.compiler import compile_spec
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role
from gridwire.core.guard import LoadTable
from gridwire.core.names import NodeName
from gridwire.core.spec import NodeSpec

pytestmark = [pytest.mark.netns, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

Grid = Any  # conftest.Grid, which has no importable name


@pytest.fixture
def spec() -> NodeSpec:
    gateway = Node(
        name=NodeName("gateway"),
        role=Role.GATEWAY,
        state=NodeState.ACTIVE,
        address=ip_address("10.85.0.1"),
        endpoint="192.0.2.1:51820",
    )
    fleet = Fleet(network=Network(prefix=ip_network("10.85.0.0/16")), nodes=(gateway,))
    return compile_spec(fleet, "gateway", epoch=1, revision=1)


def nft_that(folder: Path, then: str) -> Nft:
    """The real nft, and something more after each transaction."""
    program = folder / "nft"
    program.write_text(f'#!/bin/sh\nnft "$@" || exit $?\ncase "$*" in *-f*) {then};; esac\n')
    program.chmod(0o755)
    return Nft(binary=str(program))


def test_it_is_loaded_from_a_saved_spec_and_stands_until_it_is_removed(
    grid4: Grid, spec: NodeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "MEMORY", str(tmp_path / "run" / "gridwire" / "guard.json"))
    assert not grid4.gateway.do(guard_stands, spec)
    assert grid4.gateway.do(load_guard, spec)
    assert grid4.gateway.do(guard_stands, spec)
    assert grid4.gateway.do(load_guard, spec) == (), "a second time there is nothing to do"
    newer = replace(spec, guard=replace(spec.guard, listen_port=51821))
    assert not grid4.gateway.do(guard_stands, newer), "another spec's guard is not this one's"
    assert grid4.gateway.do(remove_guard)
    assert not grid4.gateway.do(guard_stands, spec)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"spec": 7}', b"\xff\xfe"])
def test_a_damaged_memory_means_loading_again(grid4: Grid, damage: bytes) -> None:
    grid4.guard()
    grid4.memory.write_bytes(damage)
    assert not grid4.stands()
    grid4.guard()
    assert grid4.stands()


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("nft flush chain inet gridwire prerouting", "prerouting"),
        ("nft flush set inet gridwire role_client", ""),
        ("nft delete table inet gridwire", "is not there"),
        ("nft add table inet gridwire '{ flags dormant; }'", "dormant"),
        ("nft insert rule inet gridwire mesh accept", "mesh"),
    ],
)
def test_a_table_that_reads_back_otherwise_is_an_error_and_does_not_stand(
    grid4: Grid, spec: NodeSpec, tmp_path: Path, then: str, said: str
) -> None:
    section = GuardSection(nft=nft_that(tmp_path, then), memory=tmp_path / "memory.json")
    if not said:
        assert grid4.gateway.do(section.load, spec), "an empty set was flushed: nothing is lost"
        return
    with pytest.raises(GridwireError, match=said):
        grid4.gateway.do(section.load, spec)
    honest = GuardSection(memory=tmp_path / "memory.json")
    assert honest.plan(spec, grid4.gateway.do(honest.observe)) != ()


def test_an_nft_that_fails_changes_nothing_and_says_its_own_words(grid4: Grid, spec: NodeSpec, tmp_path: Path) -> None:
    program = tmp_path / "nft"
    program.write_text('#!/bin/sh\ncase "$*" in *-f*) echo "Error: syntax error, unexpected fwd" >&2; exit 1;; esac\n')
    program.write_text(program.read_text() + 'exec nft "$@"\n')
    program.chmod(0o755)
    section = GuardSection(nft=Nft(binary=str(program)), memory=tmp_path / "memory.json")
    before = grid4.gateway.run("ip", "rule")
    with pytest.raises(GridwireError, match="unexpected fwd"):
        grid4.gateway.do(section.load, spec)
    assert grid4.gateway.run("ip", "rule") == before


def test_a_missing_nft_is_waited_for_and_nothing_is_touched(grid4: Grid, spec: NodeSpec, tmp_path: Path) -> None:
    section = GuardSection(nft=Nft(binary=str(tmp_path / "none")), memory=tmp_path / "memory.json")
    with pytest.raises(Unavailable, match="apt install nftables"):
        grid4.gateway.do(section.load, spec)


def test_with_a_read_only_proc_sys_the_guard_stands_and_says_what_the_host_has_to_set(
    grid4: Grid, spec: NodeSpec, tmp_path: Path
) -> None:
    """As in a container on the host's network."""
    grid4.gateway.own_files()
    grid4.gateway.run("mount", "--bind", "/proc/sys", "/proc/sys")
    grid4.gateway.run("mount", "-o", "remount,bind,ro", "/proc/sys")
    section = GuardSection(memory=tmp_path / "memory.json")
    grid4.gateway.do(section.load, spec)
    assert section.plan(spec, grid4.gateway.do(section.observe)) == ()
    assert grid4.stranger.gets_nothing(grid4.address, 80)
    (finding,) = grid4.gateway.do(section.findings)
    assert finding.id == "sysctl-missing"
    assert "net.ipv4.conf.all.arp_ignore=1" in finding.what
    assert "/etc/sysctl.d" in finding.fix


def test_a_change_of_members_on_a_table_that_vanished_loads_all_of_it(grid4: Grid) -> None:
    grid4.guard()
    emptied = grid4.spec(grid4.opening("edge"))
    (action,) = grid4.gateway.do(lambda: grid4.section.plan(_node(emptied), grid4.section.observe()))
    assert not isinstance(action, LoadTable)
    grid4.gateway.run("nft", "flush", "ruleset")
    grid4.gateway.do(grid4.section.apply, action)
    assert grid4.stands(emptied)


class _node:
    """As much of a node spec as the guard looks at."""

    def __init__(self, guard: object) -> None:
        self.guard = guard
