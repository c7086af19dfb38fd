"""The audit chain: each event's hash covers the one before it, so that a line altered or taken out is seen.

SHA-256 over the previous hash and the line's canonical JSON (sorted keys, no spaces). The first line follows
``START``. Whoever keeps the head elsewhere (the agent of a gateway does) also sees a chain made anew or cut short.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

START = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far a chain was followed: the number and hash of that event."""

    number: int = 0
    hash: str = START


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the audit chain; ``hash`` is SHA-256 over the previous hash and this line's canonical JSON."""

    number: int
    at: datetime
    actor: str
    kind: str
    subject: str
    detail: str
    hash: str


def chained(previous: str, event: Event) -> Event:
    """The event with the hash that it has after ``previous``."""
    line = {
        "number": event.number,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "kind": event.kind,
        "subject": event.subject,
        "detail": event.detail,
    }
    canonical = json.dumps(line, sort_keys=True, separators=(",", ":"))
    return replace(event, hash=hashlib.sha256(f"{previous}{canonical}".encode()).hexdigest())


def broken_at(events: Iterable[Event], previous: str = START) -> int | None:
    """The number of the first event that does not follow from those before it; none for a whole chain."""
    expected = None
    for event in events:
        if chained(previous, event).hash != event.hash or event.number != (expected or event.number):
            return event.number
        previous, expected = event.hash, event.number + 1
    return None
