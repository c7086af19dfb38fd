"""Lists a page at a time: ``limit``, ``cursor``, ``filter`` and ``sort``, the same for every noun.

    limit    at most MOST; without one all there is, as the CLI asks
    sort     a field, or -field for the other way round; then by name
    filter   words that must all be there: any text, or field:value; * stands for any text, - before a word for "not",
             "…" for a word with blanks:     role:edge tag:site=* -state:active "living room"
    cursor   ``next`` of the page before: where it ended, so that what comes and goes in front of it moves nothing

Raise Invalid (422) with the parameter that is wrong.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Depends, Query

from gridwire.adapters.store import Like, Wanted
from gridwire.core.errors import Invalid
from gridwire.core.names import shown
from gridwire.protocol.api import Listing

T = TypeVar("T")
R = TypeVar("R")
MOST: Final = 1000
Value = str | int | float
_WORD = re.compile(r'-?(?:[a-z_]+:)?(?:"[^"]*"|[^\s"]+)')
_FIELD = re.compile(r"(-?)(?:([a-z_]+):)?(.*)", re.DOTALL)
_MOST_WORDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[T]):
    """A field of a list. ``value``: what it is sorted by; ``texts``: what it is filtered by, of a tag or selector each
    one, and none where nobody would search for it. ``by_name``: only where the filter names the field."""

    value: Callable[[T], Value] | None = None
    texts: Callable[[T], Iterable[str]] | None = None
    by_name: bool = False


def text_column(of: Callable[[T], str], *, by_name: bool = False) -> Column[T]:
    return Column(value=of, texts=lambda item: (of(item),), by_name=by_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a filter. ``field`` none: anywhere."""

    field: str | None
    pattern: str
    without: bool

    def matcher(self) -> Callable[[Iterable[str]], bool]:
        """A field has to be as the pattern says; any text has to have it in it."""
        plain = self.pattern if self.field is not None else f"*{self.pattern}*"
        parts, without = plain.casefold().split("*"), self.without
        return lambda texts: any(_fits(text.casefold(), parts) for text in texts) is not without

    def like(self) -> str:
        """The same for SQL."""
        plain = self.pattern if self.field is not None else f"*{self.pattern}*"
        return "%".join(_literal(part) for part in plain.lower().split("*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a list."""

    limit: int | None
    cursor: str | None
    filter: str | None
    sort: str | None

    @property
    def walked(self) -> bool:
        """Whether neither an order nor a choice is asked for."""
        return (self.cursor, self.filter, self.sort) == (None, None, None)

    def order(self, fields: Iterable[str], default: str) -> tuple[str, bool]:
        """The field, and whether it is the other way round."""
        wanted = self.sort if self.sort is not None else default
        field, known = wanted.removeprefix("-"), sorted(fields)
        if field not in known:
            raise Invalid("sort", f"there is no field {shown(field)} to sort by", fix=f"use one of {', '.join(known)}")
        return field, wanted.startswith("-")

    def words(self, fields: Iterable[str]) -> tuple[Word, ...]:
        text, known = (self.filter or "").strip(), sorted(fields)
        found = _WORD.findall(text)
        if len(found) > _MOST_WORDS:
            raise Invalid("filter", f"it has more than {_MOST_WORDS} words", fix="ask for less at once")
        if text.count('"') % 2:
            raise Invalid("filter", "a quotation mark is left open", fix='write it like role:edge "living room"')
        return tuple(_word(one, known) for one in found)


def _literal(text: str) -> str:
    return "".join(f"\\{one}" if one in "\\%_" else one for one in text)


def _fits(text: str, parts: list[str]) -> bool:
    """Whether the parts stand in the text in their order, the first at its start and the last at its end."""
    if len(parts) == 1:
        return text == parts[0]
    if not (text.startswith(parts[0]) and text.endswith(parts[-1])):
        return False
    at, end = len(parts[0]), len(text) - len(parts[-1])
    for part in parts[1:-1]:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end


def _word(text: str, known: list[str]) -> Word:
    match = _FIELD.fullmatch(text)
    assert match is not None
    without, field, pattern = match[1] == "-", match[2], match[3].strip('"')
    if field is not None and field not in known:
        raise Invalid(
            "filter", f"there is no field {shown(field)}", fix=f"use one of {', '.join(known)}, or plain text"
        )
    if not pattern:
        raise Invalid("filter", f"{shown(text)} names nothing to look for", fix="write it like role:edge")
    return Word(field=field, pattern=pattern, without=without)


def _asked(
    limit: Annotated[
        int | None, Query(ge=1, le=MOST, description="So many at most; all, where it is left out.")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=2048, description="`next` of the page before.")] = None,
    filter: Annotated[  # the parameter's name
        str | None,
        Query(max_length=500, description="Words that must all be there: text, field:value, -not, * for any."),
    ] = None,
    sort: Annotated[str | None, Query(max_length=40, description="A field, or -field.")] = None,
) -> Asked:
    return Asked(limit=limit, cursor=cursor, filter=filter, sort=sort)


AskedOf = Annotated[Asked, Depends(_asked)]


def page(
    items: Iterable[T],
    asked: Asked,
    columns: Mapping[str, Column[T]],
    told: Callable[[T], R],
    *,
    name: Callable[[T], str],
    sort: str = "name",
) -> Listing[R]:
    """One page. ``items`` in the order of their names, which no two share; ``told`` is called for those on the page."""
    matching = _matching(items, asked, columns)
    field, backwards = asked.order((key for key, column in columns.items() if column.value is not None), sort)
    value = columns[field].value
    assert value is not None
    ordered: list[tuple[Value, str, T]] = [(value(item), name(item), item) for item in matching]
    if field != "name" or backwards:
        ordered.sort(key=lambda one: one[1])
        ordered.sort(key=lambda one: one[0], reverse=backwards)  # equal ones stay in the order of names
    start, order = 0, f"{'-' if backwards else ''}{field}"
    if asked.cursor is not None:
        last = position_of(asked.cursor, order)
        start = next((n for n, one in enumerate(ordered) if _after(one, last, backwards)), len(ordered))
    end = len(ordered) if asked.limit is None else start + asked.limit
    some = ordered[start:end]
    more = end < len(ordered)
    return Listing(
        items=tuple(told(item) for *_, item in some),
        next=cursor_of(order, some[-1][:2]) if more and some else None,
        total=len(ordered),
    )


def wanted_of(asked: Asked, fields: Iterable[str], *, unasked: int) -> Wanted:
    """Of a log, which the database looks through: its rows have numbers, and the newest come first. ``unasked``:
    the limit where none is given."""
    _, newest_first = asked.order(("number",), "-number")
    behind = None
    if asked.cursor is not None:
        value, _ = position_of(asked.cursor, "-number" if newest_first else "number")
        if not isinstance(value, int) or not 0 <= value < 1 << 31:
            raise _no_cursor()
        behind = value
    words = tuple(Like(field=word.field, pattern=word.like(), without=word.without) for word in asked.words(fields))
    # One more than the page tells whether there is another.
    limit = (asked.limit or unasked) + 1
    return Wanted(words=words, behind=behind, oldest_first=not newest_first, limit=limit)


def page_of_log(rows: tuple[T, ...], total: int, wanted: Wanted, number: Callable[[T], int]) -> Listing[T]:
    some = rows[: wanted.limit - 1]
    order = "number" if wanted.oldest_first else "-number"
    more = len(rows) > len(some) and some
    return Listing(items=some, next=cursor_of(order, (number(some[-1]), "")) if more else None, total=total)


def _matching(items: Iterable[T], asked: Asked, columns: Mapping[str, Column[T]]) -> list[T]:
    found = list(items)
    searched = {key: column.texts for key, column in columns.items() if column.texts is not None}
    anywhere = [column.texts for column in columns.values() if column.texts is not None and not column.by_name]
    for word in asked.words(searched):
        matches = word.matcher()
        if word.field is not None:
            of = searched[word.field]
            found = [item for item in found if matches(of(item))]
        else:
            found = [item for item in found if matches(text for of in anywhere for text in of(item))]
    return found


def _after(one: tuple[Value, str, Any], last: tuple[Value, str], backwards: bool) -> bool:
    """Whether it stands behind the place of a cursor, whether or not what stood there still does."""
    if type(one[0]) is not type(last[0]):
        raise _no_cursor()
    if one[0] == last[0]:
        return one[1] > last[1]
    return (one[0] < last[0]) if backwards else (one[0] > last[0])  # type: ignore[operator]  # of one kind, as seen above


def cursor_of(sort: str, position: tuple[Value, str]) -> str:
    text = json.dumps([sort, *position], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position_of(cursor: str, sort: str) -> tuple[Value, str]:
    """Raise Invalid for a cursor that was not given out, or for a list in another order."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        kept, value, name = found
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _no_cursor() from None
    if not isinstance(value, str | int | float) or not isinstance(name, str):
        raise _no_cursor()
    if kept != sort:
        raise Invalid("cursor", "it is of a list in another order", fix="begin at the first page, without a cursor")
    return value, name


def _no_cursor() -> Invalid:
    return Invalid("cursor", "it is none that was given out", fix="begin at the first page, without a cursor")
