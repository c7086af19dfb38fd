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

from gridwire.adapters.store import Like, Reading, Wanted
from gridwire.control.caller import Caller, Local
from gridwire.control.errors import NoPrecondition, Overtaken, Versions
from gridwire.core.errors import Invalid, NotFound
from gridwire.core.fleet import Node, Policy, Route, Service
from gridwire.core.names import shown
from gridwire.core.revision import Revision

T = TypeVar("T")
Noun = TypeVar("Noun", Node, Service, Route, Policy)
AnyNoun = Node | Service | Route | Policy
_LOOKED_BACK: Final = 5  # changes of a noun, each a whole fleet to be read

_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {kind: TypeAdapter(kind) for kind in (Node, Service, Route, Policy)}


def etag(noun: AnyNoun) -> str:
    return f'"{hashlib.sha256(_ADAPTERS[type(noun)].dump_json(noun)).hexdigest()[:20]}"'


def check_precondition(
    headers: Mapping[str, str],
    caller: Caller,
    current: AnyNoun | None,
    *,
    yours: AnyNoun | None = None,
    history: Reading | None = None,
) -> None:
    """Raise Overtaken (412) where a precondition fails, NoPrecondition (428) where one is needed and missing.

    ``yours``: what is to be put; ``history``: where the version that it was made of is looked for.
    """
    if_match, if_none_match = headers.get("if-match"), headers.get("if-none-match")
    if if_none_match is not None and current is not None:
        tags = _tags(if_none_match)
        if "*" in tags or etag(current) in tags:
            versions = _versions(yours, current, None)
            raise Overtaken("it exists already", versions, fix="read it, and send If-Match with its ETag")
    if if_match is not None:
        tags = _tags(if_match)
        known = current if current is not None else yours
        base = None if history is None or known is None else _base(history, known, tags)
        if current is None:
            versions = _versions(yours, None, base)
            raise Overtaken("it does not exist any more", versions, fix="read the list again")
        if "*" not in tags and etag(current) not in tags:
            versions = _versions(yours, current, base)
            raise Overtaken(
                "somebody changed it since it was read", versions, fix="read it again, then repeat the change"
            )
    elif if_none_match is None and current is not None and not isinstance(caller, Local):
        raise NoPrecondition("If-Match", "it is missing", fix="send If-Match with the ETag of what was read")


def _versions(yours: AnyNoun | None, current: AnyNoun | None, base: AnyNoun | None) -> Versions:
    return Versions(
        yours=as_json(yours),
        current=as_json(current),
        base=as_json(base),
        etag=None if current is None else etag(current),
    )


def as_json(noun: AnyNoun | None) -> object | None:
    return None if noun is None else _ADAPTERS[type(noun)].dump_python(noun, mode="json")


def _base(history: Reading, noun: AnyNoun, tags: frozenset[str]) -> AnyNoun | None:
    """The version of a noun that has one of these tags, where it was overtaken by one of the last changes of it."""
    kind = type(noun).__name__.lower()
    word = Like(field="changed", pattern=f'%"{kind} {noun.name}: %', without=False)  # names have no wildcard in them
    changes, _ = history.page_of_revisions(Wanted(words=(word,), limit=_LOOKED_BACK))
    for revision in changes:
        if revision.number == 1:
            continue
        _, before = history.revision(revision.number - 1)
        nouns: tuple[AnyNoun, ...] = getattr(before, "policies" if kind == "policy" else f"{kind}s")
        found = next((one for one in nouns if one.name == noun.name and etag(one) in tags), None)
        if found is not None:
            return found
    return None


def revision_etag(revision: Revision) -> str:
    return f'"{revision.epoch}.{revision.number}"'


def check_newest(headers: Mapping[str, str], caller: Caller, newest: Revision) -> None:
    """As check_precondition, for a change of the whole fleet: If-Match names the newest revision."""
    if_match = headers.get("if-match")
    if if_match is None:
        if not isinstance(caller, Local):
            raise NoPrecondition("If-Match", "it is missing", fix="send If-Match with the ETag of the newest revision")
    elif not _tags(if_match) & {"*", revision_etag(newest)}:
        said = f"revision {newest.number} is newer: {newest.reason}"
        current = {"number": newest.number, "author": newest.author, "reason": newest.reason}
        versions = Versions(yours=None, current=current, etag=revision_etag(newest))
        raise Overtaken(said, versions, fix="look at what it changed, then repeat the change")


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
