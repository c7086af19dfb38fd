"""The one table from errors to HTTP, and their shape: problem+json (RFC 9457).

{"type": "about:blank", "title": "Conflict", "status": 409, "detail": "the name phone is taken",
 "code": "name-taken", "field": null, "fix": "choose another"}
"""

from __future__ import annotations

import json
import traceback
from dataclasses import asdict, dataclass
from http import HTTPStatus

from fastapi.responses import Response

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

PROBLEM = "application/problem+json"


class NotKnown(NotPermitted):
    """Who asks is not known well enough: no identity, no credential, or no login (RFC 9110 §15.5.2)."""

    code = "not-known"


class TooLarge(Invalid):
    """The body is longer than anything of its kind can be."""

    code = "too-large"


class NotYet(NotFinished):
    """Ask again in a moment: a gateway has yet to apply what this waits for (RFC 8470 §5.2)."""

    code = "not-yet"


class NoPrecondition(Invalid):
    """A change of something that exists, without saying which version of it (RFC 6585 §3)."""

    code = "no-precondition"


class Locked(NotPermitted):
    """Too many logins failed; ``seconds`` until the next try is heard (RFC 6585 §4)."""

    code = "locked"

    def __init__(self, what: str, *, fix: str, seconds: int) -> None:
        super().__init__(what, fix=fix)
        self.seconds = seconds


class Misdirected(NotPermitted):
    """The Host is none of the grid's own: a name of somebody else's leads here (RFC 9110 §15.5.20)."""

    code = "unknown-host"


class NotJson(Invalid):
    """A form of a foreign page's can be sent anywhere, JSON cannot (RFC 9110 §15.5.16)."""

    code = "not-json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What was sent, what there is now, and what both were made of where that is still known; as JSON has them."""

    yours: object | None
    current: object | None
    base: object | None = None
    etag: str | None = None


class Overtaken(Stale):
    """Somebody changed the noun since it was read; all versions of it, so that a person can choose."""

    def __init__(self, what: str, versions: Versions, *, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.versions = versions


class Clash(Conflict):
    """Another noun has what this one wants."""

    def __init__(self, what: str, versions: Versions, *, fix: str, code: str) -> None:
        super().__init__(what, fix=fix, code=code)
        self.versions = versions


# The first class that fits decides, so subclasses stand before their bases.
STATUS: tuple[tuple[type[GridwireError], HTTPStatus], ...] = (
    (NotKnown, HTTPStatus.UNAUTHORIZED),
    (Locked, HTTPStatus.TOO_MANY_REQUESTS),
    (Misdirected, HTTPStatus.MISDIRECTED_REQUEST),
    (NotPermitted, HTTPStatus.FORBIDDEN),
    (NotJson, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (NoPrecondition, HTTPStatus.PRECONDITION_REQUIRED),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Stale, HTTPStatus.PRECONDITION_FAILED),
    (Conflict, HTTPStatus.CONFLICT),
    (NotYet, HTTPStatus.TOO_EARLY),
    (NotFinished, HTTPStatus.GATEWAY_TIMEOUT),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)


def raised_at(error: BaseException) -> str:
    """FILE:LINE, for the log."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{where.filename}:{where.lineno}"


def status_of(error: GridwireError) -> HTTPStatus:
    return next((status for kind, status in STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(
    status: HTTPStatus, detail: str, *, code: str, field: str = "", fix: str = "", versions: Versions | None = None
) -> Response:
    body: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
        "field": field or None,
        "fix": fix or None,
    }
    if versions is not None:
        body["conflict"] = asdict(versions)
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="gridwire"'  # RFC 9110 §11.6.1 wants one with every 401
    if status in (HTTPStatus.TOO_EARLY, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = "1"
    return Response(json.dumps(body), status_code=status.value, media_type=PROBLEM, headers=headers)


def problem_of(error: GridwireError) -> Response:
    field = error.field if isinstance(error, Invalid) else ""
    versions = error.versions if isinstance(error, Overtaken | Clash) else None
    answer = problem(status_of(error), error.what, code=error.code, field=field, fix=error.fix, versions=versions)
    if isinstance(error, Locked):
        answer.headers["Retry-After"] = str(error.seconds)
    return answer
