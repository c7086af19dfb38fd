"""Make the host what a spec says: observe, plan, apply, verify; commit or roll back. No choices but these.

    in-sync       the plan is empty; committed, or kept on trial until control is heard through it
    applying      something is not there yet (Unavailable): tried again soon, never rolled back for
    failed        an action failed, or did not take, and there is nothing older to go back to
    rolled-back   the same, and the spec that was in force before stands again

The first error is the one that is kept. Revocations are never rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gridwire.agent.state_dir import AgentState, Version
from gridwire.core.actions import Action
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.observed import Known, Unknown
from gridwire.core.plan import Plan, arrange, cuts_first, section_order
from gridwire.core.spec import NodeSpec
from gridwire.core.tombstones import without_revoked
from gridwire.protocol.agent import ApplyState

_ROUNDS = 3  # one does it; the others are for what a process that was just started changed meanwhile
Observed = Known[Any] | Unknown


class Section(Protocol):
    """A noun's part of the host. Each section has its own observed type; only its own plan reads it."""

    @property
    def name(self) -> str: ...

    def observe(self) -> Observed:
        """Read the host; change nothing."""

    def plan(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Action, ...]:
        """Pure; never deletes what could not be seen."""

    def apply(self, action: Action) -> None:
        """Do one action; raise GridwireError, Unavailable for "not yet"."""


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
    done: list[str] = field(default_factory=list)
    waiting: GridwireError | None = None
    failure: GridwireError | None = None

    @property
    def ok(self) -> bool:
        return self.waiting is None and self.failure is None


class Reconciler:
    """Not for two threads at once. ``observed`` is what was last read, section by section."""

    def __init__(self, sections: Sequence[Section], state: AgentState, now: Callable[[], datetime]) -> None:
        self._sections = {section.name: section for section in sections}
        section_order(self._sections)
        self._state = state
        self._now = now
        self._verified: NodeSpec | None = None
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
        return Outcome(state=ApplyState.IN_SYNC, version=spec.version, error=unsaved, done=done)

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
        if previous is None or previous.version >= spec.version:
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

    def _converge(self, spec: NodeSpec, names: Sequence[str]) -> _Attempt:
        attempt = _Attempt()
        self._observe(names)
        plan = self._plan(spec, names, attempt)
        for _ in range(_ROUNDS):
            if plan is None:
                return attempt
            if not plan:
                attempt.waiting = attempt.waiting or self._unseen()
                return attempt
            touched = self._carry_out(plan, attempt)
            if not attempt.ok:
                return attempt
            self._observe(touched)
            plan = self._plan(spec, touched, attempt)
        if plan:
            attempt.failure = GridwireError(
                f"applied, and it does not stand ({plan.reasons[0]})",
                fix="see whether another program changes the same thing",
                code="not-verified",
            )
        elif plan is not None:
            attempt.waiting = attempt.waiting or self._unseen()
        return attempt

    def _observe(self, names: Iterable[str]) -> None:
        seen = dict(self.observed)
        for name in names:
            try:
                seen[name] = self._sections[name].observe()
            except Exception as error:  # noqa: BLE001  # reported as unknown: one section's fault ends no agent
                seen[name] = Unknown(f"cannot be read: {_words(error)}")
        self.observed = seen

    def _plan(self, spec: NodeSpec, names: Iterable[str], attempt: _Attempt) -> Plan | None:
        """None where a section cannot plan; the attempt says why."""
        now = self._now()
        actions: dict[str, tuple[Action, ...]] = {}
        for name in names:
            try:
                actions[name] = self._sections[name].plan(spec, self.observed[name], now)
            except Unavailable as error:
                attempt.waiting = attempt.waiting or _in_section(name, "plan", error)
                if name == "guard":
                    return None
                actions[name] = ()
            except Exception as error:  # noqa: BLE001  # kept as the first error, and reported
                attempt.failure = _in_section(name, "cannot plan", error)
                return None
        none = Unknown("there is no such section")
        first = cuts_first(spec, self.observed.get("guard", none), self.observed.get("mesh", none))
        return arrange(actions, cut_first=first)

    def _carry_out(self, plan: Plan, attempt: _Attempt) -> tuple[str, ...]:
        """Apply in order; stop at the first failure. What is not there yet holds up its own section alone, but
        for the guard: without it nothing goes on."""
        touched: dict[str, None] = {}
        held: set[str] = set()
        for step in plan.steps:
            if step.section in held:
                continue
            touched[step.section] = None
            try:
                self._sections[step.section].apply(step.action)
                attempt.done.append(step.reason)
            except Unavailable as error:
                attempt.waiting = attempt.waiting or _in_section(step.section, step.action.reason, error)
                held.add(step.section)
                if step.section == "guard":
                    break
            except Exception as error:  # noqa: BLE001  # kept as the first error, and reported
                attempt.failure = _in_section(step.section, step.action.reason, error)
                break
        return tuple(touched)

    def _unseen(self) -> GridwireError | None:
        for name, observed in self.observed.items():
            if isinstance(observed, Unknown):
                return Unavailable(f"{name}: {observed.reason}", code="unknown")
        return None


def _part(spec: NodeSpec | None, name: str) -> object:
    """What a section makes of a spec is made of this part alone; a revocation is the mesh's."""
    part = getattr(spec, name, None)
    return (part, spec.tombstones) if spec is not None and name == "mesh" else part


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, GridwireError) else f"{type(error).__name__}: {error}"


def _in_section(name: str, doing: str, error: Exception) -> GridwireError:
    """The error with its place; the same class, so that "not yet" stays "not yet"."""
    kind = Unavailable if isinstance(error, Unavailable) else GridwireError
    what = error.what if isinstance(error, GridwireError) else _words(error)
    fix = error.fix if isinstance(error, GridwireError) else ""
    code = error.code if isinstance(error, GridwireError) else "unexpected"
    found = kind(f"{name}: {what} (to do: {doing})", fix=fix, code=code)
    found.__cause__ = error
    return found


def _with(error: GridwireError, addition: str) -> GridwireError:
    return GridwireError(error.what + addition, fix=error.fix, code=error.code)
