"""Waiting for an event or a lock, or for as long as it may take."""

from __future__ import annotations

import asyncio


async def happened(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set in time. Not wait_for(): before Python 3.12 it loses a cancellation that comes
    at the same moment (github.com/python/cpython/issues/86296), and an agent would not end."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def locked(lock: asyncio.Lock, seconds: float) -> bool:
    """Whether the lock was had in time; it is the caller's then."""
    try:
        async with asyncio.timeout(seconds):
            await lock.acquire()
    except TimeoutError:
        return False
    return True
