"""Who reaches what: each host and path that a route names, and the nodes that the matcher lets in there.

A place is a host pattern and a path, for itself and for what no longer path or nearer pattern takes from it. A route
that goes may leave its place to a shorter one, and a new host takes all of its places from the wildcard over it: so
what a node gains and loses is read off the places, as the matcher decides them, and not off the routes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gridwire.core.access import resolved
from gridwire.core.compiler import closed_hosts, route_entry
from gridwire.core.crowd import Crowd, Crowds, Mask
from gridwire.core.fleet import Fleet
from gridwire.core.matcher import Site, reserved, site_for, sites_of
from gridwire.core.names import RouteName, ServiceName
from gridwire.core.proxy import RouteEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """``route`` is the one that answers there, after a gain and before a loss."""

    host: str
    path: str
    route: RouteName
    service: ServiceName


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """These nodes gain, or lose, all of these places."""

    who: Crowd
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """What these nodes reach at a place is another service."""

    who: Crowd
    host: str
    path: str
    before: ServiceName
    after: ServiceName


class Reach:
    """What the gateways of one fleet let in, and where."""

    def __init__(self, fleet: Fleet, crowds: Crowds) -> None:
        self.crowds = crowds
        self._grants: dict[str, Mask] = {}
        entries = []
        for route in fleet.routes:
            selectors = resolved(route.allow, fleet.policies)
            entry = route_entry(route, selectors, fleet.network)
            if entry.grant not in self._grants:
                self._grants[entry.grant] = crowds.selected(selectors) & crowds.people
            entries.append(entry)
        self.sites = sites_of(entries, closed_hosts(fleet.network))

    def answers(self, site: Site | None, path: str) -> RouteEntry | None:
        """The route that takes a place of a site."""
        if site is None or reserved(path) or site.ambiguous(path, path):
            return None
        return site.longest(path)

    def let_in(self, entry: RouteEntry | None) -> Mask:
        return 0 if entry is None else self._grants[entry.grant]

    def looks(self, site: Site | None) -> list[tuple[str, str, str, Mask]]:
        """Equal where a site's places are."""
        if site is None:
            return []
        return sorted((path, e.grant, e.service, self._grants[e.grant]) for path, e in site.paths.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How what is reached differs. ``gained``, ``lost``: all the nodes of ``gains`` and of ``losses``."""

    gains: tuple[Access, ...]
    losses: tuple[Access, ...]
    redirections: tuple[Redirection, ...]
    gained: Mask
    lost: Mask


def reached(before: Reach, after: Reach) -> Reached:
    gains: dict[Mask, list[Place]] = defaultdict(list)
    losses: dict[Mask, list[Place]] = defaultdict(list)
    redirections: list[Redirection] = []
    for host in sorted(before.sites.keys() | after.sites.keys()):
        old, new = site_for(before.sites, host), site_for(after.sites, host)
        if before.looks(old) == after.looks(new):
            continue
        for path in sorted({*_paths(old), *_paths(new)}):
            was, now = before.answers(old, path), after.answers(new, path)
            had, has = before.let_in(was), after.let_in(now)
            if now is not None and has & ~had:
                gains[has & ~had].append(_place(host, path, now))
            if was is not None and had & ~has:
                losses[had & ~has].append(_place(host, path, was))
            if was is not None and now is not None and had & has and was.service != now.service:
                redirections.append(
                    Redirection(
                        who=after.crowds.crowd(had & has),
                        host=host,
                        path=path,
                        before=was.service,
                        after=now.service,
                    )
                )
    return Reached(
        gains=_told(gains, after.crowds),
        losses=_told(losses, before.crowds),
        redirections=tuple(redirections),
        gained=_all(gains),
        lost=_all(losses),
    )


def _paths(site: Site | None) -> Iterable[str]:
    return () if site is None else (path or "/" for path in site.paths)


def _place(host: str, path: str, entry: RouteEntry) -> Place:
    return Place(host=host, path=path, route=entry.name, service=entry.service)


def _told(found: dict[Mask, list[Place]], crowds: Crowds) -> tuple[Access, ...]:
    """Those with the most nodes first."""
    ordered = sorted(found.items(), key=lambda item: (-item[0].bit_count(), item[1][0].host, item[1][0].path))
    return tuple(Access(who=crowds.crowd(mask), places=tuple(places)) for mask, places in ordered)


def _all(found: Iterable[Mask]) -> Mask:
    whole = 0
    for mask in found:
        whole |= mask
    return whole
