"""Passwords as argon2id hashes, a few at once: each takes 64 MiB and about 0.1 s of a processor."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gridwire.core.errors import Unavailable

AT_ONCE: Final = 2
QUEUE: Final = 8  # who wait hold a thread of the server's
MOST_OF_ONE: Final = 3  # of both, for one device: whoever knows a password could keep all others out
_SECONDS: Final = 10.0


class Passwords:
    """Blocks; call it on a thread. ``hasher``: another cost, for tests."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher if hasher is not None else PasswordHasher()  # RFC 9106's second choice: t=3, 64 MiB, p=4
        self._turns = threading.Semaphore(AT_ONCE)
        self._places = threading.Semaphore(AT_ONCE + QUEUE)
        self._nobodys: str | None = None
        self._lock = threading.Lock()
        self._of: Counter[str] = Counter()
        self._lanes: dict[str, threading.Semaphore] = {}

    def hash(self, password: str, whose: str = "") -> str:
        """``whose``: from which device it comes."""
        with self._share(whose), self._turn():
            return self._hasher.hash(_bytes(password))

    def verify(self, hashed: str | None, password: str, whose: str = "") -> bool:
        """Whether it is the password of ``hashed``. None: of nobody, which takes as long to say no."""
        with self._share(whose), self._turn():
            if self._nobodys is None:
                self._nobodys = self._hasher.hash("the password of nobody")
            try:
                same = self._hasher.verify(hashed if hashed is not None else self._nobodys, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return same and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether it was made at another cost than is usual now."""
        return self._hasher.check_needs_rehash(hashed)

    @contextmanager
    def _share(self, whose: str) -> Iterator[None]:
        """Raise Unavailable where the device has all that one may have. One of its own is hashed at a time, so that a
        turn is left for others."""
        if not whose:
            yield
            return
        with self._lock:
            if self._of[whose] >= MOST_OF_ONE:
                raise _busy()
            self._of[whose] += 1
            lane = self._lanes.setdefault(whose, threading.Semaphore(AT_ONCE - 1))
        try:
            if not lane.acquire(timeout=_SECONDS):
                raise _busy()
            try:
                yield
            finally:
                lane.release()
        finally:
            with self._lock:
                self._of[whose] -= 1
                if not self._of[whose]:
                    del self._of[whose], self._lanes[whose]

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Raise Unavailable where too many wait."""
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._turns.acquire(timeout=_SECONDS):
                raise _busy()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")  # JSON can hold half a surrogate pair; UTF-8 cannot


def _busy() -> Unavailable:
    return Unavailable("too many log in at this moment", fix="try again in a few seconds", code="busy")
