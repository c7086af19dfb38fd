"""This node as services of systemd: what that consists of here, what of it is there, and one action at a time."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import gridwire
from gridwire.adapters import systemd
from gridwire.adapters.accounts import Directory, directories, user_exists
from gridwire.adapters.files import read_bytes, remove_file, untrusted, write_atomic
from gridwire.core import installation
from gridwire.core import paths as core_paths
from gridwire.core.actions import Action
from gridwire.core.addressing import Prefix
from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Role
from gridwire.core.installation import (
    DisableUnits,
    EnableUnits,
    Folder,
    Installation,
    InstallationObserved,
    MakeFolders,
    MakeUsers,
    ReloadUnits,
    RemoveFile,
    RestartUnits,
    StartUnits,
    StopUnits,
    WriteFile,
)
from gridwire.core.joined import JoinedAs
from gridwire.core.settings import PathSettings, Settings
from gridwire.render.systemd import fill, sysusers_text, tmpfiles_text, word, words

# -P: the directory that somebody happened to stand in is no place for root to import from.
PROGRAM: Final = (sys.executable, "-P", "-m", "gridwire.cli.main")
_MADE: Final = Path(core_paths.STATE) / "made-folders"
_INTO: Final = "make it anew where root alone writes: python3 -m venv /opt/gridwire, and install gridwire into it"
_CONTROL_TELLS: Final = (
    "# It brings notices to webhooks, ntfy and mail. What it refuses to speak to, the kernel refuses besides: this\n"
    "# host but for systemd-resolved, the mesh, and what is link-local, as services of clouds are.\n"
    "PrivateNetwork=no\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n"
    "IPAddressAllow=127.0.0.53\nIPAddressDeny=localhost link-local multicast @mesh@"
)
_CONTROL_TO_DATABASE: Final = (
    "# Its database is not on this host's disk: it is called by TCP, or by Unix socket.\n"
    "PrivateNetwork=no\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
)
_AGENT_ETC: Final = (
    "# /etc/hosts is replaced by a file of the same folder, so that it is whole at any moment.\nReadWritePaths=/etc"
)


def check_program() -> None:
    """Raise Unavailable where services may not run, or cannot read, the gridwire that this command is."""
    for path in (sys.executable, str(Path(gridwire.__file__).parent)):
        if reason := untrusted(path):
            raise Unavailable(f"{path} is no program for a service: {reason}", fix=_INTO, code="program-untrusted")


def check_settings(settings_file: str, role: Role) -> None:
    """Raise Unavailable for a file that services cannot see, that control cannot read or that others may change."""
    if reason := untrusted(settings_file, by_others=role is Role.GATEWAY):
        raise Unavailable(
            f"{settings_file} is no settings file for a service: {reason}",
            fix="keep it in /etc/gridwire: owner root, mode 0644",
            code="settings-untrusted",
        )


def installation_of(settings: Settings, settings_file: str, identity: JoinedAs, *, userspace: bool) -> Installation:
    """Raise Invalid for a path in the settings that no unit can hold."""
    names = installation.unit_files(identity.role, userspace=userspace)
    values = _values(settings, settings_file, identity.prefixes)
    files = {f"{installation.UNIT_FOLDER}/{name}": fill(systemd.template(name), values) for name in names}
    users = installation.users(identity.role)
    if users:
        files[installation.SYSUSERS] = sysusers_text(users, values["state"])
    files[installation.TMPFILES] = tmpfiles_text(_folders(settings.paths, identity.role))
    if installation.NGINX in names and Path(installation.LOGROTATE).parent.is_dir():
        files[installation.LOGROTATE] = fill(systemd.template("logrotate.conf"), values)
    return Installation(
        files=files,
        units=installation.units(identity.role, interface=identity.interface, userspace=userspace),
        users=users,
    )


def observe(interface: str) -> InstallationObserved:
    """What is there of any role's installation; raise GridwireError where it cannot be read."""
    folder = installation.UNIT_FOLDER
    paths = [f"{folder}/{name}" for name in installation.UNIT_FILES]
    paths += [installation.SYSUSERS, installation.TMPFILES, installation.LOGROTATE]
    contents = {path: read_bytes(Path(path)) for path in paths}
    every = installation.units(Role.GATEWAY, interface=interface, userspace=True)
    states = systemd.states(every)
    return InstallationObserved(
        files={path: content.decode(errors="replace") for path, content in contents.items() if content is not None},
        enabled=frozenset(state.unit for state in states if state.enabled),
        active=frozenset(state.unit for state in states if state.up),
        users=frozenset(name for name, _ in installation.users(Role.GATEWAY) if user_exists(name)),
    )


def carry_out(action: Action) -> None:
    """One action of plan_install or plan_uninstall; raise GridwireError."""
    match action:
        case WriteFile(path=path, text=text):
            _make_folder(Path(path).parent)
            write_atomic(Path(path), text.encode(), 0o644)
        case RemoveFile(path=path):
            remove_file(Path(path))
            _remove_folder(Path(path).parent)
        case MakeUsers():
            systemd.make_users(installation.SYSUSERS)
        case MakeFolders():
            systemd.make_folders(installation.TMPFILES)
        case ReloadUnits():
            systemd.daemon_reload()
        case EnableUnits(units=units):
            systemd.enable(units)
        case StartUnits(units=units):
            systemd.start(units)
        case RestartUnits(units=units):
            systemd.restart(units)
        case StopUnits(units=units):
            systemd.stop(units)
        case DisableUnits(units=units):
            systemd.disable(units)
        case _:
            raise TypeError(f"{type(action).__name__} is no action of an installation")


def _make_folder(folder: Path) -> None:
    """Debian has no /etc/sysusers.d until somebody needs it: one that was made here is noted, to go again."""
    if folder.is_dir():
        return
    folder.mkdir(mode=0o755)
    made = (read_bytes(_MADE) or b"").decode().splitlines()
    write_atomic(_MADE, "".join(f"{line}\n" for line in dict.fromkeys([*made, str(folder)])).encode(), 0o644)


def _remove_folder(folder: Path) -> None:
    made = (read_bytes(_MADE) or b"").decode().splitlines()
    if str(folder) in made and not any(folder.iterdir()):
        folder.rmdir()
        left = [line for line in made if line != str(folder)]
        write_atomic(_MADE, "".join(f"{line}\n" for line in left).encode(), 0o644) if left else remove_file(_MADE)


def _values(settings: Settings, settings_file: str, mesh: tuple[Prefix, ...]) -> Mapping[str, str]:
    where = settings.paths
    return {
        "gridwire": words(PROGRAM, "program"),
        "program": word(str(Path(gridwire.__file__).parent), "program"),
        "settings": word(settings_file, "--settings"),
        "state": word(where.state, "paths.state"),
        "run": word(where.run, "paths.run"),
        "logs": word(where.logs, "paths.logs"),
        "agent_state": where.agent_state,
        "nginx_state": where.nginx_state,
        "control_state": where.control_state,
        "database": word(_database_folder(settings), "database.url"),
        "mesh": " ".join(map(str, mesh)),
        "control_network": _CONTROL_TELLS if settings.database.startswith("sqlite") else _CONTROL_TO_DATABASE,
        "agent_etc": _AGENT_ETC if settings.hosts else "",
        "sandbox": systemd.template("sandbox.inc").rstrip(),
    }


def _database_folder(settings: Settings) -> str:
    """Where SQLite's file lies; control's own directory where the database is elsewhere altogether."""
    kind, _, path = settings.database.partition(":///")
    return str(Path(path).parent) if kind.startswith("sqlite") else settings.paths.control_state


def _folders(where: PathSettings, role: Role) -> tuple[Folder, ...]:
    made = directories(where, gateway=role is Role.GATEWAY)
    known = {"root", *(name for name, _ in installation.users(role))}
    return tuple(_folder(one) for one in made if {one.owner, one.group or one.owner} <= known)


def _folder(one: Directory) -> Folder:
    return Folder(path=one.path, mode=one.mode, owner=one.owner, group=one.group or one.owner)
