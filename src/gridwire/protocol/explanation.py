"""Why a node reaches what it asks for, or does not: the matcher's decision, and the way there hop by hop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gridwire.core.explanation import Miss, Verdict
from gridwire.core.fleet import Route
from gridwire.core.health import Health
from gridwire.core.names import NodeName, ServiceName


class HopKind(StrEnum):
    DEVICE = "device"
    GATEWAY = "gateway"
    EDGE = "edge"
    ENDPOINT = "endpoint"


class HopState(StrEnum):
    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A place on the way, and ``state``: of the way to it from the hop before, and of itself. What lies behind a
    broken one is unknown. ``name``: a node's, or of an endpoint its target (``127.0.0.1:9000``)."""

    kind: HopKind
    name: str
    state: HopState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChoice:
    """``takes``: whether a request may go there; an endpoint of unknown health is a last resort."""

    node: NodeName
    health: Health
    reason: str
    weight: int
    drained: bool
    takes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """``status``: what the gateway answers by itself, with ``code``, its word for why; 200: the service answers.

    ``says``: the same as a sentence, with ``advice``, what to do about it. ``miss``: where no route takes the URL, the
    one that nearly does.
    """

    node: NodeName
    method: str
    url: str
    host: str
    path: str
    status: int
    code: str
    says: str
    route: Route | None
    service: ServiceName | None
    miss: Miss | None
    verdict: Verdict | None
    endpoints: tuple[EndpointChoice, ...]
    hops: tuple[Hop, ...]
    advice: tuple[str, ...] = ()
