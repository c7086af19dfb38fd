"""The guard by itself: whoever asks, one thread at a time makes it stand, and a watch of its own heals it.

Nothing that blocks the rest of the agent (nginx, wg, a resolver) holds it up. Fail closed: where it cannot be made
to stand, nginx is ended before it has served for longer than a moment without it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from gridwire.adapters.clock import monotonic
from gridwire.agent.host import Pace
from gridwire.agent.section import Observed, Section, in_section, not_seen, not_taken, observed_of
from gridwire.agent.waking import happened
from gridwire.core.actions import Action
from gridwire.core.errors import GridwireError
from gridwire.core.guard import GuardSpec
from gridwire.core.observed import Unknown
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.perimeter_verdict import GuardSeen
from gridwire.core.spec import NodeSpec, Tombstone
from gridwire.core.tombstones import also_without

_ROUNDS = 3  # one does it; the others are for what another program changed meanwhile
LONGEST_REASON = 400  # characters
_SETTLE = 0.1  # seconds after a change, mostly our own: whoever made it has looked at it again by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """``done``: the reasons of what was changed; ``error``: why it does not stand, or none where it was seen to."""

    done: tuple[str, ...] = ()
    error: GridwireError | None = None

    @property
    def finding(self) -> Finding | None:
        if self.error is None:
            return None
        what, fix = self.error.what, self.error.fix
        return Finding(id=self.error.code, severity=Severity.CRITICAL, where="guard", what=what, fix=fix)


class GuardKeeper:
    """For several threads; raises nothing. Times are monotonic seconds.

    ``failing``: since when it has not stood, whatever was tried; none while it stands. ``seen``: as last read back.
    """

    def __init__(
        self, section: Section, now: Callable[[], datetime], *, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._section = section
        self._now = now
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._spec: NodeSpec | None = None
        self._revoked: tuple[Tombstone, ...] = ()
        self._looked = float("-inf")
        self.observed: Observed = Unknown("not read yet")
        self.failing: float | None = None
        self.seen: GuardSeen | None = None
        self._stood: GuardSpec | None = None

    def keep(self, spec: NodeSpec) -> Kept:
        """Make it the guard of ``spec``, and of no other one from now on."""
        with self._lock:
            self._spec = also_without(spec, self._revoked)
            return self._stand(self._spec)

    def revoke(self, tombstones: tuple[Tombstone, ...]) -> Kept:
        """Let these nodes in no more, whatever spec it is to be kept by."""
        with self._lock:
            self._revoked = tombstones
            if self._spec is None:
                return Kept()
            self._spec = also_without(self._spec, tombstones)
            return self._stand(self._spec)

    def seen_after(self, since: float) -> bool:
        """Whether it was looked at then and stood, or none is to be kept; waits for nobody who makes it stand."""
        return self._spec is None or (self.failing is None and self._looked > since)

    def heal(self, since: float) -> Kept | None:
        """Make it stand again; none where nothing is to be kept, or it has been seen to stand after ``since``."""
        with self._lock:
            if self._spec is None or self.seen_after(since):
                return None
            return self._stand(self._spec)

    def _stand(self, spec: NodeSpec) -> Kept:
        kept = self._carry_out(spec)
        if kept.error is None:
            self.failing = None
        elif self.failing is None:
            self.failing = self._elapsed()
        self.seen = self._seen_by(spec, kept)
        return kept

    def _seen_by(self, spec: NodeSpec, kept: Kept) -> GuardSeen:
        """What had to be done for the spec that it stood by already, somebody else had undone."""
        at, before = self._now(), self.seen
        repaired = bool(kept.done) and self._stood == spec.guard
        if kept.error is not None:
            stands, since = None if isinstance(self.observed, Unknown) else False, None
        else:
            stands, self._stood = True, spec.guard
            since = at if before is None or before.since is None or repaired else before.since
        repaired_at, what = (None, "") if before is None else (before.repaired_at, before.repaired)
        if repaired:
            repaired_at, what = at, "; ".join(kept.done)[:LONGEST_REASON]
        return GuardSeen(
            version=spec.version,
            read_at=at,
            stands=stands,
            since=since,
            detail="" if kept.error is None else kept.error.what,
            repaired_at=repaired_at,
            repaired=what,
        )

    def _carry_out(self, spec: NodeSpec) -> Kept:
        name, doing = self._section.name, "plan"
        done: list[str] = []
        try:
            for _ in range(_ROUNDS):
                if not (actions := self._plan(spec)):
                    seen = self.observed
                    error = not_seen(name, seen) if isinstance(seen, Unknown) else None
                    return Kept(done=tuple(done), error=error)
                for action in actions:
                    doing = action.reason
                    self._section.apply(action)
                    done.append(f"{name}: {doing}")
                doing = "plan"
            left = self._plan(spec)
        except Exception as error:  # noqa: BLE001  # reported, and fails closed
            return Kept(done=tuple(done), error=in_section(name, doing, error))
        return Kept(done=tuple(done), error=not_taken(f"{name}: {left[0].reason}") if left else None)

    def _plan(self, spec: NodeSpec) -> tuple[Action, ...]:
        self._looked = self._elapsed()
        self.observed = observed_of(self._section)
        return self._section.plan(spec, self.observed, self._now())


class GuardDuty:
    """The task that heals the guard, in threads of its own. ``tell`` gets what was done, and what is wrong.

    ``end_nginx`` ends an nginx of ours, tells whether there was one, and blocks.
    """

    def __init__(
        self,
        keeper: GuardKeeper,
        end_nginx: Callable[[], bool],
        tell: Callable[[Kept], None],
        pace: Pace,
        *,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._keeper = keeper
        self._end_nginx = end_nginx
        self._tell = tell
        self._pace = pace
        self._elapsed = elapsed
        self._changed = float("-inf")
        self._woken = asyncio.Event()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="guard")  # the common ones may all be blocked
        self._ending: asyncio.Task[None] | None = None
        self._error: GridwireError | None = None

    def changed(self, at: float) -> None:
        """Something on the host changed just before ``at``. In the event loop."""
        self._changed = at
        self._woken.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._woken.clear()
            # The reconciler looks every ``heal`` seconds, unless it is held up.
            since = max(self._changed, self._elapsed() - self._pace.heal * 1.5)
            kept = None
            if not self._keeper.seen_after(since):
                kept = await asyncio.get_running_loop().run_in_executor(self._threads, self._keeper.heal, since)
            if kept is None and self._error is not None and self._keeper.failing is None:
                kept = Kept()  # somebody else made it stand
            if kept is not None:
                self._error = kept.error
                self._tell(kept)
            self._fail_closed()
            if await happened(self._woken, self._pace.heal if self._keeper.failing is None else self._pace.failed):
                await asyncio.sleep(_SETTLE)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fail_closed(self) -> None:
        """Again and again while it fails: whatever starts nginx may not know."""
        failing = self._keeper.failing
        if failing is None or self._elapsed() - failing < self._pace.bare:
            return
        if self._ending is None or self._ending.done():
            self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        try:
            if await asyncio.get_running_loop().run_in_executor(self._threads, self._end_nginx):
                done = ("guard: nginx was ended, which may not serve without it",)
                self._tell(Kept(done=done, error=self._error))
        except Exception as error:  # noqa: BLE001  # told, and tried again
            self._tell(Kept(error=in_section("guard", "end nginx, which may not serve without it", error)))
