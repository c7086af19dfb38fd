"""Who the person is behind a request from an operator's device: by the session's cookie, or by an API token.

A request that names a token is judged by that alone. A cookie counts only under the name that its scheme has: a
``__Host-`` cookie cannot be set by a neighbouring host, and one that stands there twice is nobody's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi.datastructures import Headers

from gridwire.adapters.store import Reading
from gridwire.control.caller import Person, digest
from gridwire.control.logins import Logins
from gridwire.core.addressing import Address
from gridwire.core.fleet import Node
from gridwire.core.operators import May
from gridwire.core.origins import Scheme
from gridwire.core.sessions import ABSOLUTE, TOKEN_PREFIX, session_ends

SCHEME_HEADER: Final = "x-gridwire-scheme"
_COOKIE: Final[dict[Scheme, str]] = {"http": "gridwire", "https": "__Host-gridwire"}


def scheme_of(headers: Headers) -> Scheme:
    """As nginx says it; a client's own word for it never gets here."""
    return "https" if headers.get(SCHEME_HEADER) == "https" else "http"


def person_of(
    reading: Reading, logins: Logins, headers: Headers, node: Node, address: Address, now: datetime
) -> Person | None:
    """None: nothing was shown, or nothing that is worth anything now."""
    authorization = headers.get("authorization")
    if authorization is not None:
        return _by_token(reading, authorization, node, address, now)
    secret = cookie(headers)
    session = None if secret is None else reading.people.session(digest(secret))
    if session is None or session_ends(session.began, logins.used(session)) <= now:
        return None
    operator = reading.people.operator(session.operator)
    if operator is None or operator.disabled is not None:
        return None
    return Person(operator=operator.name, may=operator.may, node=node, address=address, shown=session)


def _by_token(reading: Reading, authorization: str, node: Node, address: Address, now: datetime) -> Person | None:
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip().startswith(TOKEN_PREFIX):
        return None
    token = reading.people.token(digest(secret.strip()))
    operator = None if token is None else reading.people.operator(token.operator)
    if token is None or operator is None or operator.disabled is not None or token.expires <= now:
        return None
    may = _lesser(token.scope, operator.may)
    return Person(operator=operator.name, may=may, node=node, address=address, shown=token)


def _lesser(one: May, other: May) -> May:
    return May.CHANGE if one is May.CHANGE and other is May.CHANGE else May.READ


def cookie(headers: Headers) -> str | None:
    name = _COOKIE[scheme_of(headers)]
    parts = (part.strip().partition("=") for sent in headers.getlist("cookie") for part in sent.split(";"))
    found = [value for key, _, value in parts if key == name]
    return found[0] if len(found) == 1 else None


def set_cookie(headers: Headers, secret: str | None) -> str:
    """The value of Set-Cookie; without a secret the cookie is taken away."""
    scheme = scheme_of(headers)
    age = 0 if secret is None else int(ABSOLUTE.total_seconds())
    secure = "; Secure" if scheme == "https" else ""
    return f"{_COOKIE[scheme]}={secret or ''}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
