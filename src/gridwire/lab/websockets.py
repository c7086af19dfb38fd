"""WebSocket clients of the load: opened at the start, they must still hear at the end."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException


class Listeners:
    """``wanted`` connections to /stream of a route. One that closes before ``close`` is dropped, and stays so."""

    def __init__(self, address: str, port: int, host: str, wanted: int) -> None:
        self._where = (address, port)
        self._url = f"ws://{host}/stream"
        self._wanted = wanted
        self._tasks: list[asyncio.Task[None]] = []
        self._open: list[ClientConnection] = []
        self._closing = False
        self.dropped = 0
        self.messages = 0

    async def open(self) -> None:
        for _ in range(self._wanted):
            try:
                connection = await connect(
                    self._url,
                    host=self._where[0],
                    port=self._where[1],
                    proxy=None,
                    compression=None,
                    ping_interval=None,
                )
            except (OSError, TimeoutError, WebSocketException):
                self.dropped += 1
                continue
            self._open.append(connection)
            self._tasks.append(asyncio.create_task(self._listen(connection)))

    async def _listen(self, connection: ClientConnection) -> None:
        try:
            async for _ in connection:
                self.messages += 1
        except ConnectionClosed:
            pass
        if not self._closing:
            self.dropped += 1

    async def close(self) -> tuple[int, int, int]:
        """Say goodbye; return how many were opened, dropped, and how many messages were heard."""
        self._closing = True
        for connection in self._open:
            with suppress(TimeoutError):
                await asyncio.wait_for(connection.close(), 2)
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return len(self._open), self.dropped, self.messages
