"""What a change would do, asked with ``?preview=true`` of the endpoint that makes it; nothing changes."""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.difference import Difference
from gridwire.core.revision import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """``revision``: the one that it stands on. ``changes``: whether there would be a new one, of this ``reason``.
    ``notes``: what the change cannot do."""

    revision: int
    changes: bool
    reason: str
    difference: Difference
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionDifference:
    """What revision ``number`` is that ``since`` was not; 0 is the time before the first."""

    number: int
    since: int
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """``revision``: the newest now; ``changed``: whether it is new. ``notes``: what is not as it was then, and why."""

    revision: Revision
    changed: bool
    notes: tuple[str, ...] = ()
