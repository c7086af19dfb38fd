"""Control owns its database, and with it its audit chain: here somebody else follows the chain and keeps its head.

The head is a file of root's, and a line in the journal, neither of which control's user can alter. So a chain that
was made anew, altered near its end or cut short no longer follows from what was seen, also after a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gridwire.adapters.control_api import Call, calls
from gridwire.agent.control_link import ControlLink
from gridwire.agent.state_dir import AgentState
from gridwire.agent.waking import happened
from gridwire.core.errors import GridwireError
from gridwire.core.perimeter import Finding, Severity
from gridwire.protocol.api import Listing
from gridwire.protocol.audit import Event, Head, broken_at
from gridwire.protocol.heard import Heard

PAGE = 1000  # events in one answer
NEVER: Final = Head()


class Witness:
    """``log`` takes an event and its fields; ``every`` in seconds; ``find`` is given what is critical, once."""

    def __init__(
        self,
        link: ControlLink,
        state: AgentState,
        log: Callable[..., object],
        every: float,
        find: Callable[[Finding], object],
    ) -> None:
        self._link = link
        self._state = state
        self._log = log
        self._every = every
        self._find = find
        self._head = NEVER
        self._broken = False
        self._news = asyncio.Event()

    def told(self, answer: Heard | None) -> None:
        """What control answered to a report: where the chain ends, or nothing. That is no proof of anything, but where
        it is another head than the one seen last, the chain is looked at at once."""
        if answer is None or answer.audit != self._head:
            self._news.set()

    async def witness(self) -> None:
        """For ever: at news, and every so often, see whether what is new follows from what was seen, and log the head.

        Raise Invalid where the file of the head is damaged.
        """
        kept = await asyncio.to_thread(self._state.load_audit_head)
        self._head = kept or NEVER
        while True:
            self._news.clear()
            try:
                more = await self._step()
            except GridwireError:
                more = False  # that control is away is said elsewhere
            if not more:
                await happened(self._news, self._every)

    async def _step(self) -> bool:
        """Follow one page of the chain; whether there may be more of it at once."""
        head = self._head
        # From the head itself on: one that is gone, or is another, is seen before anything is added to it.
        events = await self._events(calls.events(after=max(head.number - 1, 0), limit=PAGE))
        broken = first_break(head, events)
        if broken is not None:
            await self._break(head, broken)
            return False
        if events and events[-1].number > head.number:
            await self._move(Head(number=events[-1].number, hash=events[-1].hash))
        return len(events) == PAGE

    async def _move(self, head: Head) -> None:
        self._head = head
        self._log("audit-head", number=head.number, hash=head.hash)
        if not self._broken:  # the file keeps what was last whole, so that a restart finds the break again
            await asyncio.to_thread(self._state.save_audit_head, head)

    async def _break(self, head: Head, number: int) -> None:
        """Say so, and go on from where the chain ends now: the journal has its heads from there on."""
        self._broken = True
        self._log("audit-broken", number=number, seen=head.number, hash=head.hash)
        self._find(broken_chain(head, number, str(self._state.audit_head)))
        newest = await self._events(calls.events(limit=1))
        await self._move(Head(number=newest[-1].number, hash=newest[-1].hash) if newest else NEVER)

    async def _events(self, call: Call[Listing[Event]]) -> tuple[Event, ...]:
        answer = await self._link.send(call)
        return () if answer.value is None else answer.value.items


def first_break(head: Head, events: tuple[Event, ...]) -> int | None:
    """The number of the first event that is not what ``head`` says or does not follow; none for a whole chain.

    ``events``: those from the head on, the head itself among them unless nothing was seen yet.
    """
    if head == NEVER:
        return broken_at(events)
    if not events or (events[0].number, events[0].hash) != (head.number, head.hash):
        return head.number
    return broken_at(events[1:], head.hash)


def broken_chain(head: Head, number: int, kept: str) -> Finding:
    return Finding(
        id="audit-broken",
        severity=Severity.CRITICAL,
        where="control",
        what=f"the audit chain was altered: event {number} is not, or does not follow from, what was seen"
        f" up to event {head.number} ({head.hash[:12]}…)",
        fix="`gridwire events --verify` checks all of it; the agent's journal has the heads that were seen. Where the"
        f" database was put back from a copy, remove {kept} and restart the agent",
    )
