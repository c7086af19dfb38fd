"""The fleet: all that the operator asked for. Network, nodes, services, routes, policies, invitations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from gridwire.core.addressing import Address, Prefix
from gridwire.core.errors import Invalid, NotFound
from gridwire.core.health import HealthCheck
from gridwire.core.names import (
    HostName,
    NodeName,
    PolicyName,
    RouteName,
    ServiceName,
    check_tag,
    host_pattern,
    node_name,
    policy_name,
    route_name,
    service_name,
    shown,
)
from gridwire.core.tailnet import TAILNET, Member, Provider, login, tailnet_tag
from gridwire.core.targets import Target
from gridwire.core.wireguard import PublicKey, public_key

Tag = tuple[str, str]


def mesh_prefixes(provider: Provider, prefix: Prefix) -> tuple[Prefix, ...]:
    """Where nodes' addresses lie: a tailnet has a range of each family, whatever is asked for."""
    return TAILNET if provider is Provider.TAILSCALE else (prefix,)


DEFAULT_SUFFIX = HostName("grid")


class Role(StrEnum):
    GATEWAY = "gateway"
    EDGE = "edge"
    OPERATOR = "operator"
    CLIENT = "client"


class NodeState(StrEnum):
    """invited → redeemed → (pending →) active → revoking → revoked; quarantined from any but the last two."""

    INVITED = "invited"  # an invitation is out; the ephemeral key may reach the enrol endpoint
    REDEEMED = "redeemed"  # a key is bound; waiting for the node to confirm through the new tunnel
    PENDING = "pending"  # confirmed; waiting for an operator's yes
    ACTIVE = "active"
    QUARANTINED = "quarantined"  # a second use of its invitation was seen
    REVOKING = "revoking"  # cut; not every gateway has said so yet
    REVOKED = "revoked"


ON_MESH = frozenset({NodeState.INVITED, NodeState.REDEEMED, NodeState.PENDING, NodeState.ACTIVE})


class Tls(StrEnum):
    """Whose certificates gateways show on the mesh, where no other is given; off: they do not listen with TLS."""

    INTERNAL = "internal"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What all nodes share. ``suffix``: the domain that route names of one label stand under.

    Ports are those on gateways' mesh addresses (routes, api, enrol; with TLS: tls for routes, panel for panel and API)
    and on edges' (edge). ``approve``: which nodes of
    a tailnet need no operator's yes, as edges and clients.
    """

    prefix: Prefix
    interface: str = "gw0"
    suffix: HostName = DEFAULT_SUFFIX
    routes_port: int = 80
    api_port: int = 2086
    enrol_port: int = 2087
    edge_port: int = 2085
    tls: Tls = Tls.INTERNAL
    tls_port: int = 443
    panel_port: int = 2443
    mtu: int = 1420
    provider: Provider = Provider.WIREGUARD
    approve: tuple[Selector, ...] = ()

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        return mesh_prefixes(self.provider, self.prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A peer with a role. ``endpoint`` (host:port) is a gateway's, where others call it.

    ``needs_approval`` none: judged when the node confirms. ``tailnet``: who it is there; its first address is
    ``address``. A revoked node without it has only moved: nobody at that address is kept out for it.
    """

    name: NodeName
    role: Role
    state: NodeState
    address: Address
    public_key: PublicKey | None = None
    endpoint: str | None = None
    tags: tuple[Tag, ...] = ()
    drained: bool = False
    needs_approval: bool | None = False
    replaces: NodeName | None = None
    tailnet: Member | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Of every family; the first is the one that it is called by."""
        others = () if self.tailnet is None else self.tailnet.addresses
        return (self.address, *(address for address in others if address != self.address))

    def __post_init__(self) -> None:
        node_name(self.name)
        if self.public_key is not None:
            public_key(self.public_key)
        for key, value in self.tags:
            check_tag(key, value, "tags")
        object.__setattr__(self, "tags", tuple(sorted(set(self.tags))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A one-time, expiring right to become ``node``. Only the public half of the ephemeral key is known."""

    node: NodeName
    ephemeral_key: PublicKey
    expires: datetime
    redeemed_at: datetime | None = None
    redeemed_key: PublicKey | None = None


@dataclass(frozen=True, slots=True, order=True)
class Selector:
    """``role:client``, ``tag:site=a``, ``node:phone`` or ``policy:home``; of a tailnet also ``user:alice@example.com``
    and ``tag:edge``, a tag without a value."""

    kind: Literal["role", "tag", "node", "policy", "user"]
    value: str

    def __post_init__(self) -> None:
        text = f"{self.kind}:{self.value}"
        if self.kind == "role":
            if self.value not in set(Role):
                raise Invalid("selector", f"{shown(text)} names no role", fix=f"use one of {', '.join(Role)}")
        elif self.kind == "tag":
            key, equals, value = self.value.partition("=")
            if equals:
                check_tag(key, value, "selector")
            else:
                tailnet_tag(self.value, "selector")
        elif self.kind == "user":
            login(self.value, "selector")
        elif self.kind == "node":
            node_name(self.value, "selector")
        else:
            policy_name(self.value, "selector")

    @property
    def of_tailnet(self) -> bool:
        return self.kind == "user" or (self.kind == "tag" and "=" not in self.value)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def check_known_to(provider: Provider, selectors: tuple[Selector, ...], field: str) -> None:
    """Raise Invalid for a selector that names nothing on a mesh of this provider."""
    for selector in selectors:
        if not selector.of_tailnet or provider is Provider.TAILSCALE:
            continue
        if selector.kind == "tag":
            raise Invalid(field, f"'{selector}' is not a tag", fix="write it as tag:key=value")
        raise Invalid(field, f"{selector}: only a tailnet knows users", fix="use role:, tag:key=value or node:NAME")


def parse_selector(text: str, field: str = "selector") -> Selector:
    """Raise Invalid for anything but a selector's forms."""
    kind, colon, value = text.partition(":")
    if not colon or kind not in ("role", "tag", "node", "policy", "user"):
        raise Invalid(field, f"{shown(text)} is not a selector", fix="write role:client, tag:site=a or node:phone")
    try:
        return Selector(kind, value)  # type: ignore[arg-type]  # narrowed by the test above
    except Invalid as error:
        raise Invalid(field, error.what, fix=error.fix) from None


class Balance(StrEnum):
    ROUND_ROBIN = "round-robin"
    LEAST_CONNECTIONS = "least-connections"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A named upstream: ``target`` on every active edge that a selector of ``on`` names.

    Times in milliseconds. ``retries``: how many other endpoints a request may be tried on, where that is safe
    (an idempotent method, or nothing sent yet).
    """

    name: ServiceName
    target: Target
    on: tuple[Selector, ...]
    health: HealthCheck = field(default_factory=HealthCheck)
    balance: Balance = Balance.ROUND_ROBIN
    weights: tuple[tuple[NodeName, int], ...] = ()
    connect_timeout_ms: int = 1000
    read_timeout_ms: int = 60_000
    send_timeout_ms: int = 60_000
    retries: int = 2

    def __post_init__(self) -> None:
        service_name(self.name)
        if not self.on:
            raise Invalid("on", "no node is selected", fix="give --on tag:key=value or --on node:NAME")
        object.__setattr__(self, "on", tuple(sorted(set(self.on))))
        object.__setattr__(self, "weights", tuple(sorted(self.weights)))
        for name, low, high in (
            ("connect_timeout_ms", 50, 60_000),
            ("read_timeout_ms", 100, 86_400_000),
            ("send_timeout_ms", 100, 86_400_000),
            ("retries", 0, 10),
        ):
            if not low <= getattr(self, name) <= high:
                raise Invalid(name, f"{getattr(self, name)} is not from {low} to {high}")
        if len(dict(self.weights)) != len(self.weights):
            raise Invalid("weights", "a node stands there twice")
        for node, weight in self.weights:
            node_name(node, "weights")
            if not 0 <= weight <= 1000:
                raise Invalid("weights", f"{weight} for {node} is not from 0 to 1000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Match → service. ``host`` of one label stands under the network's suffix; ``path`` is a prefix of whole
    segments. A route with no ``allow`` is closed."""

    name: RouteName
    host: str
    path: str = "/"
    to: ServiceName
    allow: tuple[Selector, ...] = ()

    def __post_init__(self) -> None:
        route_name(self.name)
        if self.host != "*":
            host_pattern(self.host)
        check_path(self.path)
        service_name(self.to, "to")
        object.__setattr__(self, "allow", tuple(sorted(set(self.allow))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named set of selectors that routes share as ``policy:NAME``; policies do not nest."""

    name: PolicyName
    allow: tuple[Selector, ...]

    def __post_init__(self) -> None:
        policy_name(self.name)
        if any(selector.kind == "policy" for selector in self.allow):
            raise Invalid("allow", "a policy cannot name a policy", fix="name roles, tags and nodes")
        object.__setattr__(self, "allow", tuple(sorted(set(self.allow))))


_PATH_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/")


def check_path(path: str, field: str = "path") -> str:
    """A path prefix in normal form: absolute, no empty or dot segment, no escape; raise Invalid."""
    fix = "write it like /api: absolute, decoded, without '//', '.', '..', '?' or '%'"
    if not path.startswith("/") or len(path) > 1024 or not set(path) <= _PATH_CHARACTERS:
        raise Invalid(field, f"{shown(path)} is not a path", fix=fix)
    segments = path[1:].removesuffix("/").split("/")
    if path != "/" and any(segment in ("", ".", "..") for segment in segments):
        raise Invalid(field, f"{shown(path)} is not in normal form", fix=fix)
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Everything, sorted by name. ``revoked`` nodes stay as tombstones: no address or key is given twice."""

    network: Network
    nodes: tuple[Node, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    services: tuple[Service, ...] = ()
    routes: tuple[Route, ...] = ()
    policies: tuple[Policy, ...] = ()

    def node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name and node.state is not NodeState.REVOKED:
                return node
        raise NotFound(f"there is no node {shown(name)}", fix="`gridwire node list` names them")

    def service(self, name: str) -> Service:
        for service in self.services:
            if service.name == name:
                return service
        raise NotFound(f"there is no service {shown(name)}", fix="`gridwire service list` names them")

    def at(self, address: Address) -> Node | None:
        """The node that was given the address, a revoked one too."""
        return next((node for node in self.nodes if address in node.addresses), None)

    def put(self, item: Noun) -> Fleet:
        """The fleet with ``item`` in it, in place of the one of its identity: a node's is its address."""
        place, identity = _PLACES[type(item)], _identity(item)
        others = [other for other in getattr(self, place) if _identity(other) != identity]
        changed: dict[str, Any] = {place: tuple(sorted([*others, item], key=_order))}
        return replace(self, **changed)

    def drop(self, item: Noun) -> Fleet:
        """The fleet without the one of ``item``'s identity."""
        place, identity = _PLACES[type(item)], _identity(item)
        remaining: dict[str, Any] = {place: tuple(o for o in getattr(self, place) if _identity(o) != identity)}
        return replace(self, **remaining)

    def gateways(self) -> tuple[Node, ...]:
        return tuple(n for n in self.nodes if n.role is Role.GATEWAY and n.state is NodeState.ACTIVE)

    def active(self, role: Role | None = None) -> tuple[Node, ...]:
        return tuple(n for n in self.nodes if n.state is NodeState.ACTIVE and role in (None, n.role))


Noun = Node | Invitation | Service | Route | Policy

_PLACES: dict[type, str] = {
    Node: "nodes",
    Invitation: "invitations",
    Service: "services",
    Route: "routes",
    Policy: "policies",
}


def _identity(item: Noun) -> object:
    """What stays when the rest of a noun changes: a node may be renamed, its address is its own for ever."""
    if isinstance(item, Node):
        return item.address
    return item.ephemeral_key if isinstance(item, Invitation) else item.name


def _order(item: Noun) -> tuple[str, str]:
    return (item.node, item.ephemeral_key) if isinstance(item, Invitation) else (item.name, str(_identity(item)))
