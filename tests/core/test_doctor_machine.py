"""What doctor makes of a machine: each finding from the facts that it needs, and none from a machine that is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gridwire.core.doctor.machine import (
    Clock,
    Conntrack,
    Machine,
    Program,
    Setting,
    WireGuard,
    is_old,
    judge_machine,
    speed_class,
)
from gridwire.core.guard import WANTED_SYSCTLS
from gridwire.core.observed import Known, Unknown

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLE = Conntrack(entries=100, most=262_144, dropped=0, udp_timeout=30, udp_stream_timeout=120)
WELL = Machine(
    root=True,
    kernel="6.1.0-40-amd64",
    distribution="Debian GNU/Linux 12 (bookworm)",
    python="3.11.2",
    gridwire="0.1.0",
    container="",
    own_link=False,
    orchestrator="",
    net_admin=True,
    users=Known(("ana",)),
    isolated=Known(()),
    programs=(Program(name="wg", package="wireguard-tools", version="wireguard-tools v1.0.20210914"),),
    wireguard=WireGuard(kernel=True, tun=True, userspace=None),
    clock=Clock(now=NOW, built=NOW - timedelta(days=9), written=NOW - timedelta(hours=1), synchronised=True),
    conntrack=Known(TABLE),
    open_files=1 << 20,
    settings=tuple(Setting(key=key, value=least, writable=True) for key, least in WANTED_SYSCTLS),
)
NONE = WireGuard(kernel=False, tun=True, userspace=None)
OLD, NEW = "wireguard-go v0.0.20220316", "wireguard-go v0.0.20250522"


def ids(seen: Machine, *, guarded: bool = True) -> list[str]:
    return [finding.id for finding in judge_machine(seen, guarded=guarded)]


def test_a_machine_that_is_well_has_no_finding() -> None:
    assert ids(WELL) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"container": "docker", "own_link": True}, ["container-network"]),
        ({"container": "docker"}, []),  # on the host's network
        ({"container": "lxc", "own_link": True}, []),  # a system of its own, which somebody controls
        ({"net_admin": False}, ["no-net-admin"]),
        ({"orchestrator": "Kubernetes"}, ["orchestrated"]),
        ({"users": Known(("ana", "ben"))}, ["tenants"]),
        ({"users": Unknown("no /proc/net")}, []),
        ({"isolated": Known(((80, 3),))}, ["port-isolation"]),
        ({"isolated": Unknown("not root")}, []),
        ({"wireguard": replace(NONE, userspace=NEW)}, []),
        ({"wireguard": replace(NONE, userspace=OLD)}, ["wireguard-slow"]),
        ({"wireguard": replace(NONE, userspace="v0.0.20220316")}, ["wireguard-slow"]),
        ({"wireguard": NONE}, ["program-missing"]),
        ({"wireguard": replace(NONE, tun=False, userspace=NEW)}, ["no-tun"]),
        ({"programs": (Program(name="nft", package="nftables", version=None),)}, ["program-missing"]),
        (
            {"programs": (Program(name="nginx", package="nginx", version="1.18.0", problem="1.18.0 is too old"),)},
            ["program-missing"],
        ),
        ({"open_files": 1024}, ["open-files"]),
        ({"conntrack": Known(None)}, []),
        ({"conntrack": Unknown("hidden")}, []),
        ({"conntrack": Known(replace(TABLE, entries=262_144, dropped=7))}, ["conntrack-full"]),
        ({"conntrack": Known(replace(TABLE, entries=220_000))}, ["conntrack-tight"]),
        ({"conntrack": Known(replace(TABLE, dropped=1))}, ["conntrack-tight"]),
        ({"conntrack": Known(replace(TABLE, udp_timeout=10))}, ["conntrack-timeout"]),
        ({"clock": replace(WELL.clock, synchronised=False)}, ["clock-unsynchronised"]),
        ({"clock": replace(WELL.clock, synchronised=None)}, []),
        ({"clock": replace(WELL.clock, now=NOW - timedelta(hours=2))}, ["clock-behind"]),
        ({"clock": replace(WELL.clock, built=NOW + timedelta(hours=2))}, ["clock-behind"]),
        ({"clock": replace(WELL.clock, now=NOW - timedelta(hours=1, seconds=9))}, []),  # a clock's own small steps
        ({"clock": replace(WELL.clock, written=None)}, []),
    ],
    ids=str,
)
def test_each_has_its_finding(changed: dict[str, Any], found: list[str]) -> None:
    assert ids(replace(WELL, **changed)) == found


def test_an_lxc_without_a_tun_device_gets_the_lines_of_its_hosts_configuration() -> None:
    inside = replace(WELL, container="lxc", own_link=True, wireguard=replace(NONE, tun=False, userspace=OLD))
    no_tun = judge_machine(inside, guarded=False)[0]
    assert no_tun.id == "no-tun"
    assert "lxc.cgroup2.devices.allow: c 10:200 rwm" in no_tun.fix


@pytest.mark.parametrize(
    ("value", "writable", "guarded", "found"),
    [
        (0, True, False, []),  # the guard sets it
        (0, True, True, ["sysctl-differs"]),
        (0, False, False, ["sysctl-locked"]),
        (0, False, True, ["sysctl-locked"]),
        (2, True, True, []),
        (None, False, True, []),  # this kernel has none such
    ],
)
def test_a_setting_is_missed_where_the_guard_stands_or_where_nobody_can_set_it(
    value: int | None, writable: bool, guarded: bool, found: list[str]
) -> None:
    setting = Setting(key="net/ipv4/conf/all/arp_announce", value=value, writable=writable)
    assert ids(replace(WELL, settings=(setting,)), guarded=guarded) == found


@pytest.mark.parametrize(
    ("version", "old"),
    [
        (OLD, True),
        (NEW, False),
        ("wireguard-go v0.0.20230213", True),
        ("wireguard-go v0.0.20230223", False),
        ("?", False),
    ],
)
def test_a_wireguard_go_is_old_by_the_date_of_its_version(version: str, old: bool) -> None:
    assert is_old(version) is old
    assert speed_class(replace(NONE, userspace=version)) == ("228 to 412 Mbit/s" if old else "1.3 to 1.6 Gbit/s")
