"""One noun before and after, field by field, in the words that people write."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """``field``: a dotted path. ``before`` and ``after``: as text; none where it was not set, or the noun not there."""

    field: str
    before: str | None
    after: str | None


def fields_of(before: object | None, after: object | None) -> tuple[FieldChange, ...]:
    """What differs; of a noun that is added or removed what is not as it is by default."""
    bare = before is None or after is None
    old, new = _flat(before, bare), _flat(after, bare)
    return tuple(
        FieldChange(field=name, before=old.get(name), after=new.get(name))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    )


def _flat(value: object | None, bare: bool, prefix: str = "") -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    if value is None:
        return found
    assert is_dataclass(value)
    for field in fields(value):
        inner = getattr(value, field.name)
        name = f"{prefix}{field.name}"
        if bare and inner == _default(field):
            continue
        if is_dataclass(inner) and type(inner).__str__ is object.__str__:
            found |= _flat(inner, bare, f"{name}.")
        else:
            found[name] = told(inner)
    return found


def _default(field: Any) -> object:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def told(value: object) -> str | None:
    """A value as it is written on a command line."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str | int):
            return f"{value[0]}={value[1]}"  # a tag, a weight
        return ", ".join(str(told(item)) for item in value)
    return str(value)
