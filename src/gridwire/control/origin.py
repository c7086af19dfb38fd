"""Whether a person's request came by a name of the grid's, and from a page of its own (core.origins says why)."""

from __future__ import annotations

from typing import Final

from fastapi import Request

from gridwire.control.caller import BREAKGLASS, LISTENER_HEADER, Peer, Person
from gridwire.control.errors import Misdirected, NotJson
from gridwire.control.person import scheme_of
from gridwire.core.errors import NotPermitted
from gridwire.core.fleet import Fleet
from gridwire.core.names import shown
from gridwire.core.origins import SAME_SITE, known_host, loopback_host, panel_origin, same_origin

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def check_origin(request: Request, caller: Peer | Person, fleet: Fleet) -> None:
    """Raise Misdirected (421), NotPermitted (403) or NotJson (415).

    An API token is sent by programs alone: no page can make a browser send one, so it needs no Origin.
    """
    scheme, host = scheme_of(request.headers), request.headers.get("host", "")
    breakglass = request.headers.get(LISTENER_HEADER) == BREAKGLASS
    if not (loopback_host(host) if breakglass else known_host(host, fleet, scheme)):
        raise Misdirected(f"{shown(host)} is no name of this grid's", fix=f"use {panel_origin(fleet.network, scheme)}")
    if isinstance(caller, Person) and caller.session is None:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in SAME_SITE:
        raise NotPermitted("another site's page asks", fix="use the panel", code="foreign-origin")
    if request.method in _SAFE:
        return
    if not same_origin(request.headers.get("origin"), host, scheme) or site == "none":
        raise NotPermitted(
            "what changes something has to come from a page of this origin",
            fix="send Origin, or use an API token",
            code="foreign-origin",
        )
    sent = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if (sent or kind) and kind != "application/json":
        raise NotJson("Content-Type", "the body has to be JSON", fix="send Content-Type: application/json")
