"""What is dear to look at in a large grid, kept for a moment: for four times what it took, so that it is at most a
fifth of the time looked at whoever asks how often. In a small grid nothing is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

T = TypeVar("T")
_DEAR: Final = 0.05  # seconds of CPU; what took less is looked at again
_SHARE: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    version: tuple[int, int]
    until: float
    value: Any


class Looks:
    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def at(self, what: str, version: tuple[int, int], look: Callable[[], T]) -> T:
        """Of this revision. Those who ask at once wait for one look."""
        with self._lock:
            lock = self._locks.setdefault(what, threading.Lock())
        with lock:
            kept = self._kept.get(what)
            if kept is not None and kept.version == version and time.monotonic() < kept.until:
                value: T = kept.value
                return value
            began = time.thread_time()
            value = look()
            took = time.thread_time() - began
            if took > _DEAR:
                until = time.monotonic() + _SHARE * took
                self._kept[what] = _Kept(version=version, until=until, value=value)
            else:
                self._kept.pop(what, None)
            return value
