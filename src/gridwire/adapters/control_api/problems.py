"""Answers that are errors → core errors, by status; problem+json (RFC 9457) gives the words.

400 422 → Invalid     401 403 → NotPermitted    404 → NotFound    409 → Conflict    412 → Stale
425 504 → NotFinished     all others → Unavailable
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gridwire.core.errors import (
    Conflict,
    GridwireError,
    Invalid,
    NotFinished,
    NotFound,
    NotPermitted,
    Stale,
    Unavailable,
)

_LONGEST = 2000
_BY_STATUS: Mapping[int, type[GridwireError]] = {
    401: NotPermitted,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    412: Stale,
    425: NotFinished,
    504: NotFinished,
}


def problem(status: int, content: bytes, request: str) -> GridwireError:
    """The error that an answer of this status says. ``request``: method and path, where the body says nothing."""
    body = _members(content)
    code = _text(body, "code") or None
    what = _text(body, "detail") or _text(body, "title") or f"control answered {status} to {request}"
    fix = _text(body, "fix")
    if status in (400, 413, 422, 428):
        return Invalid(_text(body, "field"), what, fix=fix, code=code)
    return _BY_STATUS.get(status, Unavailable)(what, fix=fix, code=code)


def _members(content: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(content[: 1 << 20])
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _text(body: Mapping[str, object], member: str) -> str:
    """One line of printable text: an answer is not to write to the terminal what it likes."""
    value = body.get(member)
    text = value if isinstance(value, str) else ""
    return "".join(c if c.isprintable() else " " for c in text[:_LONGEST])
