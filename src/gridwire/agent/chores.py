"""What an agent does now and then besides: logs turned over, an address followed that somebody else gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gridwire.agent.host import Host, Pace
from gridwire.core.errors import GridwireError


class Chores:
    """``well``: a chore of that name went round; ``stop``: with the new address another agent begins."""

    def __init__(self, host: Host, pace: Pace, well: Callable[[str], object], stop: Callable[[], object]) -> None:
        self._host, self._pace, self._well, self._stop = host, pace, well, stop

    async def follow(self) -> None:
        assert self._host.follow_address is not None
        while True:
            with suppress(GridwireError):  # control could not be told: again, then
                if await asyncio.to_thread(self._host.follow_address):
                    self._stop()
            await asyncio.sleep(self._pace.failed)

    async def rotate(self) -> None:
        assert self._host.rotate_logs is not None
        while True:
            await asyncio.to_thread(self._host.rotate_logs)
            self._well("rotate")
            await asyncio.sleep(self._pace.rotate)
