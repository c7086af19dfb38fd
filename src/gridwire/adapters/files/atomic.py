"""Write, fsync, rename, fsync the directory: after a power cut the file is the old one or the new one."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from gridwire.core.errors import GridwireError, Unavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
TEMPORARY = ".gridwire-"  # a left-over of a crash starts with this, and may be deleted


def make_directory(path: Path, mode: int = 0o700) -> None:
    """Make the directory and its parents; an existing one gets ``mode``."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
    except OSError as error:
        raise file_error("make", path, error) from error


def read_bytes(path: Path) -> bytes | None:
    """The content, or none where there is no such file; raise GridwireError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise file_error("read", path, error) from error


def write_atomic(path: Path, content: bytes, mode: int = 0o600, *, owner: tuple[int, int] | None = None) -> None:
    """Replace ``path`` by a file of this content; a failure leaves the old one and no litter.

    ``owner`` is (uid, gid). Raise Unavailable (code ``disk-full``) where there is no room, else GridwireError.
    """
    temporary = path.with_name(f"{TEMPORARY}{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
            try:
                os.fchmod(descriptor, mode)  # whatever the umask says
                if owner is not None:
                    os.fchown(descriptor, *owner)
                _write_all(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise file_error("write", path, error) from error


def keep_link(source: Path, target: Path) -> None:
    """Give the file a second name, in place of what had it. Its content is on disk already; the name is made to be,
    before the first one goes to another file."""
    try:
        target.unlink(missing_ok=True)
        target.hardlink_to(source)
        sync_directory(target.parent)
    except OSError as error:
        raise file_error("keep", target, error) from error


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_file(path: Path) -> None:
    """Remove the file if it is there, durably."""
    try:
        path.unlink(missing_ok=True)
        sync_directory(path.parent)
    except OSError as error:
        raise file_error("remove", path, error) from error


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def file_error(verb: str, path: Path, error: OSError) -> GridwireError:
    """What to raise for ``error``: Unavailable (code ``disk-full``) where there is no room, else with code ``file``."""
    if error.errno in _FULL:
        return Unavailable(
            f"cannot {verb} {path}: no space left", fix=f"free some space below {path.parent}", code="disk-full"
        )
    return GridwireError(f"cannot {verb} {path}: {error.strerror}", code="file")
