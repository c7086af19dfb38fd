"""What happens, as it happens. Holds neither a thread nor a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Annotated, Any, Final, cast

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from gridwire.control.access import READ, allow
from gridwire.control.caller import Person
from gridwire.control.endpoint import CallerOf, GridOf, router, still_allowed
from gridwire.control.grid import Grid
from gridwire.control.moment import Said, resync, revised, said
from gridwire.control.stream import MOST_OF_ONE, MOST_READERS, Reader
from gridwire.core.errors import Invalid, Unavailable
from gridwire.core.names import shown
from gridwire.core.traffic import Kind
from gridwire.protocol.stream import STREAM_PATH, Told

FIRST_LOOK: Final = 15.0  # seconds that a reader waits for it at most, while control starts
RECHECK: Final = 2.0  # seconds in which a reader that may no longer read is cut
STUCK: Final = 30.0  # seconds that a reader may take nothing
SECOND: Final = 1.0  # between two of traffic, which also tell everybody on the way that this connection lives
MOST_WATCHED: Final = 50
RETRY: Final = 1000  # milliseconds until a browser comes back

_TOLD: Final[dict[int | str, dict[str, Any]]] = {200: {"description": "The data of one event", "model": Told}}

routes = router()


class _Stuck(Exception):
    """The reader took nothing for too long."""


class _Events(StreamingResponse):
    """Who takes nothing for long is cut off: a connection and its place are not to be had for ever."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def soon(message: Any) -> None:
            try:
                async with asyncio.timeout(STUCK):
                    await send(message)
            except TimeoutError:
                raise _Stuck from None  # an OSError would be taken for a client that left

        try:
            await super().__call__(scope, receive, soon)
        except _Stuck:
            pass  # uvicorn closes the connection of an answer that has no end
        finally:
            await cast(AsyncGenerator[bytes], self.body_iterator).aclose()


@routes.get(STREAM_PATH, tags=["stream"], response_class=_Events, responses=_TOLD)
@allow(*READ)
async def read_stream(
    grid: GridOf,
    request: Request,
    caller: CallerOf,
    seconds: Annotated[float | None, Query(ge=0, le=86400)] = None,
    watch: Annotated[list[str] | None, Query(max_length=MOST_WATCHED)] = None,
) -> Response:
    """Server-sent events (gridwire.protocol.stream), from Last-Event-ID where that is still kept; for so many seconds,
    or until the reader, its login or control ends. ``watch``: kind:name, whose traffic is told beside the whole."""
    watched = [_watched(text) for text in watch or ()]
    if grid.stream.readers >= MOST_READERS:
        raise Unavailable(f"{MOST_READERS} read the stream already", fix="close some panels, then try again")
    whose = caller.operator if isinstance(caller, Person) else ""
    if whose and grid.stream.readers_of(whose) >= MOST_OF_ONE:
        raise Unavailable(f"{whose} reads the stream {MOST_OF_ONE} times", fix="close some panels, then try again")
    await run_in_threadpool(grid.snapshot)  # raises where there is no grid yet
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return _Events(_events(grid, request, whose, seconds, watched), headers=headers)


async def _events(
    grid: Grid, request: Request, whose: str, seconds: float | None, watched: list[tuple[Kind, str]]
) -> AsyncGenerator[bytes]:
    loop, stream = asyncio.get_running_loop(), grid.stream
    until = float("inf") if seconds is None else loop.time() + seconds
    reader, missed = stream.join(request.headers.get("last-event-id"), whose)
    try:
        if not stream.ready:  # what is asked for from here on is no older than the first look
            await _woken(reader, min(FIRST_LOOK, until - loop.time()))
        yield format_sse_event(comment="gridwire", retry=RETRY)
        if missed:
            yield _event(grid, reader.number, resync("what was missed is no longer kept"))
        yield _event(grid, reader.number, await run_in_threadpool(_newest, grid))
        checked = counted = loop.time()
        ended = grid.ended
        while not stream.closed and loop.time() < until:
            if loop.time() - checked >= RECHECK or grid.ended != ended:
                ended = grid.ended
                if not await still_allowed(request):
                    return
                checked = loop.time()
            reader.woken.clear()
            messages = stream.take(reader)
            if messages is None:
                yield _event(grid, reader.number, resync("too slow: what was not read is no longer kept"))
                return
            for message in messages:
                yield _event(grid, message.number, (message.kind, message.data))
            if loop.time() - counted >= SECOND:
                counted = max(counted + SECOND, loop.time() - SECOND / 2)
                yield format_sse_event(event="traffic", data_str=said("traffic", grid.traffic.now(watched))[1])
            await _woken(reader, min(counted + SECOND, until) - loop.time())
    finally:
        stream.leave(reader)


def _watched(text: str) -> tuple[Kind, str]:
    kind, _, name = text.partition(":")
    if kind not in list(Kind) or not name:
        raise Invalid("watch", f"{shown(text)} names nothing to watch", fix="write it like route:api or node:home-1")
    return Kind(kind), name


async def _woken(reader: Reader, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await reader.woken.wait()


def _event(grid: Grid, number: int, what: Said) -> bytes:
    return format_sse_event(event=what[0], data_str=what[1], id=grid.stream.id_of(number))


def _newest(grid: Grid) -> Said:
    with grid.store.reading() as reading:
        return said("revision", revised(reading.revisions(limit=1)[0]))
