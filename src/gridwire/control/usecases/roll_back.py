"""A new revision that is as an older one."""

from __future__ import annotations

from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.rollback import rolled_back


def roll_back(transaction: Writing, number: int, *, author: str, now: datetime) -> None:
    """Nothing where it is so already. ``transaction.notes`` says what cannot be as it was then.

    Raise NotFound for a revision that there is not, Conflict where two of its routes would have one host now.
    """
    revision, then = transaction.revision(number)
    fleet = transaction.fleet()
    after, kept = rolled_back(fleet, then)
    transaction.notes += kept
    if after == fleet:
        return
    transaction.save(
        after,
        author=author,
        reason=f"rolled back to revision {number}: {revision.reason}",
        kind="revision.rolled-back",
        subject=str(number),
        now=now,
        detail="; ".join(kept) or f"as it was in revision {number}",
    )
