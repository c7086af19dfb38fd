"""What a plan is made of: actions, each with the reason for it. Applying one takes no further decision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One change to the host. Each noun's module derives its own; ``reason`` names old and new."""

    reason: str
