"""Fleet → node spec. Pure and per node: one change does not rebuild every node's spec.

Star topology: an edge's, operator's or client's only peers are the gateways, with the gateways' own /32.
"""

from __future__ import annotations

import hashlib
from ipaddress import ip_network

from gridwire.core.access import allowed_addresses, endpoints_of, may_use, resolved, selects
from gridwire.core.addressing import Address, Prefix
from gridwire.core.fleet import (
    ON_MESH,
    Fleet,
    Invitation,
    Node,
    NodeState,
    Role,
    Selector,
    Service,
)
from gridwire.core.guard import GuardSpec, Opening
from gridwire.core.names import HostName, interface_name, under_suffix
from gridwire.core.proxy import (
    EdgeService,
    EdgeTable,
    Endpoint,
    Grant,
    Listener,
    ListenerKind,
    Pool,
    ProxySpec,
    RouteEntry,
    RoutingTable,
)
from gridwire.core.spec import NamesSpec, NodeSpec, Tombstone
from gridwire.core.wireguard import DEFAULT_PORT, KEEPALIVE_SECONDS, MeshSpec, Peer

_ENROLLING = frozenset({NodeState.INVITED, NodeState.REDEEMED})


def compile_spec(fleet: Fleet, name: str, *, epoch: int, revision: int) -> NodeSpec:
    """What node ``name`` must be; raise NotFound for a node that is not in the fleet or was revoked."""
    node = fleet.node(name)
    gateway = node.role is Role.GATEWAY
    version = (epoch, revision)
    return NodeSpec(
        epoch=epoch,
        revision=revision,
        node=node.name,
        role=node.role,
        mesh=_mesh(fleet, node),
        guard=_guard(fleet, node),
        proxy=_gateway_proxy(fleet, node, version) if gateway else _edge_proxy(fleet, node, version),
        names=_names(fleet, node),
        tombstones=_tombstones(fleet) if gateway else (),
    )


def endpoint_port(endpoint: str | None) -> int:
    """The port of host:port or [v6]:port; WireGuard's default where there is none."""
    if endpoint is None:
        return 0
    _, colon, port = endpoint.rpartition(":")
    return int(port) if colon and port.isdigit() else DEFAULT_PORT


def _single(address: Address) -> Prefix:
    return ip_network(f"{address}/{address.max_prefixlen}")


def _mesh(fleet: Fleet, node: Node) -> MeshSpec:
    peers = _gateway_peers(fleet, node) if node.role is Role.GATEWAY else _star_peers(fleet, node)
    return MeshSpec(
        interface=interface_name(fleet.network.interface),
        address=node.address,
        prefix=fleet.network.prefix,
        listen_port=endpoint_port(node.endpoint),
        mtu=fleet.network.mtu,
        peers=tuple(sorted(peers, key=lambda peer: peer.public_key)),
    )


def _star_peers(fleet: Fleet, node: Node) -> list[Peer]:
    return [
        Peer(
            node=gateway.name,
            public_key=gateway.public_key,
            allowed_ips=(_single(gateway.address),),
            endpoint=gateway.endpoint,
            keepalive=KEEPALIVE_SECONDS,
        )
        for gateway in fleet.gateways()
        if gateway.public_key is not None
    ]


def _gateway_peers(fleet: Fleet, gateway: Node) -> list[Peer]:
    nodes = {node.name: node for node in fleet.nodes if node.state in ON_MESH}
    peers = [
        Peer(
            node=node.name,
            public_key=node.public_key,
            allowed_ips=(_single(node.address),),
            endpoint=node.endpoint,
            keepalive=KEEPALIVE_SECONDS if node.role is not Role.CLIENT else 0,
        )
        for node in nodes.values()
        if node.public_key is not None and node.name != gateway.name
    ]
    return peers + [
        _ephemeral_peer(invitation, nodes[invitation.node])
        for invitation in fleet.invitations
        if invitation.node in nodes
    ]


def _ephemeral_peer(invitation: Invitation, node: Node) -> Peer:
    """After redemption the ephemeral key stays, without addresses, so that a second use of it is seen."""
    return Peer(
        node=node.name,
        public_key=invitation.ephemeral_key,
        allowed_ips=(_single(node.address),) if invitation.redeemed_key is None else (),
        expires=invitation.expires,
    )


def _guard(fleet: Fleet, node: Node) -> GuardSpec:
    network = fleet.network
    if node.role is Role.GATEWAY:
        inside = (network.routes_port, network.api_port)
        openings = (
            _opening("enrolling", (n for n in fleet.nodes if n.state in _ENROLLING), (network.enrol_port,)),
            *(
                _opening(
                    str(role),
                    (n for n in fleet.nodes if n.role is role and n.state is NodeState.ACTIVE),
                    inside,
                )
                for role in (Role.CLIENT, Role.EDGE, Role.OPERATOR)
            ),
            # Another gateway's agent asks for its spec as an edge's does; it opens no routes.
            _opening("gateway", (n for n in fleet.gateways() if n.name != node.name), (network.api_port,)),
            # Confirmed and waiting for a yes: its agent may ask for its spec, and for nothing else.
            _opening("pending", (n for n in fleet.nodes if n.state is NodeState.PENDING), (network.api_port,)),
        )
    elif node.role is Role.EDGE:
        openings = (_opening("gateway", fleet.gateways(), (network.edge_port,)),)
    else:
        openings = ()
    return GuardSpec(
        interface=interface_name(network.interface),
        prefix=network.prefix,
        address=node.address,
        listen_port=endpoint_port(node.endpoint),
        openings=openings,
        root_only_ports=(network.enrol_port,) if node.role is not Role.GATEWAY else (),
    )


def _opening(role: str, nodes: object, ports: tuple[int, ...]) -> Opening:
    addresses = sorted((node.address for node in nodes), key=int)  # type: ignore[attr-defined]
    return Opening(role=role, addresses=tuple(addresses), tcp_ports=tuple(sorted(ports)))


def _gateway_proxy(fleet: Fleet, node: Node, version: tuple[int, int]) -> ProxySpec:
    network = fleet.network
    listeners = (
        Listener(ListenerKind.ROUTES, node.address, network.routes_port),
        Listener(ListenerKind.API, node.address, network.api_port),
        Listener(ListenerKind.ENROL, node.address, network.enrol_port),
    )
    grants: dict[str, Grant] = {}
    routes = []
    for route in fleet.routes:
        selectors = resolved(route.allow, fleet.policies)
        grant = _grant_id(selectors)
        if grant not in grants:
            grants[grant] = Grant(id=grant, addresses=allowed_addresses(fleet, selectors))
        routes.append(
            RouteEntry(
                name=route.name,
                host=under_suffix(route.host, network.suffix),
                path=route.path,
                grant=grant,
                service=route.to,
            )
        )
    return ProxySpec(
        listeners=listeners,
        routing=RoutingTable(
            version=version,
            routes=tuple(sorted(routes, key=lambda entry: (entry.host, entry.path))),
            grants=tuple(grants[key] for key in sorted(grants)),
            pools=tuple(_pool(fleet, service) for service in fleet.services),
        ),
    )


def _grant_id(selectors: tuple[Selector, ...]) -> str:
    return hashlib.sha256(" ".join(map(str, selectors)).encode()).hexdigest()[:12]


def _pool(fleet: Fleet, service: Service) -> Pool:
    weights = dict(service.weights)
    return Pool(
        service=service.name,
        balance=service.balance,
        retries=service.retries,
        connect_timeout_ms=service.connect_timeout_ms,
        read_timeout_ms=service.read_timeout_ms,
        send_timeout_ms=service.send_timeout_ms,
        health=service.health,
        endpoints=tuple(
            Endpoint(
                node=node.name,
                address=node.address,
                port=fleet.network.edge_port,
                weight=weights.get(node.name, 1),
                drained=node.drained,
            )
            for node in endpoints_of(fleet, service)
        ),
    )


def _edge_proxy(fleet: Fleet, node: Node, version: tuple[int, int]) -> ProxySpec:
    if node.role is not Role.EDGE:
        return ProxySpec()
    return ProxySpec(
        listeners=(Listener(ListenerKind.EDGE, node.address, fleet.network.edge_port),),
        edge=EdgeTable(
            version=version,
            gateways=tuple(gateway.address for gateway in fleet.gateways()),
            services=tuple(
                EdgeService(
                    service=service.name,
                    target=service.target,
                    health=service.health,
                    connect_timeout_ms=service.connect_timeout_ms,
                    read_timeout_ms=service.read_timeout_ms,
                    send_timeout_ms=service.send_timeout_ms,
                )
                for service in fleet.services
                if node.state is NodeState.ACTIVE and any(selects(selector, node) for selector in service.on)
            ),
        ),
    )


def _names(fleet: Fleet, node: Node) -> NamesSpec:
    """A hosts file has no wildcards: routes with ``*`` are left to DNS."""
    suffix = fleet.network.suffix
    gateways = fleet.gateways()
    entries: set[tuple[HostName, Address]] = set()
    if gateways:
        for route in fleet.routes:
            host = under_suffix(route.host, suffix)
            under = host.endswith(f".{suffix}") and not host.startswith("*")
            if under and may_use(node, resolved(route.allow, fleet.policies)):
                entries.add((HostName(host), gateways[0].address))
    return NamesSpec(suffix=suffix, entries=tuple(sorted(entries, key=lambda entry: entry[0])))


def _tombstones(fleet: Fleet) -> tuple[Tombstone, ...]:
    gone = (NodeState.REVOKING, NodeState.REVOKED, NodeState.QUARANTINED)
    return tuple(
        Tombstone(node=node.name, address=node.address, public_key=node.public_key)
        for node in fleet.nodes
        if node.state in gone
    )
