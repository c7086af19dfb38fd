"""Fleet → node spec. Pure and per node: one change does not rebuild every node's spec.

Star topology: an edge's, operator's or client's only peers are the gateways, with the gateways' own /32. Their spec
is made of their ``sources`` and nothing else; a gateway's, of the whole fleet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gridwire.core.addressing import Address
from gridwire.core.fleet import (
    ON_MESH,
    Fleet,
    Invitation,
    Network,
    Node,
    NodeState,
    Role,
    Route,
    Selector,
    Service,
    Tls,
)
from gridwire.core.guard import GuardSpec, Opening, Shared
from gridwire.core.names import HostName, interface_name, under_suffix
from gridwire.core.panel import panel_host, panel_table
from gridwire.core.proxy import (
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
from gridwire.core.sources import Index, Sources, single
from gridwire.core.spec import NamesSpec, NodeSpec, Tombstone
from gridwire.core.tailnet import Provider
from gridwire.core.wireguard import DEFAULT_PORT, KEEPALIVE_SECONDS, MeshSpec, Peer

Version = tuple[int, int]

_GONE = frozenset({NodeState.REVOKING, NodeState.REVOKED, NodeState.QUARANTINED})
_ENROLLING = frozenset({NodeState.INVITED, NodeState.REDEEMED})


def compile_spec(fleet: Fleet, name: str, *, epoch: int, revision: int) -> NodeSpec:
    """What node ``name`` must be; raise NotFound for a node that is not in the fleet or was revoked."""
    return compile_node(Index(fleet), name, (epoch, revision))


def compile_node(index: Index, name: str, version: Version) -> NodeSpec:
    """As compile_spec, where the specs of several nodes of one fleet are wanted."""
    node = index.node(name)
    return (
        compile_gateway(index, node, version)
        if node.role is Role.GATEWAY
        else compile_sources(index.sources(node), version)
    )


def compile_gateway(index: Index, node: Node, version: Version) -> NodeSpec:
    network = index.fleet.network
    return NodeSpec(
        epoch=version[0],
        revision=version[1],
        node=node.name,
        role=node.role,
        mesh=MeshSpec(
            interface=interface_name(network.interface),
            address=node.address,
            prefix=network.prefix,
            listen_port=endpoint_port(node.endpoint),
            mtu=network.mtu,
            peers=tuple(sorted(_gateway_peers(index.fleet, node), key=lambda peer: peer.public_key)),
        ),
        guard=GuardSpec(
            interface=interface_name(network.interface),
            prefix=network.prefix,
            address=node.address,
            listen_port=endpoint_port(node.endpoint),
            openings=_openings(index.fleet, node),
            shared=_shared_gateway(index.fleet, node),
        ),
        proxy=_gateway_proxy(index, node, version),
        names=NamesSpec(suffix=network.suffix),
        tombstones=_tombstones(index.fleet),
    )


def compile_sources(sources: Sources, version: Version) -> NodeSpec:
    """The spec of a node that is no gateway."""
    network, gateways = sources.network, sources.gateways
    edge = sources.role is Role.EDGE
    return NodeSpec(
        epoch=version[0],
        revision=version[1],
        node=sources.node,
        role=sources.role,
        mesh=MeshSpec(
            interface=interface_name(network.interface),
            address=sources.addresses[0],
            prefix=network.prefix,
            listen_port=endpoint_port(sources.endpoint),
            mtu=network.mtu,
            peers=sources.peers,
        ),
        guard=GuardSpec(
            interface=interface_name(network.interface),
            prefix=network.prefix,
            address=sources.addresses[0],
            listen_port=endpoint_port(sources.endpoint),
            openings=(_opening("gateway", gateways, (network.edge_port,)),) if edge else (),
            root_only_ports=(network.enrol_port,),
            shared=_shared(network, sources.addresses, (network.edge_port,) if edge else (), gateways=gateways),
        ),
        proxy=_edge_proxy(sources, version) if edge else ProxySpec(),
        names=NamesSpec(suffix=network.suffix, entries=tuple((name, gateways[0]) for name in _names(sources))),
    )


def _names(sources: Sources) -> tuple[HostName, ...]:
    """Those of the routes that the node may use, and of the panel where it is an operator's device that may open it."""
    if not sources.gateways or sources.role is not Role.OPERATOR or sources.state is not NodeState.ACTIVE:
        return sources.names
    return tuple(sorted({*sources.names, panel_host(sources.network.suffix)}))


def _shared(
    network: Network,
    addresses: tuple[Address, ...],
    ports: tuple[int, ...],
    *,
    open_port: int = 0,
    barred: tuple[Address, ...] = (),
    gateways: tuple[Address, ...] = (),
) -> Shared | None:
    """A tailnet's device is not gridwire's alone; the one that gridwire makes is."""
    if network.provider is not Provider.TAILSCALE:
        return None
    return Shared(
        addresses=addresses,
        prefixes=network.prefixes,
        ports=ports,
        open_port=open_port,
        barred=barred,
        gateways=gateways,
    )


def _shared_gateway(fleet: Fleet, node: Node) -> Shared | None:
    """Anybody of the tailnet may ask to join, but those that were put out, for as long as they have that address."""
    network = fleet.network
    ports = tuple({listener.port for listener in listeners_of(network, node)})
    out = (a for n in fleet.nodes if n.state in _GONE and n.tailnet is not None for a in n.addresses)
    return _shared(network, node.addresses, ports, open_port=network.enrol_port, barred=tuple(out))


def endpoint_port(endpoint: str | None) -> int:
    """The port of host:port or [v6]:port; WireGuard's default where there is none."""
    if endpoint is None:
        return 0
    _, colon, port = endpoint.rpartition(":")
    return int(port) if colon and port.isdigit() else DEFAULT_PORT


def _gateway_peers(fleet: Fleet, gateway: Node) -> list[Peer]:
    nodes = {node.name: node for node in fleet.nodes if node.state in ON_MESH}
    peers = [
        Peer(
            node=node.name,
            public_key=node.public_key,
            allowed_ips=(single(node.address),),
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
        allowed_ips=(single(node.address),) if invitation.redeemed_key is None else (),
        expires=invitation.expires,
    )


def _openings(fleet: Fleet, gateway: Node) -> tuple[Opening, ...]:
    network = fleet.network
    secure = network.tls is not Tls.OFF
    inside = (network.routes_port, network.api_port, *((network.tls_port,) if secure else ()))
    beside = {Role.OPERATOR: (network.panel_port,) if secure else ()}
    active = {
        role: [a for n in fleet.nodes if n.role is role and n.state is NodeState.ACTIVE for a in n.addresses]
        for role in (Role.CLIENT, Role.EDGE, Role.OPERATOR)
    }
    return (
        _opening("enrolling", (n.address for n in fleet.nodes if n.state in _ENROLLING), (network.enrol_port,)),
        *(_opening(str(role), addresses, (*inside, *beside.get(role, ()))) for role, addresses in active.items()),
        # Another gateway's agent asks for its spec as an edge's does; it opens no routes.
        _opening(
            "gateway", (a for n in fleet.gateways() if n.name != gateway.name for a in n.addresses), (network.api_port,)
        ),
        # Confirmed and waiting for a yes: its agent may ask for its spec, and for nothing else.
        _opening(
            "pending",
            (a for n in fleet.nodes if n.state is NodeState.PENDING for a in n.addresses),
            (network.api_port,),
        ),
    )


def _opening(role: str, addresses: Iterable[Address], ports: tuple[int, ...]) -> Opening:
    return Opening(role=role, addresses=tuple(addresses), tcp_ports=ports)


def _gateway_proxy(index: Index, node: Node, version: Version) -> ProxySpec:
    network = index.fleet.network
    return ProxySpec(
        listeners=listeners_of(network, node),
        routing=routing_table(index, version),
        panel=panel_table(index.fleet, node, version),
    )


def routing_table(index: Index, version: Version) -> RoutingTable:
    """The same for every gateway of the fleet."""
    grants: dict[str, Grant] = {}
    routes = []
    for route in index.fleet.routes:
        selectors = index.allow(route)
        entry = route_entry(route, selectors, index.fleet.network)
        if entry.grant not in grants:
            grants[entry.grant] = Grant(id=entry.grant, addresses=_allowed(index, selectors))
        routes.append(entry)
    return RoutingTable(
        version=version,
        routes=tuple(sorted(routes, key=lambda entry: (entry.host, entry.path))),
        grants=tuple(grants[key] for key in sorted(grants)),
        pools=tuple(_pool(index, service) for service in index.fleet.services),
        closed=closed_hosts(index.fleet.network),
    )


def closed_hosts(network: Network) -> tuple[HostName, ...]:
    """The panel's name on the ports of routes: browsers send its cookie there too, and persons who leave its port out
    would find whatever page a service shows them."""
    return (panel_host(network.suffix),)


def route_entry(route: Route, selectors: tuple[Selector, ...], network: Network) -> RouteEntry:
    """``selectors``: the plain ones that its ``allow`` comes to."""
    return RouteEntry(
        name=route.name,
        host=under_suffix(route.host, network.suffix),
        path=route.path,
        grant=_grant_id(selectors),
        service=route.to,
    )


def listeners_of(network: Network, node: Node) -> tuple[Listener, ...]:
    """The sockets that nginx has on a node of the mesh."""
    if node.role is Role.GATEWAY:
        kinds: tuple[tuple[ListenerKind, int], ...] = (
            (ListenerKind.ROUTES, network.routes_port),
            (ListenerKind.API, network.api_port),
            (ListenerKind.ENROL, network.enrol_port),
            *(
                ((ListenerKind.TLS, network.tls_port), (ListenerKind.PANEL, network.panel_port))
                if network.tls is not Tls.OFF
                else ()
            ),
        )
    else:
        kinds = ((ListenerKind.EDGE, network.edge_port),) if node.role is Role.EDGE else ()
    return tuple(Listener(kind, address, port) for kind, port in kinds for address in node.addresses)


def _allowed(index: Index, selectors: tuple[Selector, ...]) -> tuple[Address, ...]:
    """A gateway's own address has no role."""
    nodes = (node for node in index.selected(selectors) if node.role is not Role.GATEWAY)
    return tuple(sorted((address for node in nodes for address in node.addresses), key=int))


def _grant_id(selectors: tuple[Selector, ...]) -> str:
    return hashlib.sha256(" ".join(map(str, selectors)).encode()).hexdigest()[:12]


def _pool(index: Index, service: Service) -> Pool:
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
                port=index.fleet.network.edge_port,
                weight=weights.get(node.name, 1),
                drained=node.drained,
            )
            for node in index.selected(service.on)
            if node.role is Role.EDGE
        ),
    )


def _edge_proxy(sources: Sources, version: Version) -> ProxySpec:
    return ProxySpec(
        listeners=tuple(
            Listener(ListenerKind.EDGE, address, sources.network.edge_port) for address in sources.addresses
        ),
        edge=EdgeTable(version=version, gateways=sources.gateways, services=sources.services),
    )


def _tombstones(fleet: Fleet) -> tuple[Tombstone, ...]:
    return tuple(
        Tombstone(node=node.name, address=address, public_key=node.public_key)
        for node in fleet.nodes
        if node.state in _GONE
        for address in node.addresses
    )
