"""Challenges of passkeys: random, for one purpose each, taken once, and not for long.

They are remembered by the control that gave them: with several, an answer has to come to the same one.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

BYTES: Final = 32
LASTS: Final = timedelta(minutes=5)
MOST: Final = 1000  # what is more pushes out the oldest
MOST_OF_ONE: Final = 20  # device, and of its own: nobody's login is pushed out by another's questions


class Challenges:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[bytes, tuple[str, datetime, str]] = OrderedDict()

    def give(self, purpose: str, now: datetime, device: str) -> bytes:
        challenge = secrets.token_bytes(BYTES)
        with self._lock:
            own = [one for one, (*_, whose) in self._open.items() if whose == device]
            for oldest in own[: max(0, len(own) + 1 - MOST_OF_ONE)]:
                del self._open[oldest]
            self._open[challenge] = (purpose, now + LASTS, device)
            while len(self._open) > MOST:
                self._open.popitem(last=False)
        return challenge

    def take(self, challenge: bytes | None, purpose: str, now: datetime) -> bool:
        """Whether it was given for that, and is open still; it is no more."""
        if challenge is None:
            return False
        with self._lock:
            found = self._open.pop(challenge, None)
        return found is not None and found[0] == purpose and found[1] > now
