"""A noun's part of the host, as the engine sees it; and what went wrong with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from gridwire.core.actions import Action
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import NodeSpec

Observed = Known[Any] | Unknown


class Section(Protocol):
    """Each section has its own observed type; only its own plan reads it."""

    @property
    def name(self) -> str: ...

    def observe(self) -> Observed:
        """Read the host; change nothing."""

    def plan(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Action, ...]:
        """Pure; never deletes what could not be seen."""

    def apply(self, action: Action) -> None:
        """Do one action; raise GridwireError, Unavailable for "not yet"."""


@runtime_checkable
class CuttingSection(Section, Protocol):
    """A section that lets nodes in: taking one off must work where the rest of its plan does not."""

    def plan_cuts(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Action, ...]:
        """Those actions of ``plan`` that only cut nodes off; each may be done whatever became of the others."""


def observed_of(section: Section) -> Observed:
    """Never raises: one section's fault ends no agent, and is reported as unknown."""
    try:
        return section.observe()
    except Exception as error:  # noqa: BLE001  # reported as unknown
        return Unknown(f"cannot be read: {_words(error)}")


def in_section(name: str, doing: str, error: Exception) -> GridwireError:
    """The error with its place; the same class, so that "not yet" stays "not yet"."""
    kind = Unavailable if isinstance(error, Unavailable) else GridwireError
    what = error.what if isinstance(error, GridwireError) else _words(error)
    fix = error.fix if isinstance(error, GridwireError) else ""
    code = error.code if isinstance(error, GridwireError) else "unexpected"
    found = kind(f"{name}: {what} (to do: {doing})", fix=fix, code=code)
    found.__cause__ = error
    return found


def not_seen(name: str, observed: Unknown) -> Unavailable:
    return Unavailable(f"{name}: {observed.reason}", code="unknown")


def not_taken(reason: str) -> GridwireError:
    """Applied without an error, and read back otherwise; ``reason`` is what would have to be done again."""
    return GridwireError(
        f"applied, and it does not stand ({reason})",
        fix="see whether another program changes the same thing",
        code="not-verified",
    )


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, GridwireError) else f"{type(error).__name__}: {error}"
