"""Request bodies: raw bytes, a limit, and one strict validation into the core dataclass.

FastAPI's own way refuses every frozen dataclass in strict mode (``dataclass_exact_type``), so the bytes go to
pydantic as they came. No ``from __future__ import annotations`` here: FastAPI reads ``__call__``'s annotations
as objects.
"""

import difflib
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from gridwire.control.errors import TooLarge
from gridwire.core.bodies import PERSONS
from gridwire.core.errors import Invalid
from gridwire.core.names import shown

T = TypeVar("T")


class Body(Generic[T]):
    """A dependency: the request's body as a ``T``.

    ``open_ended``: unknown fields are ignored, as between agents and control of different versions; a person's
    misspelt field is refused.
    """

    def __init__(self, kind: type[T], *, limit: int = PERSONS, open_ended: bool = False) -> None:
        self.adapter: TypeAdapter[T] = TypeAdapter(kind)
        self._limit = limit
        self._open_ended = open_ended

    async def __call__(self, request: Request) -> T:
        return self.parse(await _bounded(request, self._limit))

    def parse(self, raw: bytes) -> T:
        """Raise Invalid with the field that is wrong."""
        try:
            value = self.adapter.validate_json(raw, strict=True)
        except ValidationError as error:
            raise _invalid(error.errors(include_url=False)) from None
        if not self._open_ended:
            _refuse_unknown(from_json(raw), self.adapter.dump_python(value, mode="json"), "")
        return value


async def _bounded(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "0")
    chunks = bytearray()
    if not declared.isdigit() or int(declared) > limit:
        raise TooLarge("", f"the body is longer than {limit} bytes", fix="send less")
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > limit:
            raise TooLarge("", f"the body is longer than {limit} bytes", fix="send less")
    return bytes(chunks)


def _invalid(errors: list[ErrorDetails]) -> Invalid:
    """The error that a person meant to hear of, with our own field and fix where one of core's checks refused."""
    first = _telling(errors)
    cause = _cause(first)
    place = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part[:1].islower())
    if isinstance(cause, Invalid):
        return Invalid(cause.field or place, cause.what, fix=cause.fix, code=cause.code)
    if first["type"] == "missing":
        return Invalid(place, "it is missing")
    if first["type"] == "json_invalid":
        return Invalid("", "the body is not JSON", fix=first["msg"])
    return Invalid(place, first["msg"][:200].rstrip("."))


def _cause(error: ErrorDetails) -> object:
    return error.get("ctx", {}).get("error")


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """A union reports every member that does not fit: those whose ``kind`` was not even meant say nothing."""
    not_meant = {
        error["loc"][:-1] for error in errors if error["type"] == "literal_error" and error["loc"][-1:] == ("kind",)
    }
    meant = [error for error in errors if error["loc"][: len(error["loc"]) - 1] not in not_meant] or errors
    return next((error for error in meant if isinstance(_cause(error), Invalid)), meant[0])


def _refuse_unknown(given: Any, taken: Any, place: str) -> None:
    """Raise Invalid for a key of the JSON that the dataclass does not have."""
    if isinstance(given, dict) and isinstance(taken, dict):
        for key, value in given.items():
            path = f"{place}.{key}" if place else key
            if key not in taken:
                raise Invalid(path[:200], f"there is no field {shown(key)}", fix=_nearest(key, taken))
            _refuse_unknown(value, taken[key], path)
    elif isinstance(given, list) and isinstance(taken, list):
        for index, (one, other) in enumerate(zip(given, taken, strict=False)):
            _refuse_unknown(one, other, f"{place}.{index}")


def _nearest(key: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(key, names, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
