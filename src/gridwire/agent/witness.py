"""Control owns its database, and with it its audit chain: where the chain ends is written down elsewhere as well.

The agent's log goes to the journal, which control's user cannot alter: a chain made anew does not hold those hashes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gridwire.adapters.control_api import calls
from gridwire.agent.control_link import ControlLink
from gridwire.core.errors import GridwireError


async def witness(link: ControlLink, log: Callable[..., object], every: float) -> None:
    """For ever: ask for the newest event each ``every`` seconds and log its number and hash when it is another."""
    seen: tuple[int, str] | None = None
    while True:
        try:
            answer = await link.send(calls.events(limit=1))
        except GridwireError:
            answer = None  # that control is away is said elsewhere
        for event in answer.value.items if answer is not None and answer.value is not None else ():
            head = (event.number, event.hash)
            if head != seen:
                seen = head
                log("audit-head", number=event.number, hash=event.hash)
        await asyncio.sleep(every)
