"""What a node is now. Each section is known, or unknown for a reason: what could not be read is never deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    value: T
    known: Literal[True] = True


@dataclass(frozen=True, slots=True)
class Unknown:
    reason: str
    known: Literal[False] = False
