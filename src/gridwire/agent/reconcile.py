"""Make the host what a spec says: observe, plan, apply, verify; commit or roll back. No choices but these.

    in-sync       the plan is empty; committed, or kept on trial until control is heard through it
    applying      something is not there yet (Unavailable): tried again soon, never rolled back for
    failed        an action failed, or did not take, and there is nothing older to go back to
    rolled-back   the same, and the spec that was in force before stands again

The guard comes first and by itself, then the cuts: peers that must go, and their sockets. What is wrong with one
section holds up that section alone, but for the guard, without which nothing but cuts goes on, and for the names,
which are only told. The first error is the one that is kept. Revocations are never rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gridwire.agent.guard_keeper import GuardKeeper
from gridwire.agent.section import CuttingSection, Observed, Section, in_section, not_seen, not_taken, observed_of
from gridwire.agent.shared import SharedSection
from gridwire.agent.state_dir import AgentState, Version
from gridwire.core.actions import Action
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.observed import Unknown
from gridwire.core.plan import ASIDE, Plan, arrange, cuts_first, section_order
from gridwire.core.spec import NodeSpec, Tombstone
from gridwire.core.tombstones import without_revoked
from gridwire.protocol.agent import ApplyState

_ROUNDS = 3  # one does it; the others are for what a process that was just started changed meanwhile
_GUARD = "guard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``version`` is what is in force and verified, or none; ``done`` the reasons of what was changed."""

    state: ApplyState
    version: Version | None
    error: GridwireError | None = None
    done: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        return "" if self.error is None else str(self.error)


@dataclass(slots=True)
class _Attempt:
    """``aside``: what is wrong with a section that no spec is taken back for. ``held``: sections that something is
    wrong with, which are left alone until the next attempt; ``unplanned``: those of them that could not even plan.
    """

    done: list[str] = field(default_factory=list)
    waiting: GridwireError | None = None
    failure: GridwireError | None = None
    aside: GridwireError | None = None
    held: set[str] = field(default_factory=set)
    unplanned: set[str] = field(default_factory=set)

    @property
    def ok(self) -> bool:
        return self.waiting is None and self.failure is None

    def note(self, name: str, error: GridwireError) -> None:
        """Of each kind of error the first is kept."""
        self.held.add(name)
        if name in ASIDE:
            self.aside = self.aside or error
        elif isinstance(error, Unavailable):
            self.waiting = self.waiting or error
        else:
            self.failure = self.failure or error


class Reconciler:
    """Not for two threads at once, but for ``revoke``. ``observed`` is what was last read, section by section."""

    def __init__(self, sections: Sequence[Section], state: AgentState, now: Callable[[], datetime]) -> None:
        self._shared = {one.name: SharedSection(one) for one in sections if isinstance(one, CuttingSection)}
        self._sections: dict[str, Section] = {section.name: section for section in sections} | self._shared
        section_order(self._sections)
        self._state = state
        self._now = now
        self._verified: NodeSpec | None = None
        self.guard = GuardKeeper(self._sections[_GUARD], now)
        self.observed: Mapping[str, Observed] = {}

    def apply(self, spec: NodeSpec, *, live: bool, quick: bool = False) -> Outcome:
        """One attempt; raises nothing. ``live``: on trial, so committing is left to ``commit``.

        ``quick``: look only at the sections that this spec wants otherwise than the one verified last. Reading the
        others costs 60 ms of CPU, and they are looked at every other time.
        """
        names = self._changed(spec) if quick and self._verified is not None else tuple(self._sections)
        attempt = self._converge(spec, names)
        self._verified = spec if attempt.ok else None
        if attempt.failure is not None:
            return self._roll_back(spec, attempt)
        done = tuple(attempt.done)
        if attempt.waiting is not None:
            return Outcome(state=ApplyState.APPLYING, version=None, error=attempt.waiting, done=done)
        unsaved = None if live else self.commit(spec)
        return Outcome(state=ApplyState.IN_SYNC, version=spec.version, error=attempt.aside or unsaved, done=done)

    def revoke(self, tombstones: tuple[Tombstone, ...]) -> tuple[str, ...]:
        """Cut these nodes off, in another thread than the one that applies a spec and may be held up; what was done."""
        done = list(self.guard.revoke(tombstones).done)
        for section in self._shared.values():
            done += section.revoke(tombstones, self._now())
        return tuple(done)

    def _changed(self, spec: NodeSpec) -> tuple[str, ...]:
        return tuple(name for name in self._sections if _part(spec, name) != _part(self._verified, name))

    def commit(self, spec: NodeSpec) -> GridwireError | None:
        """Keep the spec as what a later one rolls back to; the error where the disk refuses, which harms nothing."""
        try:
            self._state.commit(spec.version)
        except GridwireError as error:
            return error
        return None

    def roll_back(self, spec: NodeSpec, reason: GridwireError) -> Outcome:
        """Leave a spec that was applied and has cut the node off."""
        return self._roll_back(spec, _Attempt(failure=reason))

    def _roll_back(self, spec: NodeSpec, attempt: _Attempt) -> Outcome:
        first = attempt.failure
        assert first is not None
        done = list(attempt.done)
        try:
            previous = self._state.load_committed()
        except GridwireError:
            previous = None
        if previous is None or previous.version >= spec.version or self._helps_nothing(previous, attempt):
            return Outcome(state=ApplyState.FAILED, version=None, error=first, done=tuple(done))
        previous = without_revoked(previous, spec.tombstones)
        try:
            self._state.restore(previous)
        except GridwireError as error:
            first = _with(first, f"; and the older spec cannot be saved: {error}")
        back = self._converge(previous, tuple(self._sections))
        self._verified = previous if back.ok else None
        done += [f"roll back: {reason}" for reason in back.done]
        if back.failure is not None:
            first = _with(first, f"; and rolling back failed: {back.failure}")
            return Outcome(state=ApplyState.FAILED, version=None, error=first, done=tuple(done))
        version = previous.version if back.ok else None
        return Outcome(state=ApplyState.ROLLED_BACK, version=version, error=first, done=tuple(done))

    def _helps_nothing(self, previous: NodeSpec, attempt: _Attempt) -> bool:
        """Whether a section cannot plan the older spec either: what is wrong is the host, not the newer one, and going
        back would only undo, and at the next attempt redo, what the other sections did."""
        for name in attempt.unplanned:
            try:
                self._sections[name].plan(previous, self.observed[name], self._now())
            except Exception:  # noqa: BLE001  # the one of the newer spec is reported already
                return True
        return False

    def _converge(self, spec: NodeSpec, names: Sequence[str]) -> _Attempt:
        attempt = _Attempt()
        self._perimeter(spec, names, attempt)
        if _GUARD in attempt.held:
            return attempt
        left = tuple(name for name in names if name != _GUARD)
        self._observe(name for name in left if not isinstance(self._sections[name], CuttingSection))
        for _ in range(_ROUNDS):
            if not (plan := self._plan(spec, left, attempt)):
                break
            touched = self._carry_out(plan, attempt)
            if not attempt.ok:
                return attempt
            left = tuple(name for name in touched if name not in attempt.held)
            self._observe(left)
        else:
            for step in self._plan(spec, left, attempt).steps:
                attempt.note(step.section, not_taken(step.reason))
        self._note_unseen(attempt)
        return attempt

    def _perimeter(self, spec: NodeSpec, names: Sequence[str], attempt: _Attempt) -> None:
        """The guard, and the cuts. Neither waits for a look at anything else."""
        cutting = [section for name in names if isinstance(section := self._sections[name], CuttingSection)]
        self._observe(section.name for section in cutting)
        none = Unknown("not read yet")
        first = cuts_first(spec, self.observed.get(_GUARD, none), self.observed.get("mesh", none))
        if first:
            self._cut(spec, cutting, attempt)
        if _GUARD in names or self.guard.failing is not None:
            kept = self.guard.keep(spec)
            self.observed = {**self.observed, _GUARD: self.guard.observed}
            attempt.done += kept.done
            if kept.error is not None:
                attempt.note(_GUARD, kept.error)
        if not first:
            self._cut(spec, cutting, attempt)

    def _cut(self, spec: NodeSpec, cutting: Iterable[CuttingSection], attempt: _Attempt) -> None:
        """One cut that fails keeps no other from being made."""
        for section in cutting:
            try:
                cuts = section.plan_cuts(spec, self.observed[section.name], self._now())
            except Exception as error:  # noqa: BLE001  # kept as the first error, and reported
                attempt.note(section.name, in_section(section.name, "cut", error))
                continue
            for cut in cuts:
                try:
                    section.apply(cut)
                    attempt.done.append(f"{section.name}: {cut.reason}")
                except Exception as error:  # noqa: BLE001  # kept as the first error, and reported
                    attempt.note(section.name, in_section(section.name, cut.reason, error))
            if cuts:
                self._observe((section.name,))

    def _observe(self, names: Iterable[str]) -> None:
        self.observed = {**self.observed, **{name: observed_of(self._sections[name]) for name in names}}

    def _plan(self, spec: NodeSpec, names: Iterable[str], attempt: _Attempt) -> Plan:
        """Of the sections that can plan; the attempt says why others cannot."""
        now = self._now()
        actions: dict[str, tuple[Action, ...]] = {}
        for name in names:
            if name in attempt.held:
                continue
            try:
                actions[name] = self._sections[name].plan(spec, self.observed[name], now)
            except Exception as error:  # noqa: BLE001  # kept as the first error, and reported
                attempt.note(name, in_section(name, "plan", error))
                attempt.unplanned |= set() if isinstance(error, Unavailable) else {name}
        return arrange(actions)

    def _carry_out(self, plan: Plan, attempt: _Attempt) -> tuple[str, ...]:
        """Apply in order, and give the sections that were touched; an error holds up the rest of its own section."""
        touched: dict[str, None] = {}
        for step in plan.steps:
            if step.section in attempt.held:
                continue
            touched[step.section] = None
            try:
                self._sections[step.section].apply(step.action)
                attempt.done.append(step.reason)
            except Exception as error:  # noqa: BLE001  # kept as the first error, and reported
                attempt.note(step.section, in_section(step.section, step.action.reason, error))
        return tuple(touched)

    def _note_unseen(self, attempt: _Attempt) -> None:
        for name, observed in self.observed.items():
            if isinstance(observed, Unknown) and name not in attempt.held:
                attempt.note(name, not_seen(name, observed))


def _part(spec: NodeSpec | None, name: str) -> object:
    """What a section makes of a spec is made of this part alone; a revocation is the mesh's."""
    part = getattr(spec, name, None)
    return (part, spec.tombstones) if spec is not None and name == "mesh" else part


def _with(error: GridwireError, addition: str) -> GridwireError:
    return GridwireError(error.what + addition, fix=error.fix, code=error.code)
