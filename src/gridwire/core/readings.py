"""What applications may make of a path: every way of reading it that known servers have.

nginx decodes and tidies a path once; the application behind it gets the path as it was sent, and servers differ:

    decoding        not at all, once, twice, three times; what then still holds an escape has too many readings
    backslashes     are slashes (IIS, the WHATWG's URLs)
    query           begins at a decoded ? or # too
    parameters      ``;x=1`` at the end of a segment is no part of it (Tomcat, Jetty, Spring)
    ends            blanks, controls and dots at a segment's end are no part of it (Windows)
    tidiness        slashes merged and dot segments removed, or not

Each may be combined with each other, in this order. Case is the matcher's: routes are folded too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MOST = 64  # readings; nobody's ordinary path has a dozen
DECODES = 3
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_QUERY = re.compile("[?#].*", re.DOTALL)
_PARAMETERS = re.compile(";[^/]*")
_SEGMENT = re.compile("[^/]+")
_BLANKS = "".join(map(chr, range(0x21)))


def readings(raw: str, path: str) -> frozenset[str] | None:
    """All readings of a path. ``raw``: as sent, without the query; ``path``: as nginx normalised it. None where
    there are more than MOST, or more layers of escapes than DECODES."""
    found = {raw, path}
    for _ in range(DECODES):
        raw, path = _decoded(raw), _decoded(path)
        found |= {raw, path}
    if _ESCAPE.search(raw):
        return None
    steps: tuple[Callable[[str], str], ...] = (_slashes, _cut, _bare, _trimmed, _tidy)
    for step in steps:
        found |= {step(reading) for reading in found}
        if len(found) > MOST:
            return None
    return frozenset(found)


def _decoded(path: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), path)


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _cut(path: str) -> str:
    return _QUERY.sub("", path)


def _bare(path: str) -> str:
    return _PARAMETERS.sub("", path)


def _trimmed(path: str) -> str:
    return _SEGMENT.sub(lambda match: _end(match[0]), path)


def _end(segment: str) -> str:
    """A dot segment with blanks behind it stays a dot segment."""
    plain = segment.rstrip(_BLANKS)
    return plain if plain in (".", "..") else plain.rstrip(f"{_BLANKS}.")


def _tidy(path: str) -> str:
    """Slashes merged, dot segments removed, nothing decoded."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)
