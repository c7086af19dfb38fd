"""What a host says besides its sections: findings, certificates, and what the guard counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gridwire.agent.host import Host
from gridwire.agent.reports import NOT_COUNTED, Counters
from gridwire.core.certificates import Certificate
from gridwire.core.errors import GridwireError
from gridwire.core.perimeter import Finding, Severity

_SELDOM = 6  # looks


class Surroundings:
    """Looked at every ``interval`` seconds at most, for no revocation should wait for it. Packets are counted as often
    while somebody is expected to join, who is told what has arrived, and seldom at rest: to ask nft takes 3 ms."""

    def __init__(self, host: Host, interval: float, elapsed: Callable[[], float]) -> None:
        self._host, self._interval, self._elapsed = host, interval, elapsed
        self._looked = self._counted = float("-inf")
        self.findings: tuple[Finding, ...] = ()
        self.counters: Counters = NOT_COUNTED
        self.certificates: tuple[Certificate, ...] = ()

    async def look(self, *, counting: bool = True) -> None:
        now = self._elapsed()
        if now - self._looked < self._interval:
            return
        self._looked = now
        if counting := counting or now - self._counted >= self._interval * _SELDOM:
            self._counted = now
        self.certificates = () if self._host.certificates is None else self._host.certificates()
        self.findings, self.counters = await asyncio.to_thread(self._seen, counting)

    def _seen(self, counting: bool) -> tuple[tuple[Finding, ...], Counters]:
        try:
            counted = self.counters
            if counting:
                counted = NOT_COUNTED if self._host.counters is None else self._host.counters()
            return tuple(finding for ask in self._host.findings for finding in ask()), counted
        except GridwireError as error:
            what = Finding(id=error.code, severity=Severity.WARNING, where="agent", what=str(error))
            return (what,), self.counters
