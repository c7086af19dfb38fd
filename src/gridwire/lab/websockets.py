"""WebSocket clients of the load: opened at the start, they must still carry messages at the end, both ways."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

_AT_A_TIME = 40  # handshakes under way; more would only queue on two cores
_FAREWELL = "is anybody there?"
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """``silent``: open to the end, but what was said there after the load got no answer."""

    opened: int
    dropped: int
    silent: int
    messages: int


@dataclass(slots=True)
class _Stream:
    connection: ClientConnection
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: bool = False


class Listeners:
    """``wanted`` connections to ``path`` of a route, which sends now and then and gives back what it is sent.

    One that does not open, or closes before ``close``, is dropped, and stays so.
    """

    def __init__(self, address: str, port: int, host: str, wanted: int, *, path: str = "/stream") -> None:
        self._where = (address, port)
        self._url = f"ws://{host}{path}"
        self._wanted = wanted
        self._tasks: list[asyncio.Task[None]] = []
        self._streams: list[_Stream] = []
        self._closing = False
        self._messages = 0

    async def open(self) -> None:
        turn = asyncio.Semaphore(_AT_A_TIME)

        async def one() -> None:
            async with turn:
                await self._open()

        await asyncio.gather(*(one() for _ in range(self._wanted)))

    async def _open(self) -> None:
        host, port = self._where
        try:
            connection = await connect(
                self._url, host=host, port=port, proxy=None, compression=None, ping_interval=None
            )
        except (OSError, TimeoutError, WebSocketException):
            return  # it is missing from the streams, which counts
        stream = _Stream(connection)
        self._streams.append(stream)
        self._tasks.append(asyncio.create_task(self._listen(stream)))

    async def _listen(self, stream: _Stream) -> None:
        with suppress(ConnectionClosed):
            async for message in stream.connection:
                self._messages += 1
                if message == _FAREWELL:
                    stream.answered.set()
        stream.dropped = not self._closing

    async def close(self, patience: float = _PATIENCE_SECONDS) -> Kept:
        """Say something on each, wait ``patience`` seconds for the answers, and say goodbye."""
        await asyncio.gather(*(self._farewell(stream, patience) for stream in self._streams))
        self._closing = True
        dropped = self._wanted - len(self._streams) + sum(stream.dropped for stream in self._streams)
        silent = sum(not stream.dropped and not stream.answered.is_set() for stream in self._streams)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._goodbye(stream) for stream in self._streams))
        return Kept(opened=len(self._streams), dropped=dropped, silent=silent, messages=self._messages)

    async def _farewell(self, stream: _Stream, patience: float) -> None:
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(patience):
                await stream.connection.send(_FAREWELL)
                await stream.answered.wait()

    async def _goodbye(self, stream: _Stream) -> None:
        with suppress(TimeoutError, ConnectionClosed):
            async with asyncio.timeout(2):
                await stream.connection.close()
