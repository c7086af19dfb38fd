"""What a host says besides its sections: findings, and what the guard counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gridwire.agent.host import Host
from gridwire.agent.reports import NOT_COUNTED, Counters
from gridwire.core.errors import GridwireError
from gridwire.core.perimeter import Finding, Severity


class Surroundings:
    """Looked at every ``interval`` seconds at most: it takes 20 ms, which no revocation should wait for."""

    def __init__(self, host: Host, interval: float, elapsed: Callable[[], float]) -> None:
        self._host, self._interval, self._elapsed = host, interval, elapsed
        self._looked = float("-inf")
        self.findings: tuple[Finding, ...] = ()
        self.counters: Counters = NOT_COUNTED

    async def look(self) -> None:
        if self._elapsed() - self._looked < self._interval:
            return
        self._looked = self._elapsed()
        self.findings, self.counters = await asyncio.to_thread(self._seen)

    def _seen(self) -> tuple[tuple[Finding, ...], Counters]:
        try:
            counted = NOT_COUNTED if self._host.counters is None else self._host.counters()
            return tuple(finding for ask in self._host.findings for finding in ask()), counted
        except GridwireError as error:
            what = Finding(id=error.code, severity=Severity.WARNING, where="agent", what=str(error))
            return (what,), self.counters
