"""Gridwire's directories: who owns each and who may look in."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from gridwire.core import paths
from gridwire.core.errors import Conflict
from gridwire.core.settings import PathSettings


@dataclass(frozen=True, slots=True)
class Directory:
    path: str
    owner: str
    mode: int
    group: str = ""  # the owner's own, where none is named


def directories(where: PathSettings, *, gateway: bool) -> tuple[Directory, ...]:
    """Parents first. Control's own is on gateways alone."""
    found = [
        Directory(where.state, "root", 0o755),
        Directory(where.agent_state, "root", 0o700),
        Directory(where.nginx_state, "root", 0o755),
        Directory(where.run, "root", 0o755),
        Directory(where.door, "root", 0o700),
        Directory(where.logs, "root", 0o750, paths.NGINX_USER),  # its workers open them anew after a rotation
    ]
    if gateway:
        found.append(Directory(where.control_state, paths.CONTROL_USER, 0o700))
    return tuple(found)


def missing_directories(wanted: tuple[Directory, ...]) -> tuple[Directory, ...]:
    return tuple(directory for directory in wanted if not Path(directory.path).is_dir())


def make_directories(wanted: tuple[Directory, ...]) -> None:
    """Make them with owner and mode, and set both right on those that are there; raise Conflict for a file."""
    for directory in wanted:
        path = Path(directory.path)
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise Conflict(f"{path} is not a directory", fix="move it away")
        path.mkdir(parents=True, exist_ok=True, mode=0o755)
        owner = pwd.getpwnam(directory.owner).pw_uid, _group(directory.group or directory.owner)
        status = path.stat()
        # One that is right is left alone: in a container it may lie on a read-only file system.
        if stat.S_IMODE(status.st_mode) != directory.mode:
            path.chmod(directory.mode)
        if (status.st_uid, status.st_gid) != owner:
            os.chown(path, *owner)


def _group(owner: str) -> int:
    try:
        return grp.getgrnam(owner).gr_gid
    except KeyError:
        return pwd.getpwnam(owner).pw_gid
