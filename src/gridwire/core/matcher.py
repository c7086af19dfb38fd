"""The reference matcher: request → route, policy, endpoint. Deny by default.

nginx's Lua (gridwire/lua/gridwire/match.lua) does the same; a property test through a real nginx holds them
together, and `explain` answers from here.

    host      exact, else the longest wildcard; ``*.x`` stands for one or more labels. One that is not spelt as host
              names are, or that differs from the host of an absolute target (RFC 9112 section 3.2.2), is refused
    path      the longest prefix of whole segments of the path as nginx normalises it
    spelling  where another reading of the path selects a route of another grant or service, nobody is served: an
              application that reads it so would be reached past its policy (core/readings.py)
    policy    the peer's address is in the route's grant
    endpoint  one that is not drained, has weight and is not known to be down
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gridwire.core.addressing import Address
from gridwire.core.health import Health
from gridwire.core.names import HostName, NodeName, RouteName, ServiceName
from gridwire.core.proxy import Pool, RouteEntry, RoutingTable
from gridwire.core.readings import readings

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_ABSOLUTE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9.-]+|\[[A-Za-z0-9:._~!$&'()*+,;=-]*\])(?::[0-9]*)?(?=[/?]|\Z)"
)
_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_CONTROLS = frozenset(chr(code) for code in (*range(0x21), 0x7F))
RESERVED = "/.gridwire"


class Malformed(ValueError):
    """nginx itself refuses the host or the target, with 400."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``status`` 200: the request goes to an endpoint of ``service``. Else what gridwire answers, and why."""

    status: int
    reason: str = ""
    route: RouteName | None = None
    service: ServiceName | None = None


def decide(
    table: RoutingTable,
    host: str,
    raw_target: str,
    peer: Address,
    health: Mapping[tuple[ServiceName, NodeName], Health] | None = None,
) -> Decision:
    """What becomes of a request. ``host``: the Host header, empty where there is none; ``raw_target``: as in the
    request line, before any decoding; both as Latin-1."""
    found = find(sites_of(table.routes, table.closed), host, raw_target)
    route = found.entry
    if route is None:
        return found.decision
    if not any(grant.id == route.grant and peer in grant.addresses for grant in table.grants):
        return Decision(403, "not-allowed", route.name)
    pool = next((pool for pool in table.pools if pool.service == route.service), None)
    if pool is None or not _usable(pool, health or {}):
        return Decision(503, "no-endpoint", route.name)
    return Decision(200, "", route.name, route.service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The route that takes a request, or none and what is answered. ``host`` and ``path`` as they were read."""

    decision: Decision
    entry: RouteEntry | None = None
    host: str = ""
    path: str = ""


def find(sites: Mapping[str, Site], host: str, raw_target: str) -> Found:
    """As ``decide``, before it comes to who asks."""
    try:
        name = plain_host(host)
        asked = target_host(raw_target)
        path = normal_path(raw_target)
    except Malformed:
        return Found(decision=Decision(400, "malformed"))
    if (host and not _HOST.fullmatch(host.translate(_ASCII_LOWER))) or asked not in (None, name):
        return Found(decision=Decision(400, "bad-host"), host=name, path=path)
    site = site_for(sites, name)
    if site is None:
        return Found(decision=Decision(421, "unknown-host"), host=name, path=path)
    if reserved(path):
        return Found(decision=Decision(404, "no-route"), host=name, path=path)
    entry = site.longest(path)
    if site.ambiguous(raw_path(raw_target), path):
        return Found(decision=Decision(400, "path-ambiguous"), host=name, path=path)
    if entry is None:
        return Found(decision=Decision(404, "no-route"), host=name, path=path)
    return Found(decision=Decision(200, "", entry.name, entry.service), entry=entry, host=name, path=path)


def reserved(path: str) -> bool:
    """Whether a path is gridwire's own on every host."""
    return path == RESERVED or path.startswith(f"{RESERVED}/")


def _usable(pool: Pool, health: Mapping[tuple[ServiceName, NodeName], Health]) -> bool:
    """An endpoint whose health is unknown is a last resort, and so still one."""
    return any(
        not endpoint.drained and endpoint.weight > 0 and health.get((pool.service, endpoint.node)) is not Health.DOWN
        for endpoint in pool.endpoints
    )


def plain_host(header: str) -> str:
    """Lower case, no port, no trailing dot; raise Malformed for what nginx refuses (ngx_http_validate_host)."""
    host = header.translate(_ASCII_LOWER)
    if not host:
        return ""
    if "/" in host or ".." in host or set(host) & _CONTROLS:
        raise Malformed(host)
    if host.startswith("["):
        return host[: host.find("]") + 1] or host
    plain = host.partition(":")[0].removesuffix(".")
    if not plain:
        raise Malformed(host)
    return plain


def target_host(target: str) -> str | None:
    """The host of an absolute-form target, as plain_host spells it; None for an origin-form one."""
    if target.startswith("/"):
        return None
    match = _ABSOLUTE.match(target)
    if match is None:
        raise Malformed(target)
    return plain_host(match[1])


def raw_path(target: str) -> str:
    """The path as an application sees it that reads the request line: undecoded, without the query."""
    return _origin_form(target).partition("?")[0]


def _origin_form(target: str) -> str:
    match = _ABSOLUTE.match(target)
    return target[match.end() :] if match else target


def normal_path(target: str) -> str:
    """nginx's $uri (ngx_http_parse_complex_uri with merge_slashes on); raise Malformed where it answers 400.

    One pass: an escape is decoded and then means what its character means, save that %3F and %23 do not end the
    path, and %25 starts no second escape.
    """
    text = _origin_form(target)
    if text != target and not text.startswith("/"):
        text = f"/{text}"
    if not text.startswith("/") or set(text) & _CONTROLS:
        raise Malformed(target)
    segments = [""]
    at, end = 1, len(text)
    while at < end and text[at] not in "?#":
        character = text[at]
        at += 1
        if character == "%":
            escape = _ESCAPE.match(text, at - 1)
            if escape is None or escape[1] == "00":
                raise Malformed(target)
            character = chr(int(escape[1], 16))
            at += 2
        if character == "/":
            _close(segments, target)
        else:
            segments[-1] += character
    if segments[-1] in (".", ".."):
        _close(segments, target)
    return "/" + "/".join(segments)


def _close(segments: list[str], target: str) -> None:
    """End the last segment and begin a new one."""
    last = segments.pop()
    if last == "..":
        if not segments:
            raise Malformed(target)
        segments.pop()
    elif last not in ("", "."):
        segments.append(last)
    segments.append("")


class Site:
    """The routes of one host pattern, by path without a trailing slash."""

    def __init__(self, entries: Iterable[RouteEntry]) -> None:
        self.paths: dict[str, RouteEntry] = {}
        for entry in entries:
            self.paths.setdefault(entry.path.removesuffix("/"), entry)
        self._one_policy = "" in self.paths and len({_policy(entry) for entry in self.paths.values()}) == 1
        self._folded: dict[str, RouteEntry] | None = None
        self._is_folded = False

    def longest(self, path: str) -> RouteEntry | None:
        return _longest(self.paths, path)

    def ambiguous(self, raw: str, path: str) -> bool:
        """Whether some reading selects a route of another grant or service (which of several with the same is
        harmless), or there are too many readings to tell. Where a host has one policy for all paths, none can."""
        if self._one_policy:
            return False
        found = readings(raw, path)
        if found is None:
            return True
        wanted, folded = _policy(self.longest(path)), self._fold()
        return any(
            _policy(self.longest(reading)) != wanted
            or (folded is not None and _policy(_longest(folded, reading.translate(_ASCII_LOWER))) != wanted)
            for reading in found
        )

    def _fold(self) -> dict[str, RouteEntry] | None:
        """The routes as an application reads them that does not tell upper case from lower; None where two routes
        with different policies differ in case alone, which says that this one does."""
        if not self._is_folded:
            self._is_folded, self._folded = True, _folded(self.paths)
        return self._folded


def sites_of(entries: Iterable[RouteEntry], closed: Iterable[HostName]) -> dict[str, Site]:
    """By host pattern. One that is ``closed`` has no route, whatever wildcard is over it."""
    found: dict[str, list[RouteEntry]] = {host: [] for host in closed}
    for entry in entries:
        found.setdefault(entry.host, []).append(entry)
    return {pattern: Site(of_one) for pattern, of_one in found.items()}


def site_for(sites: Mapping[str, Site], host: str) -> Site | None:
    """Of the host, or of the longest wildcard over it. A pattern (``*.x``) has that of any host under it that is
    named nowhere."""
    if not host or host.startswith("["):
        return None
    site = sites.get(host)
    dot = host.find(".", 1)
    while site is None and dot >= 0:
        site = sites.get(f"*.{host[dot + 1 :]}")
        dot = host.find(".", dot + 1)
    return site


def _policy(route: RouteEntry | None) -> tuple[str, str] | None:
    return None if route is None else (route.grant, route.service)


def _folded(paths: Mapping[str, RouteEntry]) -> dict[str, RouteEntry] | None:
    folded: dict[str, RouteEntry] = {}
    for path, route in paths.items():
        if _policy(folded.setdefault(path.translate(_ASCII_LOWER), route)) != _policy(route):
            return None
    return folded


def _longest(paths: Mapping[str, RouteEntry], path: str) -> RouteEntry | None:
    best = paths.get("")
    slash = path.find("/", 1)
    while slash >= 0:
        best = paths.get(path[:slash], best)
        slash = path.find("/", slash + 1)
    return paths.get(path, best)
