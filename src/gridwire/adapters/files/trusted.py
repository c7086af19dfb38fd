"""Whether root may run what lies at a path: nobody else can change it, and a service that sees no home can read it."""

from __future__ import annotations

import stat
from pathlib import Path

_HIDDEN = ("/home", "/root", "/run/user")  # ProtectHome=, systemd.exec(5)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def untrusted(path: str, *, by_others: bool = True) -> str:
    """Why not, for the path or one of the links and folders on the way to it; empty where it may be run.

    ``by_others``: a service that is not root has to read it, too.
    """
    pending, seen = [Path(path)], set()
    while pending:
        place = pending.pop()
        for step in (*reversed(place.parents), place):
            if step in seen:
                continue
            seen.add(step)
            if str(step) in _HIDDEN:
                return f"it lies below {step}, which the services cannot see"
            try:
                status = step.lstat()
            except OSError as error:
                return f"{step} cannot be read ({error.strerror})"
            if stat.S_ISLNK(status.st_mode):
                pending.append(step.parent / step.readlink())
                continue
            if reason := _of_others(step, status.st_mode, status.st_uid, by_others=by_others):
                return reason
    return ""


def _of_others(step: Path, mode: int, uid: int, *, by_others: bool) -> str:
    if uid != 0:
        return f"{step} belongs to another user than root"
    if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
        return f"{step} may be written by others than root"
    if by_others and not mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH):
        return f"{step} may be read by root alone"
    return ""
