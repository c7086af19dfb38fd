"""Control's two Unix sockets: handed over by a parent, or bound here.

control.sock  0660, group gridwire-nginx: nginx speaks for peers
local.sock    0600 root: to connect is to be authorised
"""

from __future__ import annotations

import grp
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gridwire.core.errors import Invalid, NotPermitted, Unavailable

_FIRST_FD = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)
_BACKLOG = 1024
_PATH_MAX = 107  # sun_path without its NUL, unix(7)


@dataclass(frozen=True, slots=True)
class Sockets:
    control: socket.socket
    local: socket.socket


def passed_fds(environ: Mapping[str, str], pid: int) -> dict[str, int]:
    """Descriptors by name, as systemd or `gridwire up` hands them over; empty where none are.

    LISTEN_PID may be missing: a parent that is no init cannot know it before the fork.
    """
    if environ.get("LISTEN_PID", str(pid)) != str(pid):
        return {}
    count = environ.get("LISTEN_FDS", "0")
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    if not count.isdigit() or int(count) == 0:
        return {}
    if len(names) != int(count):
        raise Invalid("LISTEN_FDNAMES", f"it names {len(names)} of {count} sockets", fix="name them control:local")
    return {name: _FIRST_FD + offset for offset, name in enumerate(names)}


def adopt(fd: int, name: str) -> socket.socket:
    """A bound Unix socket from a parent; raise Invalid for anything else."""
    try:
        adopted = socket.socket(fileno=fd)
    except OSError as error:
        raise Invalid(name, f"descriptor {fd} is no socket ({error.strerror})") from None
    if adopted.family != socket.AF_UNIX or adopted.type != socket.SOCK_STREAM or not adopted.getsockname():
        raise Invalid(name, f"descriptor {fd} is no bound Unix stream socket")
    adopted.listen(_BACKLOG)
    return adopted


def bind(path: str, *, mode: int, group: str | None = None) -> socket.socket:
    """Bind and listen, in place of a dead process's socket; raise Unavailable where one still answers."""
    if len(path.encode()) > _PATH_MAX:
        raise Invalid("socket", f"{path} is longer than a socket's path may be ({_PATH_MAX})", fix="choose another")
    place = Path(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _clear(place)
        before = os.umask(0o177)  # never a moment in which anybody else could connect
        try:
            bound.bind(path)
        finally:
            os.umask(before)
        if group is not None:
            os.chown(place, -1, grp.getgrnam(group).gr_gid)
        place.chmod(mode)
        bound.listen(_BACKLOG)
    except KeyError:
        bound.close()
        raise Unavailable(f"there is no group {group}", fix=f"addgroup --system {group}") from None
    except PermissionError:
        bound.close()
        raise NotPermitted(
            f"{path} may not be bound",
            fix="start control as root, or by systemd or `gridwire up`, which hand it the sockets",
        ) from None
    except OSError as error:
        bound.close()
        raise Unavailable(
            f"{path} cannot be bound ({error.strerror})",
            fix="start control as root, or by systemd or `gridwire up`, which hand it the sockets",
        ) from error
    except Unavailable:
        bound.close()
        raise
    return bound


def _clear(place: Path) -> None:
    """Take a stale socket away; never a file of another kind, nor a socket that somebody serves."""
    if not place.exists():
        return
    if not stat.S_ISSOCK(place.lstat().st_mode):
        raise Unavailable(f"{place} is no socket", fix="move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(place))
        except (ConnectionRefusedError, FileNotFoundError):
            place.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass  # its backlog is full: somebody serves it
    raise Unavailable(f"another control serves {place}", fix="stop that one first", code="already-running")
