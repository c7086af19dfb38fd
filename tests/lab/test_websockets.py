"""A WebSocket is kept only where something said after the load comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve

from gridwire.lab.websockets import Kept, Listeners

Behaviour = Callable[[ServerConnection], Awaitable[None]]


async def echo(connection: ServerConnection) -> None:
    await connection.send("tick")
    async for message in connection:
        await connection.send(message)


async def mute(connection: ServerConnection) -> None:
    await connection.send("tick")
    async for _ in connection:
        pass


async def hang_up(connection: ServerConnection) -> None:
    await connection.send("tick")


async def kept_by(behaviour: Behaviour, wanted: int) -> Kept:
    async with serve(behaviour, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        listeners = Listeners("127.0.0.1", port, "stream.test", wanted)
        await listeners.open()
        return await listeners.close(patience=0.5)


@pytest.mark.parametrize(
    ("behaviour", "dropped", "silent"),
    [pytest.param(echo, 0, 0, id="answers"), pytest.param(mute, 0, 3, id="open-but-mute")],
)
def test_streams_are_told_apart(behaviour: Behaviour, dropped: int, silent: int) -> None:
    kept = asyncio.run(kept_by(behaviour, 3))

    assert (kept.opened, kept.dropped, kept.silent) == (3, dropped, silent)
    assert kept.messages >= 3


def test_one_that_the_other_side_ends_is_dropped_and_not_silent() -> None:
    kept = asyncio.run(kept_by(hang_up, 2))

    assert (kept.opened, kept.dropped, kept.silent) == (2, 2, 0)


def test_one_that_never_opened_is_dropped() -> None:
    async def nobody_there() -> Kept:
        listeners = Listeners("127.0.0.1", 1, "stream.test", 2)
        await listeners.open()
        return await listeners.close(patience=0.5)

    kept = asyncio.run(nobody_there())

    assert (kept.opened, kept.dropped) == (0, 2)
