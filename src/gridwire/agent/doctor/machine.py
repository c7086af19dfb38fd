"""The facts of ``core.doctor.machine``."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import gridwire
from gridwire.adapters import machine
from gridwire.adapters.clock import utc_now
from gridwire.adapters.nginx import find_nginx
from gridwire.adapters.programs import run
from gridwire.adapters.sysctl import Sysctls
from gridwire.adapters.wireguard import check_tun, find_binary, kernel_has_wireguard, version_of
from gridwire.agent.doctor.standing import Standing, newest_written
from gridwire.core.doctor.machine import Clock, Machine, Program, Setting, WireGuard
from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Role
from gridwire.core.guard import WANTED_SYSCTLS
from gridwire.version import __version__

_NGINX = "nginx libnginx-mod-http-lua lua-resty-core lua-cjson"
_PROGRAMS = (("wg", "wireguard-tools"), ("nft", "nftables"), ("ip", "iproute2"), ("ss", "iproute2"))
_VETH = ("veth", "macvlan", "ipvlan")


def read_machine(standing: Standing, settings_file: str, programs: frozenset[str]) -> Machine:
    """``programs``: those that run. Raise nothing: what cannot be read is Unknown, or not there."""
    serves = standing.role in (None, Role.GATEWAY, Role.EDGE)
    return Machine(
        root=standing.root,
        kernel=machine.kernel(),
        distribution=machine.distribution(),
        python=machine.python(),
        gridwire=__version__,
        container=machine.container(),
        own_link=any(one.default_route and one.kind in _VETH for one in machine.read_interfaces()),
        orchestrator=machine.orchestrator(programs),
        net_admin=machine.net_admin(),
        users=machine.listening_users(),
        isolated=machine.ports_of_other_networks(),
        programs=(*map(_program, _PROGRAMS), *([_nginx()] if serves else [])),
        wireguard=_wireguard(standing.settings.mesh.wireguard_go),
        clock=_clock(standing, settings_file),
        conntrack=machine.read_conntrack(),
        open_files=machine.open_files(),
        settings=tuple(_setting(key) for key, _ in WANTED_SYSCTLS),
    )


def _program(named: tuple[str, str]) -> Program:
    name, package = named
    option = "-V" if name in ("ip", "ss") else "--version"
    try:
        said = run([name, option], timeout=10).stdout.strip().partition(" - ")[0]
    except Unavailable:
        return Program(name=name, package=package, version=None)
    return Program(name=name, package=package, version=said.splitlines()[0] if said else "there")


def _nginx() -> Program:
    try:
        found = find_nginx()
    except Unavailable as error:
        return Program(name="nginx", package=_NGINX, version=None, problem=error.what)
    version = ".".join(map(str, found.version))
    return Program(name="nginx", package=_NGINX, version=f"{found.binary} {version} with Lua")


def _wireguard(binary: str | None) -> WireGuard:
    try:
        userspace: str | None = version_of(find_binary(binary))
    except Unavailable:
        userspace = None
    try:
        check_tun()
        tun = True
    except Unavailable:
        tun = False
    return WireGuard(kernel=kernel_has_wireguard(), tun=tun, userspace=userspace)


def _clock(standing: Standing, settings_file: str) -> Clock:
    written = newest_written(standing, settings_file)
    return Clock(
        now=utc_now(),
        built=datetime.fromtimestamp((Path(gridwire.__file__).parent / "version.py").stat().st_mtime, UTC),
        written=None if written is None else datetime.fromtimestamp(written, UTC),
        synchronised=machine.clock_kept(),
    )


def _setting(key: str) -> Setting:
    """Who is not root could write none anyway: what it may not is then no sign of a container."""
    sysctls = Sysctls()
    return Setting(key=key, value=sysctls.read(key), writable=sysctls.writable(key) or os.geteuid() != 0)
