"""A revision: one immutable, numbered state of the fleet, with author, reason and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gridwire.core.fleet import Fleet


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One noun that differs: ``before`` or ``after`` is none where it was added or removed."""

    noun: str
    name: str
    before: object | None
    after: object | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    number: int
    epoch: int
    at: datetime
    author: str
    reason: str
    changed: tuple[str, ...] = ()  # "route api: added"


_NOUNS = ("nodes", "invitations", "services", "routes", "policies")


def changes(before: Fleet, after: Fleet) -> tuple[Change, ...]:
    """What differs, noun by noun, sorted by name within each."""
    found: list[Change] = []
    if before.network != after.network:
        found.append(Change(noun="network", name="network", before=before.network, after=after.network))
    for noun in _NOUNS:
        if getattr(before, noun) is getattr(after, noun):
            continue
        old = {_key(item): item for item in getattr(before, noun)}
        new = {_key(item): item for item in getattr(after, noun)}
        singular = "policy" if noun == "policies" else noun[:-1]
        found += [
            Change(noun=singular, name=key, before=old.get(key), after=new.get(key))
            for key in sorted(old.keys() | new.keys())
            if old.get(key) is not new.get(key) and old.get(key) != new.get(key)
        ]
    return tuple(found)


def _key(item: object) -> str:
    if hasattr(item, "ephemeral_key"):
        return f"{item.node}/{item.ephemeral_key[:8]}"  # type: ignore[attr-defined]
    address = getattr(item, "address", None)
    name = str(getattr(item, "name", ""))
    return name if address is None else f"{name}@{address}"


def sentence(change: Change) -> str:
    verb = "added" if change.before is None else "removed" if change.after is None else "changed"
    return f"{change.noun} {change.name.partition('@')[0]}: {verb}"
