"""What nginx must be on one node: a few listeners (text), and tables of routes and endpoints (data)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gridwire.core.addressing import Address
from gridwire.core.fleet import Balance
from gridwire.core.health import HealthCheck
from gridwire.core.names import HostName, NodeName, RouteName, ServiceName
from gridwire.core.panel import PanelTable
from gridwire.core.targets import Target


class ListenerKind(StrEnum):
    ROUTES = "routes"  # gateway: what clients open
    API = "api"  # gateway: control, for agents and operators, and the panel
    ENROL = "enrol"  # gateway: control's enrolment alone, for holders of an invitation
    TLS = "tls"  # gateway: routes, over TLS
    PANEL = "panel"  # gateway: what ``api`` has for persons, over TLS
    EDGE = "edge"  # edge: all its services, for gateways alone


@dataclass(frozen=True, slots=True)
class Listener:
    """An address literal of the mesh and a port; there are no wildcard listeners."""

    kind: ListenerKind
    address: Address
    port: int

    def __post_init__(self) -> None:
        if self.address.is_unspecified:
            raise ValueError("a listener is never a wildcard")

    def place(self) -> tuple[str, int, int, int]:
        """By which listeners are put in order."""
        return self.kind, self.address.version, int(self.address), self.port


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One node's instance of a service: the edge's own mesh address and its edge listener's port."""

    node: NodeName
    address: Address
    port: int
    weight: int = 1
    drained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A service as the gateway balances it; endpoints sorted by node. Times in milliseconds."""

    service: ServiceName
    balance: Balance
    retries: int
    connect_timeout_ms: int
    read_timeout_ms: int
    send_timeout_ms: int
    health: HealthCheck
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The mesh addresses that a set of selectors resolves to, sorted; shared by all routes with that set."""

    id: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry:
    """A route with its host in full (``api.grid`` or ``*.api.grid``)."""

    name: RouteName
    host: str
    path: str
    grant: str
    service: ServiceName


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingTable:
    """A gateway's routes as data, sorted by (host, path). ``version`` is (epoch, revision); ``closed``: hosts that no
    wildcard stands for."""

    version: tuple[int, int]
    routes: tuple[RouteEntry, ...]
    grants: tuple[Grant, ...]
    pools: tuple[Pool, ...]
    closed: tuple[HostName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeService:
    """One service of an edge: where its listener sends what the gateway names."""

    service: ServiceName
    target: Target
    health: HealthCheck
    connect_timeout_ms: int
    read_timeout_ms: int
    send_timeout_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTable:
    """An edge's services as data, sorted by name, and the gateways that may ask for them."""

    version: tuple[int, int]
    gateways: tuple[Address, ...]
    services: tuple[EdgeService, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySpec:
    """All that nginx must be; no listeners means that no nginx is wanted (operators and clients)."""

    listeners: tuple[Listener, ...] = ()
    routing: RoutingTable | None = None
    edge: EdgeTable | None = None
    panel: PanelTable | None = None


def on_held(spec: ProxySpec, held: tuple[Address, ...]) -> ProxySpec:
    """The spec with those of its listeners whose address this host has."""
    return replace(spec, listeners=tuple(listener for listener in spec.listeners if listener.address in held))
