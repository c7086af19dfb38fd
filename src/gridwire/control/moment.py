"""The grid at one moment as the stream tells it, and what is another thing than it was a moment before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from gridwire.control.picture import Picture
from gridwire.control.views import endpoint_views
from gridwire.core.fleet import Node, NodeState
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.revision import Revision
from gridwire.protocol.audit import Event
from gridwire.protocol.notifications import AlertTurned
from gridwire.protocol.stream import EndpointNow, HealthChanged, NodeNow, NodesChanged, Resync, Revised
from gridwire.protocol.traffic import TrafficNow

Key = tuple[ServiceName, NodeName]
Said = tuple[str, str]  # kind and JSON
AT_ONCE: Final = 500  # nodes or endpoints in one message, so that none is large beside what a stream keeps

_SAID: Final[dict[str, TypeAdapter[Any]]] = {
    "revision": TypeAdapter(Revised),
    "event": TypeAdapter(Event),
    "nodes": TypeAdapter(NodesChanged),
    "health": TypeAdapter(HealthChanged),
    "traffic": TypeAdapter(TrafficNow),
    "alert": TypeAdapter(AlertTurned),
    "resync": TypeAdapter(Resync),
}


def said(kind: str, value: object) -> Said:
    return kind, _SAID[kind].dump_json(value).decode()


def resync(reason: str) -> Said:
    return said("resync", Resync(reason=reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    nodes: Mapping[NodeName, NodeNow]
    endpoints: Mapping[Key, EndpointNow]

    @classmethod
    def of(cls, picture: Picture) -> Moment:
        live = [node for node in picture.fleet.nodes if node.state is not NodeState.REVOKED]
        seen = (
            EndpointNow(service=service.name, node=view.node, health=view.health, reason=view.reason)
            for service in picture.fleet.services
            for view in endpoint_views(picture, service)
        )
        return cls(
            nodes={node.name: _node(picture, node) for node in live},
            endpoints={(view.service, view.node): view for view in seen},
        )

    def since(self, before: Moment) -> Iterator[Said]:
        """What to say to who knows ``before``."""
        nodes = [now for name, now in self.nodes.items() if before.nodes.get(name) != now]
        lost = sorted(before.nodes.keys() - self.nodes.keys())
        for at in range(0, max(len(nodes), len(lost)), AT_ONCE):
            part = slice(at, at + AT_ONCE)
            yield said("nodes", NodesChanged(nodes=tuple(nodes[part]), gone=tuple(lost[part])))
        endpoints = [now for key, now in self.endpoints.items() if before.endpoints.get(key) != now]
        gone = sorted(before.endpoints.keys() - self.endpoints.keys())
        for at in range(0, max(len(endpoints), len(gone)), AT_ONCE):
            part = slice(at, at + AT_ONCE)
            yield said("health", HealthChanged(endpoints=tuple(endpoints[part]), gone=tuple(gone[part])))


def revised(revision: Revision) -> Revised:
    return Revised(
        number=revision.number,
        epoch=revision.epoch,
        at=revision.at,
        author=revision.author,
        reason=revision.reason,
    )


def _node(picture: Picture, node: Node) -> NodeNow:
    heard = picture.heard.get(node.address)
    report = None if heard is None else heard.report
    return NodeNow(
        node=node.name,
        state=node.state,
        connected=picture.connected(node),
        unreached=picture.unreached(node) != "",
        behind=picture.behind(node),
        apply=None if report is None else report.state,
        drained=node.drained,
        findings=0 if report is None else len(report.findings),
        reports=None if heard is None else heard.fresh(picture.now),
    )
