"""Between operators and control: what they post, and what they are told it did and for whom.

Nouns themselves (Node, Service, Route, Policy, Revision) travel as the core dataclasses.

    GET    /api/v1/status                                  Status
    GET    /api/v1/network                                 Network
    GET    /api/v1/nodes[/NAME]                            NodeView
    PATCH  /api/v1/nodes/NAME                NodeChange    NodeView
    POST   /api/v1/nodes/NAME/approve                      NodeView
    POST   /api/v1/nodes/NAME/revoke                       Revoked      | 504 not-finished
    POST   /api/v1/devices                   Device        NodeView     | local.sock alone
    POST   /api/v1/members                   MemberDevice  NodeView     | local.sock alone
    POST   /api/v1/invitations               Invite        Invited
    GET    /api/v1/invitations/NAME                        Progress
    DELETE /api/v1/invitations/NAME                        204
    GET    /api/v1/services[/NAME]                         Service
    PUT    /api/v1/services/NAME             Service       ServiceOutcome
    DELETE /api/v1/services/NAME                           204
    (routes and policies as services: RouteOutcome, Policy)
    GET    /api/v1/outcomes/routes|services|policies       RouteOutcome, ServiceOutcome, PolicyOutcome
    GET    /api/v1/revisions[/NUMBER]                      Revision
    GET    /api/v1/events                                  Event
    GET    /api/v1/certificates                            ShownCertificate
    (the perimeter: gridwire.protocol.perimeter)
    GET    /api/v1/stream                                  gridwire.protocol.stream
    GET    /api/v1/traffic[/top]                           gridwire.protocol.traffic
    …      /api/v1/notifications, maintenance, alerts      gridwire.protocol.notifications

Changes take If-Match (the ETag of a GET) or If-None-Match: *; lists are ``{"items": […]}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from gridwire.core.addressing import Address
from gridwire.core.certificates import Certificate
from gridwire.core.crowd import NOBODY, Crowd
from gridwire.core.enrollment import LIFETIME_SECONDS, GatewayContact, WaitsFor
from gridwire.core.fleet import Network, Node, NodeState, Policy, Role, Route, Service, Tag
from gridwire.core.health import EndpointHealth, Health, Standing
from gridwire.core.names import HostName, NodeName, RouteName
from gridwire.core.perimeter import Finding
from gridwire.core.targets import Reach
from gridwire.core.wireguard import PublicKey
from gridwire.protocol.agent import ApplyState

T = TypeVar("T")
MOST_ENDPOINTS = 50
MOST_ROUTES = 20
# What a row of a table has room for: a list of thousands that is asked for briefly has no more of each.
FEW_ENDPOINTS = 3
FEW_NAMES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """``next``: the cursor of the page after this one, none at the end. ``total``: how many there are on all pages,
    where that is counted."""

    items: tuple[T, ...]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCertificate:
    """``gateway``: whose nginx shows it, or whose authority it is."""

    gateway: NodeName
    certificate: Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """Ask for an invitation. The ephemeral key pair is made by the asker; its private half stays there.

    ``needs_approval`` none: control decides (yes where a service selects the tags). ``replace``: the new node
    takes name, role and, where none are given, tags of the one that it replaces. ``endpoint``: a gateway's.
    """

    name: NodeName
    ephemeral_key: PublicKey
    role: Role = Role.EDGE
    tags: tuple[Tag, ...] = ()
    ttl_seconds: int = LIFETIME_SECONDS
    needs_approval: bool | None = None
    replace: bool = False
    endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """All that a token says, but for the ephemeral private key that control never sees."""

    node: Node
    expires: datetime
    network: Network
    gateways: tuple[GatewayContact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that runs the official WireGuard app: active at once, without an agent and so without a credential.

    The asker made its key pair, shows the private half once and sends the public one; operators and clients only.
    """

    name: NodeName
    role: Role
    public_key: PublicKey
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDevice:
    """A node of the tailnet that runs no gridwire, by its name or an address there; operators and clients only."""

    name: NodeName
    member: str
    role: Role = Role.CLIENT
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an invitation has come, as the gateway sees it, whose turn it is, and the likely cause where it is stuck.

    Since the invitation: ``handshakes_begun`` by senders that are no node's known endpoint; ``packets_arrived``, all
    of them, the data of the nodes among them.
    """

    node: NodeName
    state: NodeState
    expires: datetime
    handshakes_begun: int
    packets_arrived: int
    handshake: bool
    likely_cause: str = ""
    role: Role = Role.EDGE
    waits_for: WaitsFor = WaitsFor.NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """What may be changed of a node; none leaves it as it is."""

    tags: tuple[Tag, ...] | None = None
    drained: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node and what its agent last said. ``connected``: its tunnel is fresh, as a gateway sees it; none: unknown.
    ``unreached``: why nothing answers there all the same, as the gateways' checks of what it serves find sooner.

    ``version``: of the spec in force. A revision that changes nothing for a node leaves it at an older one, so
    ``behind`` says whether its own spec has changed since; none: unknown. ``ahead``: how far the node's clock was ahead
    of control's when it last spoke, its way here included.
    """

    node: Node
    connected: bool | None = None
    unreached: str = ""
    latest_handshake: datetime | None = None
    reported_at: datetime | None = None
    ahead: timedelta | None = None
    agent_version: str = ""
    version: tuple[int, int] | None = None
    behind: bool | None = None
    state: ApplyState | None = None
    detail: str = ""
    reach: tuple[Reach, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    node: NodeName
    address: Address
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """``since``: when it turned so, as far as that is known."""

    node: NodeName
    health: Health
    reason: str = ""
    drained: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCounts:
    """``down``: those that an edge refuses, too. ``drained`` ones are in no other number."""

    total: int = 0
    up: int = 0
    down: int = 0
    unknown: int = 0
    drained: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOutcome:
    """A service as it now is, where it runs, and ``advice``: what a person has to do for the rest.

    ``endpoints``: in a list the MOST_ENDPOINTS worst, in a brief one FEW_ENDPOINTS, which ``counts`` is not cut to."""

    service: Service
    endpoints: tuple[EndpointView, ...]
    standing: Standing = Standing.UNKNOWN
    counts: EndpointCounts = EndpointCounts()
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOutcome:
    """A route as it now is: the URL, who can open it, and which operators and clients cannot.

    ``can_open`` and ``cannot_open``: the first of ``can`` and ``cannot`` by name; not in a brief list, which names
    FEW_NAMES and has one advice. ``endpoints``: as of ServiceOutcome.
    ``open_to_you``: whether the device of who asks may open it; none: who asks is on no device that opens routes.
    """

    route: Route
    url: str
    endpoints: tuple[EndpointView, ...]
    can_open: tuple[NodeName, ...]
    cannot_open: tuple[NodeName, ...]
    advice: tuple[str, ...] = ()
    standing: Standing = Standing.UNKNOWN
    counts: EndpointCounts = EndpointCounts()
    can: Crowd = NOBODY
    cannot: Crowd = NOBODY
    open_to_you: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOutcome:
    """A policy as it now is, whom it lets in, and the first MOST_ROUTES of ``routes_count`` routes that name it."""

    policy: Policy
    can: Crowd
    routes: tuple[RouteName, ...]
    routes_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The one screen that an operator needs."""

    version: str
    suffix: HostName
    epoch: int
    revision: int
    nodes: tuple[NodeView, ...]
    routes: tuple[RouteOutcome, ...]
    services: tuple[ServiceOutcome, ...]
    health: tuple[EndpointHealth, ...]
    findings: tuple[tuple[NodeName, Finding], ...]
