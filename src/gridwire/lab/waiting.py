"""Wait for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from gridwire.core.errors import NotFinished

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, *, timeout: float, every: float = 0.02) -> T:
    """The first true value of ``condition``; raise NotFinished after ``timeout`` seconds, naming ``what``."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NotFinished(f"waited {timeout:g} s for {what}")
        time.sleep(every)
