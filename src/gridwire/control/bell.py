"""Waking those who wait on the event loop when a thread has changed something.

A waiter reads ``count`` first, looks second and waits third, so that nothing rung in between is missed. Waiting
holds neither a thread nor a transaction: a hundred long polls on threads froze everything else for 5.9 s.

A waiter may say what it looked at, and who rings for whom of those it is another thing now: to wake a thousand, each
of which looks again and finds nothing new, cost a second of CPU.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Looked = TypeVar("Looked")


class Bell(Generic[Looked]):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: dict[asyncio.Future[None], tuple[asyncio.AbstractEventLoop, Looked | None]] = {}
        self.count = 0
        self.closed = False

    def ring(self, concerns: Callable[[Looked], bool] | None = None) -> None:
        """Wake all who wait, or those whom it concerns; from any thread.

        Who began to wait after ``count`` was raised has looked since, or does not wait at all.
        """
        with self._lock:
            self.count += 1
            waiting = dict(self._waiters)
        for future, (loop, looked) in waiting.items():
            if concerns is None or looked is None or concerns(looked):
                with self._lock:
                    self._waiters.pop(future, None)
                loop.call_soon_threadsafe(_wake, future)

    def close(self) -> None:
        """Wake all, and let nobody wait any more: the process ends."""
        self.closed = True
        self.ring()

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    async def rung(self, seen: int, seconds: float | None, looked: Looked | None = None) -> None:
        """Return once the bell was rung for this waiter after ``seen`` was read, or ``seconds`` have passed; none:
        however long that takes."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self.count != seen or self.closed or (seconds is not None and seconds <= 0):
                return
            self._waiters[future] = (loop, looked)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return
        finally:
            with self._lock:
                self._waiters.pop(future, None)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
