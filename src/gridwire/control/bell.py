"""Waking those who wait on the event loop when a thread has changed something.

A waiter reads ``count`` first, looks second and waits third, so that nothing rung in between is missed. Waiting
holds neither a thread nor a transaction: a hundred long polls on threads froze everything else for 5.9 s.
"""

from __future__ import annotations

import asyncio
import threading


class Bell:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self.count = 0
        self.closed = False

    def ring(self) -> None:
        """Wake all who wait; from any thread."""
        with self._lock:
            self.count += 1
            waiters, self._waiters = self._waiters, {}
        for future, loop in waiters.items():
            loop.call_soon_threadsafe(_wake, future)

    def close(self) -> None:
        """Wake all, and let nobody wait any more: the process ends."""
        self.closed = True
        self.ring()

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    async def rung(self, seen: int, seconds: float) -> None:
        """Return once the bell was rung after ``seen`` was read, or ``seconds`` have passed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self.count != seen or self.closed or seconds <= 0:
                return
            self._waiters[future] = loop
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
