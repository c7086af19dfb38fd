"""What a proof gives: a figure against a goal, and whether it was met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridwire.lab.grid import Grid

Detail = str | int | float | bool | None | list[str] | dict[str, int] | dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``figure`` is what the goal is about; ``line`` says it to a person; ``details`` are the figures beside it."""

    ok: bool
    figure: float
    line: str
    details: dict[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof that ran; ``seconds`` it took."""

    id: str
    title: str
    ok: bool
    figure: float
    unit: str
    goal: str
    seconds: float
    line: str
    details: dict[str, Detail]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A proof that can be run. ``prove`` leaves the grid as it found it, and raises only where the grid broke."""

    id: str
    title: str
    unit: str
    goal: str
    prove: Callable[[Grid], Outcome]


def verdict(problems: dict[str, bool]) -> list[str]:
    """The names of what went wrong, in order."""
    return [name for name, wrong in problems.items() if wrong]
