"""The machine itself: whether the pattern can stand on it, and whether what it needs is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias, TypeVar

from gridwire.core.doctor.kinds import found
from gridwire.core.guard import WANTED_SYSCTLS
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Finding
from gridwire.core.wireguard import KEEPALIVE_SECONDS

T = TypeVar("T")
Seen: TypeAlias = Known[T] | Unknown

APPLICATION_CONTAINERS = frozenset({"docker", "podman", "containerd", "kubernetes", "oci"})
FEWEST_FILES = 8192  # nginx: 4,096 connections a worker, and each proxied one has two ends
NEARLY_FULL = 0.8
_SEGMENTATION = date(2023, 2, 14)  # wireguard-go hands TUN and UDP many packets at a time since about then
LXC_TUN = (
    "in the container's configuration on its host, then restart it:\n"
    "lxc.cgroup2.devices.allow: c 10:200 rwm\n"
    "lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """``version``: what it says of itself; none: it is not there. ``package``: Debian's."""

    name: str
    package: str
    version: str | None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuard:
    """``kernel``: whether it has WireGuard. ``tun``: whether /dev/net/tun is there. ``userspace``: what the
    wireguard-go that would be taken says of itself; none: there is none."""

    kernel: bool
    tun: bool
    userspace: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """``written``: when the newest of gridwire's own files here was written, by this clock; ``built``: this version.

    ``synchronised``: as the kernel was told by whatever keeps it right, adjtimex(2).
    """

    now: datetime
    built: datetime
    written: datetime | None
    synchronised: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conntrack:
    """``dropped``: flows that found no room since boot, in this network. Timeouts in seconds."""

    entries: int
    most: int
    dropped: int
    udp_timeout: int
    udp_stream_timeout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A kernel setting under /proc/sys: its value here (none: this kernel has none such), and who may set it."""

    key: str
    value: int | None
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """``container``: docker, lxc, …; empty where it is none. ``own_link``: the way out is a veth whose other end lies
    in another network. ``users``: people (not services) whose programs listen. ``isolated``: (port, how many of the
    other network namespaces listen on it), two or more."""

    root: bool
    kernel: str
    distribution: str
    python: str
    gridwire: str
    container: str
    own_link: bool
    orchestrator: str
    net_admin: bool
    users: Seen[tuple[str, ...]]
    isolated: Seen[tuple[tuple[int, int], ...]]
    programs: tuple[Program, ...]
    wireguard: WireGuard
    clock: Clock
    conntrack: Seen[Conntrack | None]
    open_files: int
    settings: tuple[Setting, ...]


def judge_machine(seen: Machine, *, guarded: bool) -> tuple[Finding, ...]:
    """``guarded``: the guard stands here, or should."""
    return (
        *_place(seen),
        *_neighbours(seen),
        *_programs(seen.programs),
        *judge_wireguard(seen),
        *judge_clock(seen.clock),
        *(judge_conntrack(seen.conntrack.value) if isinstance(seen.conntrack, Known) and seen.conntrack.value else ()),
        *_limits(seen),
        *_settings(seen.settings, guarded=guarded),
    )


def _place(seen: Machine) -> Iterable[Finding]:
    if seen.container in APPLICATION_CONTAINERS and seen.own_link:
        yield found(
            "container-network",
            f"this is a {seen.container} container with a network of its own",
            evidence="its way out is a veth whose other end lies in another network",
            fix="run gridwire on the host, or with `network_mode: host`",
        )
    if not seen.net_admin:
        yield found(
            "no-net-admin",
            "CAP_NET_ADMIN is not to be had here: no device, no route and no packet rule can be made",
            evidence="CapBnd of /proc/self/status",
            fix="run it on the host; in a container: `cap_add: [NET_ADMIN]`",
        )


def _neighbours(seen: Machine) -> Iterable[Finding]:
    if seen.orchestrator:
        yield found(
            "orchestrated",
            f"{seen.orchestrator} runs this host: its tenants' ports and rules are not yours to give",
            evidence=f"found {seen.orchestrator}",
            fix="take a host of its own for gridwire, and let it reach this one",
        )
    if isinstance(seen.users, Known) and len(seen.users.value) > 1:
        yield found(
            "tenants",
            f"{len(seen.users.value)} people run servers here: on the host's network any of them can take a port, and "
            "all of them speak with the host's mesh address",
            evidence=f"listening sockets of {', '.join(seen.users.value)}",
            fix="give gridwire a host, or a virtual machine, that one team controls",
        )
    if isinstance(seen.isolated, Known) and seen.isolated.value:
        ports = ", ".join(f"port {port} in {count} containers" for port, count in seen.isolated.value[:4])
        yield found(
            "port-isolation",
            "containers here rely on having each its own ports: on the host's network only one of them gets one",
            evidence=ports,
            fix="give each its own port before it moves to the host's network, or leave them in the bridge",
        )


def _programs(programs: Iterable[Program]) -> Iterable[Finding]:
    for program in programs:
        if program.version is None or program.problem:
            yield found(
                "program-missing",
                program.problem or f"{program.name} is not installed",
                evidence=program.version or "",
                fix=f"gridwire prerequisites, or: apt install {program.package}",
            )


def judge_wireguard(seen: Machine) -> Iterable[Finding]:
    wireguard = seen.wireguard
    if wireguard.kernel:
        return
    if not wireguard.tun:
        yield found(
            "no-tun",
            "this kernel has no WireGuard, and there is no /dev/net/tun for wireguard-go",
            evidence=f"kernel {seen.kernel}" + (f", in {seen.container}" if seen.container else ""),
            fix=LXC_TUN if seen.container == "lxc" else "`modprobe tun`; in a container `devices: [/dev/net/tun]`",
        )
    if wireguard.userspace is None:
        yield found(
            "program-missing",
            "this kernel has no WireGuard, and wireguard-go is not installed",
            fix="gridwire prerequisites, or: apt install wireguard-go",
        )
    elif is_old(wireguard.userspace):
        yield found(
            "wireguard-slow",
            "this kernel has no WireGuard, and this wireguard-go hands over one packet at a time",
            evidence=f"{wireguard.userspace}: {speed_class(wireguard)}",
            fix="build a current one (go install golang.zx2c4.com/wireguard@latest) and name it: mesh.wireguard_go",
        )


def is_old(version: str) -> bool:
    """By the date in its version, like v0.0.20220316; one without any is not called old."""
    stamp = re.search(r"(20\d\d)(\d\d)(\d\d)", version)
    return stamp is not None and tuple(map(int, stamp.groups())) < (
        _SEGMENTATION.year,
        _SEGMENTATION.month,
        _SEGMENTATION.day,
    )


def speed_class(wireguard: WireGuard) -> str:
    """What two virtual CPUs carry with both ends on them: measured, but the kernel's, which is what others publish."""
    if wireguard.kernel:
        return "kernel WireGuard: about 3 Gbit/s"
    if wireguard.userspace is None:
        return "none"
    return "228 to 412 Mbit/s" if is_old(wireguard.userspace) else "1.3 to 1.6 Gbit/s"


def judge_clock(clock: Clock) -> Iterable[Finding]:
    latest = max(filter(None, (clock.built, clock.written)))
    behind = latest - clock.now
    if behind > timedelta(minutes=1):
        yield found(
            "clock-behind",
            f"the clock is behind, or was ahead and was set back: by {span(behind)} at least",
            evidence=f"it says {clock.now:%Y-%m-%dT%H:%M:%SZ}, and wrote a file at {latest:%Y-%m-%dT%H:%M:%SZ}",
            fix="set it (timedatectl set-ntp true); then on the gateway: gridwire doctor NODE",
        )
    elif clock.synchronised is False:
        yield found(
            "clock-unsynchronised",
            "the kernel knows of nothing that keeps its clock right",
            evidence="adjtimex(2): STA_UNSYNC",
            fix="timedatectl set-ntp true, or install chrony; in a virtual machine its host may keep it",
        )


def judge_conntrack(table: Conntrack) -> Iterable[Finding]:
    evidence = f"{table.entries} of {table.most} entries, {table.dropped} flows dropped since boot"
    fix = "sysctl -w net.netfilter.nf_conntrack_max=N (twice as many), and see whose flows they are: conntrack -L"
    if table.entries >= 0.99 * table.most:
        yield found("conntrack-full", "the connection table is full: new flows are dropped", evidence=evidence, fix=fix)
    elif table.entries >= NEARLY_FULL * table.most or table.dropped:
        what = "nearly full" if table.entries >= NEARLY_FULL * table.most else "not full now, and was"
        yield found("conntrack-tight", f"the connection table is {what}", evidence=evidence, fix=fix)
    shortest = min(table.udp_timeout, table.udp_stream_timeout)
    if shortest <= KEEPALIVE_SECONDS:
        yield found(
            "conntrack-timeout",
            f"UDP flows are forgotten after {shortest} s, and WireGuard speaks every {KEEPALIVE_SECONDS} s",
            evidence="net.netfilter.nf_conntrack_udp_timeout, …_udp_timeout_stream",
            fix="sysctl -w net.netfilter.nf_conntrack_udp_timeout=30 net.netfilter.nf_conntrack_udp_timeout_stream=120",
        )


def _limits(seen: Machine) -> Iterable[Finding]:
    if seen.open_files < FEWEST_FILES:
        yield found(
            "open-files",
            f"a process may open {seen.open_files} files, and nginx wants {FEWEST_FILES}",
            evidence="hard limit of RLIMIT_NOFILE, which services of gridwire's own raise by themselves",
            fix="`gridwire install`, or raise it for whatever starts `gridwire up`: ulimit -Hn, LimitNOFILE=",
        )


def _settings(settings: Iterable[Setting], *, guarded: bool) -> Iterable[Finding]:
    least = dict(WANTED_SYSCTLS)
    for one in settings:
        wanted = least[one.key]
        if one.value is None or one.value >= wanted:
            continue
        name = one.key.replace("/", ".")
        if not one.writable:
            yield found(
                "sysctl-locked",
                f"{name} is {one.value}, should be {wanted}, and cannot be set from here",
                fix=(
                    f"on the host: packaging/90-gridwire.conf into /etc/sysctl.d, and `sysctl --system`; LXC: "
                    f"lxc.sysctl.{name} = {wanted} in its configuration"
                ),
            )
        elif guarded:
            yield found(
                "sysctl-differs",
                f"{name} is {one.value}, and the guard wants {wanted}",
                fix="gridwire guard load; then see what sets it back: grep -r it in /etc/sysctl.d",
            )


def span(length: timedelta) -> str:
    """``3 hours``, without a sign."""
    seconds = abs(int(length.total_seconds()))
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
