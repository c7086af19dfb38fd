"""ETag, If-Match and If-None-Match (RFC 9110 §13): a change names the version that it was made against.

An ETag is a hash of the noun itself, so it changes when the noun does and not when its neighbours do. A change
without a precondition is taken where it creates, and from local.sock, where the CLI has just read what it writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from pydantic import TypeAdapter

from gridwire.control.caller import Caller, Local
from gridwire.control.errors import NoPrecondition
from gridwire.core.errors import Invalid, NotFound, Stale
from gridwire.core.fleet import Node, Policy, Route, Service
from gridwire.core.names import shown
from gridwire.core.revision import Revision

T = TypeVar("T")
Noun = TypeVar("Noun", Node, Service, Route, Policy)

_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {kind: TypeAdapter(kind) for kind in (Node, Service, Route, Policy)}


def etag(noun: Node | Service | Route | Policy) -> str:
    return f'"{hashlib.sha256(_ADAPTERS[type(noun)].dump_json(noun)).hexdigest()[:20]}"'


def check_precondition(
    headers: Mapping[str, str], caller: Caller, current: Node | Service | Route | Policy | None
) -> None:
    """Raise Stale (412) where a precondition fails, NoPrecondition (428) where one is needed and missing."""
    if_match, if_none_match = headers.get("if-match"), headers.get("if-none-match")
    if if_none_match is not None and current is not None:
        tags = _tags(if_none_match)
        if "*" in tags or etag(current) in tags:
            raise Stale("it exists already", fix="read it, and send If-Match with its ETag")
    if if_match is not None:
        if current is None:
            raise Stale("it does not exist any more", fix="read the list again")
        tags = _tags(if_match)
        if "*" not in tags and etag(current) not in tags:
            raise Stale("somebody changed it since it was read", fix="read it again, then repeat the change")
    elif if_none_match is None and current is not None and not isinstance(caller, Local):
        raise NoPrecondition("If-Match", "it is missing", fix="send If-Match with the ETag of what was read")


def revision_etag(revision: Revision) -> str:
    return f'"{revision.epoch}.{revision.number}"'


def check_newest(headers: Mapping[str, str], caller: Caller, newest: Revision) -> None:
    """As check_precondition, for a change of the whole fleet: If-Match names the newest revision."""
    if_match = headers.get("if-match")
    if if_match is None:
        if not isinstance(caller, Local):
            raise NoPrecondition("If-Match", "it is missing", fix="send If-Match with the ETag of the newest revision")
    elif not _tags(if_match) & {"*", revision_etag(newest)}:
        raise Stale(
            f"revision {newest.number} is newer: {newest.reason}", fix="look at what it changed, then repeat the change"
        )


def tagged(noun: Noun, request: Request, response: Response) -> Noun:
    """The noun with its ETag set; raise NotModified where the asker has it already."""
    tag = etag(noun)
    if tag in _tags(request.headers.get("if-none-match", "")):
        raise NotModified(tag)
    response.headers["ETag"] = tag
    return noun


class NotModified(Exception):
    """The asker's copy is the current one (RFC 9110 §15.4.5)."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


def found(current: T | None, what: str, name: str) -> T:
    """The noun; raise NotFound where there is none."""
    if current is None:
        raise NotFound(f"there is no {what} {shown(name)}", fix=f"`gridwire {what} list` names them")
    return current


def same_name(noun: Service | Route | Policy, name: str) -> None:
    """Raise Invalid where the body names another noun than the path."""
    if noun.name != name:
        raise Invalid("name", f"{noun.name} is not {shown(name)}, which the path says", fix="make them the same")


def _tags(header: str) -> frozenset[str]:
    """Weak tags compare as strong ones here: nginx weakens what it compresses, and bodies are canonical."""
    return frozenset(tag.strip().removeprefix("W/") for tag in header.split(",") if tag.strip())
