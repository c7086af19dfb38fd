"""Gridwire as services of the system: what an installation consists of, and the plans that make and remove one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gridwire.core import paths
from gridwire.core.actions import Action
from gridwire.core.errors import Conflict
from gridwire.core.fleet import Role
from gridwire.version import __version__

# The first line of every file that install writes. A file without it is somebody else's.
OURS: Final = "# gridwire install"
MARK: Final = f"{OURS} ({__version__}) wrote this file; `gridwire uninstall` removes it"

UNIT_FOLDER: Final = "/etc/systemd/system"
SYSUSERS: Final = "/etc/sysusers.d/gridwire.conf"
TMPFILES: Final = "/etc/tmpfiles.d/gridwire.conf"
LOGROTATE: Final = "/etc/logrotate.d/gridwire"

GUARD: Final = "gridwire-guard.service"
NGINX: Final = "gridwire-nginx.service"
CONTROL: Final = "gridwire-control.service"
SOCKETS: Final = ("gridwire-control.socket", "gridwire-local.socket")
AGENT: Final = "gridwire-agent.service"
MESH_TEMPLATE: Final = "gridwire-wg@.service"
UNIT_FILES: Final = (GUARD, MESH_TEMPLATE, NGINX, CONTROL, *SOCKETS, AGENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    path: str
    mode: int
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What shall be: ``files`` by path, ``units`` enabled and running, ``users`` as (name, what it is)."""

    files: Mapping[str, str]
    units: tuple[str, ...]
    users: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationObserved:
    """``files``: those of gridwire's paths that are there. ``units``: name → (enabled, active, failed)."""

    files: Mapping[str, str] = field(default_factory=dict)
    enabled: frozenset[str] = frozenset()
    active: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFile(Action):
    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFile(Action):
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUsers(Action):
    """By systemd-sysusers, from the file that was just written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeFolders(Action):
    """By systemd-tmpfiles, as at every boot: a unit whose folder is missing does not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadUnits(Action):
    """systemd reads all unit files again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableUnits(Action):
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartUnits(Action):
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartUnits(Action):
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopUnits(Action):
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableUnits(Action):
    units: tuple[str, ...]


def unit_files(role: Role, *, userspace: bool) -> tuple[str, ...]:
    """The unit files of a node of this role. ``userspace``: the kernel has no WireGuard."""
    names = [GUARD]
    if userspace:
        names.append(MESH_TEMPLATE)
    if role in (Role.GATEWAY, Role.EDGE):
        names.append(NGINX)
    if role is Role.GATEWAY:
        names += [*SOCKETS, CONTROL]
    return (*names, AGENT)


def units(role: Role, *, interface: str, userspace: bool) -> tuple[str, ...]:
    """The same as systemd runs them: a template's file is one thing, its instance another."""
    return tuple(name.replace("@.", f"@{interface}.") for name in unit_files(role, userspace=userspace))


def users(role: Role) -> tuple[tuple[str, str], ...]:
    control = ((paths.CONTROL_USER, "gridwire's control plane"),) if role is Role.GATEWAY else ()
    nginx = ((paths.NGINX_USER, "gridwire's nginx workers"),) if role in (Role.GATEWAY, Role.EDGE) else ()
    return control + nginx


def plan_install(wanted: Installation, observed: InstallationObserved) -> tuple[Action, ...]:
    """Empty where all of it is so. Raise Conflict for a file in the way that gridwire did not write."""
    actions: list[Action] = []
    changed: set[str] = set()
    for path, text in sorted(wanted.files.items()):
        before = observed.files.get(path)
        if before == text:
            continue
        if before is not None and not before.startswith(OURS):
            raise Conflict(
                f"{path} is there, and gridwire did not write it", fix=f"move it away: mv {path} {path}.before"
            )
        changed.add(path)
        actions.append(WriteFile(path=path, text=text, reason=f"{'write' if before is None else 'renew'} {path}"))
    for path in sorted(set(observed.files) - set(wanted.files)):
        if observed.files[path].startswith(OURS):
            actions.append(RemoveFile(path=path, reason=f"remove {path}: this node needs it no more"))
            changed.add(path)
    actions += _users(wanted, observed)
    start = tuple(unit for unit in wanted.units if unit not in observed.active)
    if TMPFILES in changed or start:
        actions.append(MakeFolders(reason="make gridwire's folders where they are missing"))
    if any(path.startswith(UNIT_FOLDER) for path in changed):
        actions.append(ReloadUnits(reason="systemd reads its units again"))
    enable = tuple(unit for unit in wanted.units if unit not in observed.enabled)
    if enable:
        actions.append(EnableUnits(units=enable, reason=f"start at boot: {', '.join(enable)}"))
    renewed = tuple(u for u in wanted.units if u in observed.active and f"{UNIT_FOLDER}/{_file_of(u)}" in changed)
    if renewed:
        actions.append(RestartUnits(units=renewed, reason=f"restart, since their units changed: {', '.join(renewed)}"))
    if start:
        actions.append(StartUnits(units=start, reason=f"start now: {', '.join(start)}"))
    return tuple(actions)


def plan_uninstall(observed: InstallationObserved) -> tuple[Action, ...]:
    """Stop, disable, remove; files of others that lie at gridwire's paths stay."""
    actions: list[Action] = []
    if observed.active:
        actions.append(StopUnits(units=tuple(sorted(observed.active)), reason=f"stop {_listed(observed.active)}"))
    if observed.enabled:
        actions.append(
            DisableUnits(
                units=tuple(sorted(observed.enabled)), reason=f"no longer start at boot: {_listed(observed.enabled)}"
            )
        )
    ours = sorted(path for path, text in observed.files.items() if text.startswith(OURS))
    actions += [RemoveFile(path=path, reason=f"remove {path}") for path in ours]
    if any(path.startswith(UNIT_FOLDER) for path in ours):
        actions.append(ReloadUnits(reason="systemd reads its units again"))
    return tuple(actions)


def _users(wanted: Installation, observed: InstallationObserved) -> list[Action]:
    missing = [name for name, _ in wanted.users if name not in observed.users]
    return [MakeUsers(reason=f"make the system users {', '.join(missing)}")] if missing else []


def _file_of(unit: str) -> str:
    """gridwire-wg@gw0.service → gridwire-wg@.service"""
    name, at, rest = unit.partition("@")
    return f"{name}@.{rest.rpartition('.')[2]}" if at else unit


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
