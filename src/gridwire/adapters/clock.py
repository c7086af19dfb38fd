"""The wall clock. Everything that decides takes ``now`` as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that no change of the wall clock moves: for intervals and deadlines."""
    return time.monotonic()
