"""Why the matcher decides what it does: who is let in by which selector, and which route a miss nearly was."""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gridwire.core.access import resolved, selects
from gridwire.core.compiler import closed_hosts, route_entry
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Fleet, Node, NodeState, Policy, Role, Route, Selector
from gridwire.core.matcher import Decision, Found, Site, find, reserved, site_for, sites_of
from gridwire.core.names import RouteName, shown

_URL = re.compile(r"(?:[Hh][Tt][Tt][Pp][Ss]?://)?+([^/?#@\s]+)([/?][^#]*)?(?:#.*)?", re.DOTALL)
LONGEST_URL = 8192
_COMPARED = 100  # hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``by``: the selectors of the route that name the node, a policy's with what in it does. ``wanted``: all."""

    allowed: bool
    by: tuple[str, ...]
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """The route that nearly takes a URL, and why it does not."""

    route: RouteName
    host: str
    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    decision: Decision
    host: str
    path: str
    route: Route | None
    verdict: Verdict | None
    miss: Miss | None


def split_url(url: str, field: str = "url") -> tuple[str, str]:
    """What a browser makes of it: the Host header and the target of the request line; raise Invalid."""
    match = _URL.fullmatch(url)
    if match is None or len(url) > LONGEST_URL:
        raise Invalid(field, f"{shown(url[:100])} is not a URL", fix="write it like http://api.grid/path")
    target = match[2] or "/"
    return match[1], target if target.startswith("/") else f"/{target}"


class Explainer:
    """The routes of one fleet, for many questions."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._routes: Mapping[str, Route] = {route.name: route for route in fleet.routes}
        self._sites = sites_of(
            (route_entry(route, resolved(route.allow, fleet.policies), fleet.network) for route in fleet.routes),
            closed_hosts(fleet.network),
        )

    def explain(self, node: Node, host: str, target: str) -> Explained:
        """Up to the policy: the endpoints are whose health is known."""
        found = find(self._sites, host, target)
        route = None if found.entry is None else self._routes[found.entry.name]
        verdict = None if route is None else verdict_of(node, route, self._fleet.policies)
        decision = found.decision
        if route is not None and verdict is not None:
            code, why = (200, "") if verdict.allowed else (403, "not-allowed")
            decision = Decision(code, why, route.name, route.to)
        return Explained(
            decision=decision,
            host=found.host,
            path=found.path,
            route=route,
            verdict=verdict,
            miss=self._miss(found) if route is None else None,
        )

    def _miss(self, found: Found) -> Miss | None:
        site = site_for(self._sites, found.host)
        if found.decision.reason == "unknown-host":
            near = difflib.get_close_matches(found.host, self._alike(found.host), n=1, cutoff=0.5)
            return _near_host(near[0], self._sites[near[0]]) if near else None
        if site is None or reserved(found.path):
            return None
        if found.decision.reason == "path-ambiguous":
            entry = site.longest(found.path)
            why = "the path can be read in several ways, and they lead to different routes"
        else:
            paths = difflib.get_close_matches(found.path, site.paths, n=1, cutoff=0.0)
            entry = site.paths[paths[0]] if paths else None
            why = "" if entry is None else f"it takes {entry.path} and what is below it"
        return None if entry is None else Miss(route=entry.name, host=entry.host, path=entry.path, why=why)

    def _alike(self, host: str) -> list[str]:
        """The hosts that begin or end most like it: to compare it with each of thousands takes a tenth of a second."""
        sites = [pattern for pattern, site in self._sites.items() if site.paths]

        def shared(other: str) -> int:
            return _same(host, other) + _same(host[::-1], other[::-1])

        return heapq.nlargest(_COMPARED, sites, key=shared)


def _near_host(host: str, site: Site) -> Miss:
    entry = min(site.paths.values(), key=lambda one: one.path)
    return Miss(route=entry.name, host=host, path=entry.path, why=f"its host is {host}")


def verdict_of(node: Node, route: Route, policies: Iterable[Policy]) -> Verdict:
    known = {policy.name: policy for policy in policies}
    by: list[str] = []
    if node.state is NodeState.ACTIVE and node.role is not Role.GATEWAY:
        for selector in route.allow:
            if selector.kind != "policy":
                by += [str(selector)] if selects(selector, node) else []
            elif inner := _naming(node, known[selector.value].allow):  # type: ignore[index]  # a NewType of str
                by.append(f"{selector} ({', '.join(inner)})")
    return Verdict(allowed=bool(by), by=tuple(by), wanted=tuple(map(str, route.allow)))


def _naming(node: Node, selectors: Iterable[Selector]) -> list[str]:
    return [str(selector) for selector in selectors if selects(selector, node)]


def _same(one: str, other: str) -> int:
    """With how many characters both begin."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
