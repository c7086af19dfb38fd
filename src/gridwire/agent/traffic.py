"""What a gateway's nginx counts, carried to control: once a second while there is traffic, and else not at all."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gridwire.adapters.control_api import Away, calls
from gridwire.agent.control_link import ControlLink
from gridwire.core.errors import Unavailable

_WAIT = 55.0  # seconds that nginx may hold the question while there is nothing


class Counts(Protocol):
    """gridwire.adapters.nginx.Counts, or a test's."""

    async def take(self, wait: float) -> bytes | None: ...


class Courier:
    """``pause``: seconds between two rides; ``away``: before the next one where somebody is away."""

    def __init__(self, counts: Counts, link: ControlLink, *, pause: float = 1.0, away: float = 5.0) -> None:
        self._counts = counts
        self._link = link
        self._pause = pause
        self._away = away

    async def traffic(self) -> None:
        """For ever. What control cannot have had is brought again; what it may have had is not, lest it count twice."""
        while True:
            try:
                taken = await self._counts.take(_WAIT)
            except Unavailable:
                await asyncio.sleep(self._away)
                continue
            while taken is not None:
                try:
                    await self._link.send(calls.counted(taken))
                    taken = None
                except Away as error:
                    taken = None if error.sent else taken
                    await asyncio.sleep(self._away)
            await asyncio.sleep(self._pause)
