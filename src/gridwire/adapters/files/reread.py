"""What a file says, read again only when the file is another: a stat in place of a read and what follows from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
_Stamp = tuple[int, int, int, int]
# A file that is written twice within one tick of the kernel's clock (10 ms at HZ=100) may have the same times after
# both; so what was just written is read again.
_FRESH_NS = 50_000_000


class Reread(Generic[T]):
    """``read`` gives what the file says, and its errors are passed on. For several threads, which may all read."""

    def __init__(self, path: Path, read: Callable[[], T]) -> None:
        self._path = path
        self._read = read
        self._known: tuple[_Stamp, T] | None = None

    def __call__(self) -> T:
        known, stamp = self._known, self._stamp()
        if stamp is not None and known is not None and known[0] == stamp:
            return known[1]
        value = self._read()
        settled = stamp is not None and time.time_ns() - stamp[2] > _FRESH_NS and self._stamp() == stamp
        self._known = (stamp, value) if stamp is not None and settled else None
        return value

    def _stamp(self) -> _Stamp | None:
        """Changes with content, owner and mode, which nobody can set back as times of content can be; none where there
        is no file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size
