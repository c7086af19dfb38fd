"""Follows the grid for the stream: looks at it when something stirred, and says what is another thing now.

With readers it looks at once, and then no sooner than four times what the look took; without, every five seconds
where something stirred, so that who comes back within minutes still gets what it missed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog
from fastapi.concurrency import run_in_threadpool

from gridwire.control.alerts import look
from gridwire.control.errors import raised_at
from gridwire.control.grid import Grid
from gridwire.control.moment import Moment, Said, resync, revised, said
from gridwire.control.perimeter import Looked
from gridwire.core.errors import GridwireError

SETTLE: Final = 0.1  # seconds: a burst of reports is one look
QUIET: Final = 5.0  # seconds between looks that nobody reads
SLOW: Final = 30.0  # and those that nothing stirred
LATEST: Final = (
    2.0  # seconds after which a reader's picture is looked at though nothing stirred: time alone turns nodes
)
PERIMETER: Final = timedelta(seconds=5)  # between looks at the perimeter, which has a line for every socket
_SHARE: Final = 4.0  # a look may take a fifth of the time
_LINES: Final = 500  # audit lines and revisions that are told one by one; of more, who reads is told to ask


class Follower:
    def __init__(self, grid: Grid, log: structlog.typing.FilteringBoundLogger) -> None:
        self._grid = grid
        self._log = log
        self._moment: Moment | None = None
        self._event: int | None = None
        self._revision: int | None = None
        self._looked: tuple[datetime, tuple[Looked, ...]] | None = None
        self._joined = asyncio.Event()  # a reader came
        grid.stream.on_join = self._somebody

    async def run(self) -> None:
        """Until the grid is closed. A look that fails is said, and the next may be better."""
        grid, loop = self._grid, asyncio.get_running_loop()
        while not grid.stirred.closed:
            seen, began = grid.stirred.count, loop.time()
            try:
                for kind, data in await run_in_threadpool(self.look):
                    grid.stream.publish(kind, data)
                if not grid.stream.ready:
                    grid.stream.ready = True
                    grid.stream.wake()
            except GridwireError as error:
                if error.code != "no-grid":
                    self._log.warning("the grid is not followed", error=str(error))
            except Exception as error:  # noqa: BLE001  # said each time, with where it came from, until it is mended
                self._log.error(
                    "the grid is not followed",
                    error=f"{type(error).__name__}: {error}",
                    at=raised_at(error),
                )
                grid.stream.publish(*resync("control could not tell what changed"))
            await self._rest(seen, max(SETTLE, _SHARE * (loop.time() - began)))

    async def _rest(self, seen: int, settle: float) -> None:
        grid = self._grid
        await asyncio.sleep(settle)
        if not grid.stream.readers:
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET):
                    await self._joined.wait()
                # Who comes asks for a page now, and in a large grid a look would hold that up. Nothing is missed: a
                # look tells all that turned since the one before.
                await asyncio.sleep(min(settle, LATEST))
        if not self._joined.is_set():
            await grid.stirred.rung(seen, LATEST if grid.stream.readers else QUIET if grid.teller.busy else SLOW)
        self._joined.clear()

    def _somebody(self) -> None:
        self._joined.set()
        self._grid.stirred.ring()

    def look(self) -> list[Said]:
        """What to say since the last look; nothing at the first one. Blocks on the database."""
        grid = self._grid
        snapshot = grid.snapshot()
        found = [*self._revisions(snapshot.version[1]), *self._events()]
        picture = grid.picture(snapshot, anew=True)
        moment = Moment.of(picture)
        if self._moment is not None:
            found += moment.since(self._moment)
        self._moment = moment
        if self._looked is None or not timedelta(0) <= picture.now - self._looked[0] < PERIMETER:
            self._looked = (picture.now, grid.look(picture, snapshot))
        seen = look(picture, moment, self._looked[1], grid.traffic.lately())
        return [*found, *grid.teller.look(seen)]

    def _revisions(self, newest: int) -> list[Said]:
        before, self._revision = self._revision, newest
        if before is None or before == newest:
            return []
        with self._grid.store.reading() as reading:
            revisions = reading.revisions(limit=min(_LINES, max(1, newest - before)))
        return [said("revision", revised(revision)) for revision in reversed(revisions)]

    def _events(self) -> list[Said]:
        if self._event is not None and self._event == self._grid.audit_head().number:
            return []
        with self._grid.store.reading() as reading:
            if self._event is None:
                last = reading.last_event()
                self._event = 0 if last is None else last.number
                return []
            events = reading.events(after=self._event, limit=_LINES)
            if len(events) == _LINES:
                last = reading.last_event()
                self._event = events[-1].number if last is None else last.number
                return [resync("too much happened at once")]
        if events:
            self._event = events[-1].number
        return [said("event", event) for event in events]
