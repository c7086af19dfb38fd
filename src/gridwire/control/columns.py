"""What lists are sorted and filtered by, noun by noun."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, TypeVar

from gridwire.control.paging import Column, text_column
from gridwire.control.picture import Picture
from gridwire.control.standing import node_standing
from gridwire.core.fleet import Node, Policy, Route, Selector, Service
from gridwire.core.health import Standing
from gridwire.core.names import ServiceName, under_suffix
from gridwire.protocol.api import Progress

T = TypeVar("T")
_STANDINGS: Final = tuple(Standing)


def _selectors(of: Callable[[T], Iterable[Selector]]) -> Column[T]:
    return Column(texts=lambda item: map(str, of(item)))


def node_columns(picture: Picture) -> Mapping[str, Column[Node]]:
    def tunnel(node: Node) -> str:
        return {True: "connected", False: "down", None: "unknown"}[picture.connected(node)]

    def handshake(node: Node) -> float:
        seen = picture.last_session(node)
        return 0.0 if seen is None else seen.timestamp()

    def agent(node: Node) -> str:
        heard = picture.heard.get(node.address)
        return "" if heard is None else heard.report.agent_version

    def behind(node: Node) -> str:
        return {True: "yes", False: "no", None: "unknown"}[picture.behind(node)]

    def findings(node: Node) -> int:
        heard = picture.heard.get(node.address)
        return 0 if heard is None else len(heard.report.findings)

    return {
        "name": text_column(lambda node: node.name),
        "role": text_column(lambda node: str(node.role)),
        "state": text_column(lambda node: str(node.state)),
        "address": Column(
            value=lambda node: f"{node.address.version}{int(node.address):040}",
            texts=lambda node: map(str, node.addresses),
        ),
        "tag": Column(texts=_tags),
        "drained": text_column(lambda node: "yes" if node.drained else "no", by_name=True),
        "tunnel": text_column(tunnel, by_name=True),
        "handshake": Column(value=handshake),
        "standing": Column(value=lambda node: node_standing(picture, node)),
        "agent": text_column(agent, by_name=True),
        "behind": text_column(behind, by_name=True),
        "findings": Column(value=findings, texts=lambda node: (str(findings(node)),), by_name=True),
    }


def _tags(node: Node) -> Iterable[str]:
    yield from (f"{key}={value}" for key, value in node.tags)
    if node.tailnet is not None:
        yield from (node.tailnet.owner(), node.tailnet.name)


SERVICES: Final[Mapping[str, Column[Service]]] = {
    "name": text_column(lambda service: service.name),
    "target": text_column(lambda service: str(service.target)),
    "on": _selectors(lambda service: service.on),
}
POLICIES: Final[Mapping[str, Column[Policy]]] = {
    "name": text_column(lambda policy: policy.name),
    "allow": _selectors(lambda policy: policy.allow),
}


def route_columns(suffix: str) -> Mapping[str, Column[Route]]:
    return {
        "name": text_column(lambda route: route.name),
        "host": Column(
            value=lambda route: under_suffix(route.host, suffix),
            texts=lambda route: {route.host, under_suffix(route.host, suffix)},
        ),
        "path": text_column(lambda route: route.path),
        "to": text_column(lambda route: route.to),
        "allow": _selectors(lambda route: route.allow),
    }


def node_column(of: Callable[[T], ServiceName], picture: Picture) -> Column[T]:
    """The nodes that a service runs on; only by name, for they are many."""

    @cache
    def names(service: ServiceName) -> tuple[str, ...]:
        return tuple(node.name for node in picture.known.endpoints_of(picture.known.services[service]))

    return Column(texts=lambda item: names(of(item)), by_name=True)


def standing_column(of: Callable[[T], Standing]) -> Column[T]:
    """The worst first."""
    return Column(value=lambda item: _STANDINGS.index(of(item)), texts=lambda item: (str(of(item)),), by_name=True)


INVITATIONS: Final[Mapping[str, Column[Progress]]] = {
    "name": text_column(lambda progress: progress.node),
    "role": text_column(lambda progress: str(progress.role)),
    "state": text_column(lambda progress: str(progress.state)),
    "waits_for": text_column(lambda progress: str(progress.waits_for)),
    "expires": Column(value=lambda progress: progress.expires.timestamp()),
}
