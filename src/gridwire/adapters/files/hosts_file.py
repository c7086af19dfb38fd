"""/etc/hosts as text. Bytes that are not UTF-8 survive: surrogateescape both ways."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from gridwire.adapters.files.atomic import file_error, read_bytes, write_atomic
from gridwire.core.errors import GridwireError

_IN_PLACE = frozenset({errno.EBUSY, errno.EROFS})


def read_hosts(path: Path) -> str | None:
    """The text, or none where there is no file; raise GridwireError where it cannot be read."""
    content = read_bytes(path)
    return None if content is None else content.decode("utf-8", "surrogateescape")


def write_hosts(path: Path, text: str) -> None:
    """Replace the file, with the mode and owner that it had; a symlink stays one, and its target is written.

    A container's bind mount cannot be renamed over (EBUSY), and beside it nothing can be written where the rest is
    read-only (EROFS): there the file is rewritten in place. Raise GridwireError where it cannot be written itself.
    """
    try:
        _write(path.resolve(), text)
    except OSError as error:
        raise file_error("write", path, error) from error


def _write(target: Path, text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    try:
        status = target.stat()
        mode, owner = status.st_mode & 0o777, (status.st_uid, status.st_gid)
    except FileNotFoundError:
        mode, owner = 0o644, (os.getuid(), os.getgid())
    try:
        write_atomic(target, content, mode, owner=owner)
    except GridwireError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in _IN_PLACE:
            raise
        with target.open("r+b") as file:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
