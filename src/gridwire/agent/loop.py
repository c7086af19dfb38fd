"""The agent's loops: follow control's spec, keep the host that way, say how it is. They take no connections.

The agent starts from the last saved spec at once, goes on without control for as long as it takes, adopts what
runs, and leaves all of it running when it ends.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gridwire.adapters.clock import monotonic, utc_now
from gridwire.adapters.control_api import Answer, Call, calls
from gridwire.agent.chores import Chores
from gridwire.agent.control_link import ControlLink, answered
from gridwire.agent.dead_man import DeadMan, cut_off
from gridwire.agent.desired import Desired
from gridwire.agent.endpoints import Endpoints
from gridwire.agent.guard_keeper import GuardDuty, Kept
from gridwire.agent.host import Host, Pace
from gridwire.agent.reconcile import Outcome, Reconciler
from gridwire.agent.reports import Pulse, Said, control_away, make_report
from gridwire.agent.sockets import SocketTeller
from gridwire.agent.state_dir import AgentState, Version
from gridwire.agent.surroundings import Surroundings
from gridwire.agent.traffic import Courier
from gridwire.agent.waking import happened, locked
from gridwire.agent.witness import Witness
from gridwire.core.errors import GridwireError, Invalid
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.spec import NodeSpec
from gridwire.protocol.agent import ApplyState

_REPORT_GAP = 0.05  # seconds between reports: a burst of turning endpoints is one of them
_SETTLE = 0.1  # seconds after a change of the host, mostly our own: its report goes first, and a new spec at once
_HELD_UP = 0.3  # seconds that a new spec waits for a look around, until whom it revokes is cut off meanwhile
_QUICK_ANSWER = 0.5  # seconds: a long poll that says "nothing new" sooner is not waiting


@dataclass(slots=True)
class _Seen:
    """What the loops tell each other."""

    outcome: Outcome | None = None
    in_force: Version | None = None
    control: GridwireError | None = None
    faults: dict[str, Finding] = field(default_factory=dict)


class Agent:
    """``run`` until ``stop``; ``log`` takes an event and its fields. Made inside the event loop that runs it.

    ``renewed``: as core.joined.renewed gives it.
    """

    def __init__(
        self,
        identity: JoinedAs,
        state: AgentState,
        host: Host,
        link: ControlLink,
        log: Callable[..., object],
        *,
        renewed: JoinedAs | None = None,
        pace: Pace | None = None,
        now: Callable[[], datetime] = utc_now,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._identity = identity
        self._host = host
        self._link = link
        self._log = log
        self._pace = pace or Pace()
        self._now = now
        self._elapsed = elapsed
        self._desired = Desired(identity, state, renewed)
        self._reconciler = Reconciler(host.sections, state, now)
        self._dead_man = DeadMan(self._pace.dead_man)
        self._seen = _Seen()
        self._audit = Witness(link, state, log, self._pace.witness, lambda found: self._seen.faults.update(audit=found))
        self._files = asyncio.Lock()  # the state directory and the host: for one at a time
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()  # woken by a new spec
        self._changed = False  # woken by a change of the host
        self._report_now = asyncio.Event()
        self._way_changed = asyncio.Event()
        self._rolled_back = asyncio.Event()
        self._stopping = asyncio.Event()
        self._surroundings = Surroundings(host, self._pace.report, elapsed)
        self._loop = asyncio.get_running_loop()
        self._keeping: asyncio.Task[None] | None = None  # a task that nobody holds may be collected
        self._endpoints = Endpoints(identity, host, self._pace, log, self._report_now.set)
        self._sockets = SocketTeller(
            identity.node, link, host.sockets, lambda: self._desired.spec, self._reconciler, now, self._pace.sockets
        )
        self._duty = GuardDuty(self._reconciler.guard, host.end_nginx, self._of_guard, self._pace)

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Returns after ``stop``. Once for each agent."""
        await asyncio.to_thread(self._desired.boot)
        loops: list[Callable[[], Coroutine[Any, Any, None]]]
        loops = [self._duty.run, self._reconcile, self._poll, self._report]
        loops += [self._push_health] if self._host.push_health is not None else []
        loops += [self._audit.witness] if self._identity.role is Role.GATEWAY else []
        chores = Chores(self._host, self._pace, lambda name: self._seen.faults.pop(name, None), self.stop)
        loops += [chores.rotate] if self._host.rotate_logs is not None else []
        loops += [chores.follow] if self._host.follow_address is not None else []
        loops += [self._sockets.tell] if self._host.sockets is not None else []
        loops += [Courier(self._host.counts, self._link).traffic] if self._host.counts is not None else []
        with ExitStack() as watches:
            self._start_watches(watches)
            tasks = [asyncio.create_task(self._forever(loop)) for loop in loops]
            try:
                await self._stopping.wait()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._endpoints.close()
                self._duty.close()
                await self._link.close()

    # --- keeping the loops alive

    async def _forever(self, loop: Callable[[], Awaitable[None]]) -> None:
        """A fault in one loop is reported and the loop begins again; the others go on meanwhile."""
        name = getattr(loop, "__name__", "loop").strip("_")
        while True:
            try:
                await loop()
            except Exception as error:  # noqa: BLE001  # in every heartbeat until the loop has gone round again
                self._fault(name, f"{type(error).__name__}: {error}")
                await asyncio.sleep(1.0)

    def _fault(self, name: str, what: str) -> None:
        self._log("fault", where=name, what=what)
        self._seen.faults[name] = Finding(
            id="agent-fault", severity=Severity.WARNING, where="agent", what=f"{name}: {what}"
        )

    def _start_watches(self, watches: ExitStack) -> None:
        loop = asyncio.get_running_loop()

        def changed(at: float) -> None:
            self._changed = True
            self._wake.set()
            self._duty.changed(at)

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: the agent is ending
                loop.call_soon_threadsafe(changed, self._elapsed())

        for watch in self._host.watches:
            try:
                watches.callback(watch(wake).close)
            except (GridwireError, OSError) as error:  # changes are seen at the heal interval, then
                self._fault("watch", str(error))

    def _of_guard(self, kept: Kept) -> None:
        """What its own watch did for the guard; what the others did is in their outcome."""
        before, finding = self._seen.faults.pop("guard", None), kept.finding
        if finding is not None:
            self._seen.faults["guard"] = finding
        if kept.done or finding != before:
            self._log("guarded", did=list(kept.done), detail="" if kept.error is None else str(kept.error))
            self._report_now.set()

    # --- the host

    async def _reconcile(self) -> None:
        tries = 0
        looked = float("-inf")  # when all of the host was looked at
        while True:
            quick = self._urgent.is_set() and self._elapsed() - looked < self._pace.heal
            self._wake.clear()
            self._urgent.clear()
            if not quick:
                looked, self._changed = self._elapsed(), False
            async with self._files:
                spec = self._desired.spec
                outcome = None if spec is None else await asyncio.to_thread(self._make, spec, quick)
            self._seen.faults.pop("reconcile", None)
            if spec is None or outcome is None:
                await self._rest(self._pace.heal, tries=0)
                continue
            tries = 0 if outcome.state is ApplyState.IN_SYNC else tries + 1
            self._endpoints.check(self._desired.spec)
            failed = outcome.state is ApplyState.FAILED
            pause = self._interval(spec, outcome, tries)
            if quick:
                # What somebody changed meanwhile is looked at right after the spec, which did not wait for it.
                pause = 0.0 if self._changed else max(0.0, min(pause, looked + self._pace.heal - self._elapsed()))
            await self._rest(pause, tries=tries if failed else 0)

    def _make(self, spec: NodeSpec, quick: bool) -> Outcome:
        """Blocking. Make the host this spec, and draw the consequences for which spec is followed."""
        desired, timer = self._desired, self._dead_man
        if overdue := desired.live and timer.overdue(self._elapsed()):
            outcome = self._reconciler.roll_back(spec, cut_off(spec.version, self._pace.dead_man))
            timer.disarm()
        else:
            if desired.live and self._identity.role is not Role.GATEWAY:
                timer.arm(self._elapsed())
            outcome = self._reconciler.apply(spec, live=desired.live, quick=quick)
            timer.applied(self._elapsed(), changed=bool(outcome.done), whole=outcome.state is ApplyState.IN_SYNC)
        if outcome.version is not None:
            self._seen.in_force = outcome.version
        kept = outcome.state is ApplyState.IN_SYNC and desired.live and not timer.armed
        if kept:
            desired.kept()
        elif outcome.state is ApplyState.ROLLED_BACK:
            timer.disarm()
            desired.rolled_back(self._elapsed(), first_hold=self._pace.dead_man if overdue else self._pace.hold)
        self._tell(spec, outcome)
        if kept:
            self._reconciler.commit(spec)  # said first: a revocation waits for the word, not for this disk
        return outcome

    def _tell(self, spec: NodeSpec, outcome: Outcome) -> None:
        before = self._seen.outcome
        if outcome.state is ApplyState.ROLLED_BACK:
            self._loop.call_soon_threadsafe(self._rolled_back.set)
        held = self._desired.retry_in(self._elapsed()) is not None
        if before is not None and before.state is ApplyState.ROLLED_BACK and held and not outcome.error:
            # Until the spec that failed is tried again, that it failed is the state of the node.
            outcome = Outcome(state=before.state, version=outcome.version, error=before.error, done=outcome.done)
        self._seen.outcome = outcome
        shown = (outcome.state, outcome.version, outcome.detail)
        if outcome.done or before is None or shown != (before.state, before.version, before.detail):
            version = f"{spec.epoch}.{spec.revision}"
            self._log("applied", state=str(outcome.state), spec=version, did=list(outcome.done), detail=outcome.detail)
            self._loop.call_soon_threadsafe(self._report_now.set)
            self._loop.call_soon_threadsafe(self._way_changed.set)

    def _interval(self, spec: NodeSpec, outcome: Outcome, tries: int) -> float:
        soon = self._pace.unsettled(outcome.state, tries)
        if soon is not None:
            return soon
        due = [self._pace.heal]
        due += [(peer.expires - self._now()).total_seconds() for peer in spec.mesh.peers if peer.expires is not None]
        due = [seconds for seconds in due if seconds > 0]  # an expiry that is past is done already
        remaining = self._dead_man.remaining(self._elapsed())
        return min(due if remaining is None else [*due, remaining])

    async def _rest(self, seconds: float, *, tries: int) -> None:
        """Until the time is up or something woke us; after a failure only a new spec does, since our own half-done
        changes wake us too."""
        until = self._elapsed() + seconds
        while not self._urgent.is_set() and (left := until - self._elapsed()) > 0:
            if not await happened(self._wake, left):
                return
            if tries == 0:
                await happened(self._urgent, _SETTLE)
                return
            self._wake.clear()

    # --- control

    async def _poll(self) -> None:
        pause = self._pace.away
        while True:
            asked = self._elapsed()
            retry = self._desired.retry_in(asked)
            wait = self._pace.poll if not retry else min(self._pace.poll, retry)
            try:
                answer = await self._ask(calls.spec(etag=self._desired.etag(asked), wait=round(wait, 3)))
                if answer is None:
                    continue
                self._hear(asked)
                if answer.value is not None:
                    await self._take(answer.value, answer.etag)
            except GridwireError as error:
                self._hear(asked, error)
                self._seen.control = error
                self._way_changed.clear()
                # Woken by a change of the host: a tunnel that was just made may carry again.
                await happened(self._way_changed, pause * random.uniform(0.7, 1.3))  # noqa: S311
                pause = min(pause * 2, self._pace.longest_away)
                continue
            self._seen.faults.pop("poll", None)
            if self._seen.control is not None:
                self._seen.control = None
                self._report_now.set()
            pause = self._pace.away
            if answer.value is None and self._elapsed() - asked < min(_QUICK_ANSWER, wait):
                await asyncio.sleep(min(_QUICK_ANSWER, self._pace.poll))

    async def _ask(self, call: Call[NodeSpec]) -> Answer[NodeSpec] | None:
        """None where a spec was rolled back meanwhile: the question is then another."""
        self._rolled_back.clear()
        asking = asyncio.create_task(self._link.send(call))
        otherwise = asyncio.create_task(self._rolled_back.wait())
        try:
            await asyncio.wait({asking, otherwise}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            otherwise.cancel()
            asking.cancel()
            await asyncio.gather(asking, otherwise, return_exceptions=True)

    async def _take(self, spec: NodeSpec, etag: str | None) -> None:
        """Raise GridwireError where it cannot be saved; a spec that is refused is a finding, and is not asked for
        again."""
        if not await locked(self._files, _HELD_UP):
            await self._revoke(spec)
            await self._files.acquire()
        try:
            try:
                fresh = await asyncio.to_thread(self._desired.take, spec, etag)
            except Invalid as error:
                self._log("refused", spec=f"{spec.epoch}.{spec.revision}", what=str(error))
                self._report_now.set()
                return
            if fresh:
                self._dead_man.disarm()
        finally:
            self._files.release()
        if fresh:
            self._urgent.set()
            self._wake.set()

    async def _revoke(self, spec: NodeSpec) -> None:
        """Whom the spec revokes waits for nothing that holds up the one before it."""
        if spec.tombstones and self._desired.admits(spec):
            done = await asyncio.to_thread(self._reconciler.revoke, spec.tombstones)
            self._log("revoked", spec=f"{spec.epoch}.{spec.revision}", did=list(done))

    def _hear(self, asked: float, error: GridwireError | None = None) -> None:
        if (error is None or answered(error)) and self._dead_man.hear(self._elapsed(), asked):
            self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        """Control was heard through the spec on trial."""
        async with self._files:
            spec = self._desired.spec
            if spec is not None and self._desired.live and not self._dead_man.armed:
                await asyncio.to_thread(self._reconciler.commit, spec)
                self._desired.kept()

    async def _report(self) -> None:
        pulse, woken = Pulse(self._pace.heartbeat), True
        while True:
            self._report_now.clear()
            report = make_report(self._identity.node, self._now(), self._reconciler.observed, await self._said())
            asked = self._elapsed()
            if not (woken or self._desired.expecting or pulse.due(report, asked)):
                woken = await happened(self._report_now, self._pace.report)
                continue
            try:
                heard = await self._link.send(calls.report(report))
                self._hear(asked)
                pulse.taken(report, asked)
                self._audit.told(heard.value)
                self._seen.faults.pop("report", None)
                if self._seen.control is not None and not answered(self._seen.control):
                    self._seen.control = None  # it is back, though a long poll may hold its answer for a while
                    self._report_now.set()
            except GridwireError as error:  # said again next time
                pulse.lost()
                self._hear(asked, error)
            await asyncio.sleep(_REPORT_GAP)
            woken = await happened(self._report_now, self._pace.report)

    async def _said(self) -> Said:
        findings = [*self._desired.findings, *self._seen.faults.values()]
        if (away := self._seen.control) is not None:
            findings.append(control_away(away))
        await self._surroundings.look(counting=self._desired.expecting)
        return Said(
            in_force=self._seen.in_force,
            outcome=self._seen.outcome,
            certificates=self._surroundings.certificates,
            endpoints=self._endpoints.seen(),
            findings=(*findings, *self._surroundings.findings, *self._sockets.findings),
            reach=self._endpoints.reach,
            counters=self._surroundings.counters,
            guard=self._reconciler.guard.seen,
            sockets=self._sockets.mark,
        )

    async def _push_health(self) -> None:
        await self._endpoints.push(lambda: self._seen.faults.pop("push_health", None))
