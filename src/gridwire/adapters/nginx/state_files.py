"""nginx's files: written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from gridwire.core.errors import Unavailable


def write_text(path: str, text: str) -> None:
    """Replace a file atomically and durably: write beside it, fsync, rename, fsync the directory.

    Mode 0600: nginx reads these files in its master, as root. Raise Unavailable where the disk refuses; the old file
    is then as it was.
    """
    target = Path(path)
    beside = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o600)
            os.fsync(file.fileno())
        beside.rename(target)
        sync_directory(target.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}", fix="free the disk or its permissions"
        ) from error


def sync_directory(path: Path) -> None:
    """Raise OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_text(path: str) -> str | None:
    """The file's text, None where there is none; raise Unavailable where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path} cannot be read: {error}") from error


def remove(path: str) -> None:
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"{path} cannot be removed: {error.strerror}") from error
