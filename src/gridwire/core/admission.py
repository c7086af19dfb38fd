"""Which specs a node takes: a spec comes from outside, and control may have been taken over.

What was fixed at join stays, a version never goes back, a node listens on its own mesh address alone, talks to
gateways alone, and every name is of an alphabet that nft, wg, nginx's data and log lines take literally. What a
service points at is the edge's own consent (``core.targets.consents``), which the proxy section asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gridwire.core.addressing import Address, in_any, layout
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Role, check_path
from gridwire.core.guard import GuardSpec
from gridwire.core.hosts import check_entry
from gridwire.core.joined import JoinedAs
from gridwire.core.names import check_label, host_name, host_pattern, node_name, service_name, shown
from gridwire.core.panel import PanelTable, host_of, panel_host
from gridwire.core.proxy import EdgeTable, ListenerKind, ProxySpec, RoutingTable
from gridwire.core.settings import parse_endpoint
from gridwire.core.spec import FORMAT, NodeSpec
from gridwire.core.tailnet import Provider
from gridwire.core.targets import on_mesh
from gridwire.core.wireguard import MeshSpec, Peer, public_key

# Ten times the largest fleet that gridwire is measured with: what a spec may cost in memory and netlink time.
_MOST_PEERS = 70_000
_MOST_ROUTES = 50_000
_MOST_ENDPOINTS = 200_000
_MOST_GRANTED = 2_000_000  # addresses over all grants
_MOST_NAMES = 50_000
_MOST_TOMBSTONES = 1_000_000
_LONGEST_TIMEOUT_MS = 86_400_000
_HIGHEST_VERSION = 2**53  # what JSON numbers in Lua hold exactly
_MOST_RESTORES = 1000  # by which an epoch rises at a time: a spec from nowhere must not leave no version above it

_LISTENERS = {
    Role.GATEWAY: frozenset(set(ListenerKind) - {ListenerKind.EDGE}),
    Role.EDGE: frozenset({ListenerKind.EDGE}),
    Role.OPERATOR: frozenset[ListenerKind](),
    Role.CLIENT: frozenset[ListenerKind](),
}
_OPENINGS = {
    Role.GATEWAY: frozenset({"enrolling", "pending", "edge", "client", "operator", "gateway"}),
    Role.EDGE: frozenset({"gateway"}),
    Role.OPERATOR: frozenset[str](),
    Role.CLIENT: frozenset[str](),
}


def check_spec(spec: NodeSpec, identity: JoinedAs, newest: tuple[int, int] | None = None) -> None:
    """Raise Invalid, with the field, for a spec that this node does not take.

    ``newest``: the highest (epoch, revision) ever taken, (0, 0) before the first; the same one may come again. None
    for a spec of this node's own disk, which was checked against it when it came.
    """
    _check_version(spec, newest)
    _same("node", spec.node, identity.node)
    _same("role", spec.role, identity.role)
    _check_mesh(spec.mesh, identity)
    _check_names(spec, identity)
    _check_proxy(spec.proxy, spec, identity)  # before the guard, which may open what listens and no more
    _check_guard(spec.guard, spec, identity)
    _check_tombstones(spec, identity)


def _check_version(spec: NodeSpec, newest: tuple[int, int] | None) -> None:
    if spec.format != FORMAT:
        raise Invalid("format", f"{spec.format} is not the format {FORMAT} that this agent knows", fix="upgrade it")
    if not (0 <= spec.epoch < _HIGHEST_VERSION and 0 <= spec.revision < _HIGHEST_VERSION):
        raise Invalid("revision", f"{spec.epoch}.{spec.revision} is no version")
    if newest is not None and spec.version < newest:
        raise Invalid(
            "revision",
            f"{spec.epoch}.{spec.revision} is older than {newest[0]}.{newest[1]}, which this node has",
            fix="restore control with a higher epoch",
            code="older-spec",
        )
    if newest is not None and spec.epoch > newest[0] + _MOST_RESTORES:
        raise Invalid("epoch", f"{spec.epoch} is more than {_MOST_RESTORES} restores after {newest[0]}")


def _same(field: str, given: object, fixed: object) -> None:
    if given != fixed:
        raise Invalid(field, f"{shown(str(given))} is not {fixed}, which was fixed when this node joined")


def _at_most(field: str, count: int, most: int) -> None:
    if count > most:
        raise Invalid(field, f"{count} are more than the {most} that this node takes")


def _once(field: str, items: Iterable[object]) -> None:
    seen: set[object] = set()
    for item in items:
        if item in seen:
            raise Invalid(field, f"{shown(str(item))} stands there twice")
        seen.add(item)


def _between(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Invalid(field, f"{value} is not from {low} to {high}")


def _inside(field: str, address: Address, identity: JoinedAs) -> None:
    if not in_any(address, identity.prefixes):
        raise Invalid(field, f"{address} is outside the mesh {identity.prefix}")


def _gateway_address(field: str, address: Address, identity: JoinedAs) -> None:
    """Gateways' addresses are told by where they lie in the prefix (core.addressing); a tailnet lays out nothing, so
    there they are those of the gateways that this node joined with."""
    _inside(field, address, identity)
    prefix = identity.prefix
    if identity.provider is Provider.TAILSCALE:
        known = address in identity.gateway_addresses
    else:
        known = 0 < int(address) - int(prefix.network_address) < layout(prefix).nodes_from
    if not known:
        raise Invalid(field, f"{address} is not a gateway's address")


def _node_address(field: str, address: Address, identity: JoinedAs) -> None:
    """An address that an edge may have."""
    _inside(field, address, identity)
    prefix = identity.prefix
    if identity.provider is Provider.TAILSCALE:
        possible = address not in identity.addresses
    else:
        possible = layout(prefix).nodes_from <= int(address) - int(prefix.network_address) <= layout(prefix).last
    if not possible:
        raise Invalid(field, f"{address} is no edge's address")


def _check_mesh(mesh: MeshSpec, identity: JoinedAs) -> None:
    _same("mesh.interface", mesh.interface, identity.interface)
    _same("mesh.address", mesh.address, identity.address)
    _same("mesh.prefix", mesh.prefix, identity.prefix)
    _between("mesh.listen_port", mesh.listen_port, 0, 65535)
    _between("mesh.mtu", mesh.mtu, 1280, 9000)
    _at_most("mesh.peers", len(mesh.peers), _MOST_PEERS)
    _once("mesh.peers", (peer.public_key for peer in mesh.peers))
    _once("mesh.peers", (prefix for peer in mesh.peers for prefix in peer.allowed_ips))
    for peer in mesh.peers:
        _check_peer(peer, identity)
    if identity.provider is Provider.TAILSCALE:
        if mesh.peers or mesh.listen_port:
            raise Invalid("mesh.peers", "a tailnet's peers are Tailscale's")
    elif identity.role is not Role.GATEWAY and not any(peer.allowed_ips for peer in mesh.peers):
        raise Invalid("mesh.peers", "no gateway is left among them")


def _check_peer(peer: Peer, identity: JoinedAs) -> None:
    field = f"mesh.peers.{shown(peer.node)}"
    node_name(peer.node, field)
    public_key(peer.public_key, field)
    _between(f"{field}.keepalive", peer.keepalive, 0, 65535)
    if peer.expires is not None and peer.expires.tzinfo is None:
        raise Invalid(f"{field}.expires", f"{peer.expires} has no time zone")
    if peer.endpoint is not None and parse_endpoint(peer.endpoint, f"{field}.endpoint") != peer.endpoint:
        raise Invalid(f"{field}.endpoint", f"{shown(peer.endpoint)} is not host:port in normal form")
    for prefix in peer.allowed_ips:
        if prefix.prefixlen != prefix.max_prefixlen:
            raise Invalid(f"{field}.allowed_ips", f"{prefix} is more than one address")
        address = prefix.network_address
        _inside(f"{field}.allowed_ips", address, identity)
        if address == identity.address:
            raise Invalid(f"{field}.allowed_ips", f"{address} is this node's own address")
        if identity.role is not Role.GATEWAY:
            _gateway_address(f"{field}.allowed_ips", address, identity)
            _check_known_gateway(field, peer, address, identity)


def _check_known_gateway(field: str, peer: Peer, address: Address, identity: JoinedAs) -> None:
    """A mesh address is never given twice, so a gateway that was known at join has the key that it had."""
    for gateway in identity.gateways:
        if gateway.address == address and gateway.public_key != peer.public_key:
            raise Invalid(f"{field}.public_key", f"it is not the key of {gateway.node} that this node joined with")


def _check_guard(guard: GuardSpec, spec: NodeSpec, identity: JoinedAs) -> None:
    _same("guard.interface", guard.interface, identity.interface)
    _same("guard.prefix", guard.prefix, identity.prefix)
    _same("guard.address", guard.address, identity.address)
    if guard.listen_port != spec.mesh.listen_port:
        raise Invalid("guard.listen_port", f"{guard.listen_port} is not mesh.listen_port {spec.mesh.listen_port}")
    _check_shared(guard, spec, identity)
    _at_most("guard.root_only_ports", len(guard.root_only_ports), 2)
    for port in guard.root_only_ports:
        if port not in (identity.enrol_port, identity.api_port):
            raise Invalid("guard.root_only_ports", f"{port} is no port that gridwire calls")
    _between("guard.flood.per_source", guard.flood.per_source, 1, 1_000_000)
    _between("guard.flood.all_sources", guard.flood.all_sources, 1, 1_000_000)
    _once("guard.openings", (opening.role for opening in guard.openings))
    for opening in guard.openings:
        if opening.role not in _OPENINGS[identity.role]:
            raise Invalid("guard.openings", f"{shown(opening.role)} opens nothing on a node of role {identity.role}")
        field = f"guard.openings.{opening.role}"
        _at_most(field, len(opening.addresses), _MOST_PEERS)
        _once(field, opening.addresses)
        for address in opening.addresses:
            if identity.role is Role.GATEWAY:
                _inside(field, address, identity)
            else:
                _gateway_address(field, address, identity)
        _check_ports(field, opening.role, opening.tcp_ports, spec, identity)


def _check_shared(guard: GuardSpec, spec: NodeSpec, identity: JoinedAs) -> None:
    """On another's interface: only this node's own listeners are guarded, all of them are."""
    if (guard.shared is not None) != (identity.provider is Provider.TAILSCALE):
        raise Invalid("guard.shared", f"it is not for a mesh of {identity.provider}")
    if guard.shared is None:
        return
    shared = guard.shared
    _same("guard.shared.prefixes", shared.prefixes, identity.prefixes)
    _same("guard.shared.addresses", sorted(map(str, shared.addresses)), sorted(map(str, identity.addresses)))
    _same("guard.shared.ports", sorted(shared.ports), sorted({listener.port for listener in spec.proxy.listeners}))
    if shared.open_port not in (0, identity.enrol_port if identity.role is Role.GATEWAY else 0):
        raise Invalid("guard.shared.open_port", f"{shared.open_port} is not where newcomers ask")
    _at_most("guard.shared.barred", len(shared.barred), _MOST_TOMBSTONES)
    for address in shared.gateways:
        _gateway_address("guard.shared.gateways", address, identity)


def _check_ports(field: str, role: str, ports: Collection[int], spec: NodeSpec, identity: JoinedAs) -> None:
    """What is open is what gridwire's own listeners hold: nothing else of the host's is reached by the mesh."""
    held = {listener.kind: listener.port for listener in spec.proxy.listeners}
    if identity.role is Role.EDGE:
        kinds = {ListenerKind.EDGE}
    elif role == "enrolling":
        kinds = {ListenerKind.ENROL}
    elif role in ("pending", "gateway"):
        kinds = {ListenerKind.API}
    else:
        kinds = {ListenerKind.ROUTES, ListenerKind.API, ListenerKind.TLS}
        kinds |= {ListenerKind.PANEL} if role == "operator" else set()
    allowed = {held[kind] for kind in kinds if kind in held}
    for port in ports:
        if port not in allowed:
            raise Invalid(field, f"port {port} is not one that {role} may reach here")


def _check_proxy(proxy: ProxySpec, spec: NodeSpec, identity: JoinedAs) -> None:
    fixed = {
        ListenerKind.API: identity.api_port,
        ListenerKind.ENROL: identity.enrol_port,
        ListenerKind.ROUTES: identity.routes_port,
        ListenerKind.EDGE: identity.edge_port,
        ListenerKind.TLS: identity.tls_port,
        ListenerKind.PANEL: identity.panel_port,
    }
    _once("proxy.listeners", ((listener.kind, listener.address) for listener in proxy.listeners))
    _once("proxy.listeners", ((listener.port, listener.address) for listener in proxy.listeners))
    for listener in proxy.listeners:
        field = f"proxy.listeners.{listener.kind}"
        if listener.kind not in _LISTENERS[identity.role]:
            raise Invalid(field, f"a node of role {identity.role} has no such listener")
        if listener.address not in identity.addresses:
            raise Invalid(field, f"{listener.address} is not {identity.address}, which was fixed when this node joined")
        _between(field, listener.port, 1024 if listener.kind is ListenerKind.EDGE else 1, 65535)
        _same(field, listener.port, fixed[listener.kind])
    if proxy.routing is not None:
        if identity.role is not Role.GATEWAY:
            raise Invalid("proxy.routing", f"a node of role {identity.role} routes nothing")
        _check_routing(proxy.routing, spec, identity)
    if proxy.panel is not None:
        if identity.role is not Role.GATEWAY:
            raise Invalid("proxy.panel", f"a node of role {identity.role} has no panel")
        _check_panel(proxy.panel, spec, identity)
    if proxy.edge is not None:
        if identity.role is not Role.EDGE:
            raise Invalid("proxy.edge", f"a node of role {identity.role} offers no services")
        _check_edge(proxy.edge, spec, identity)


def _check_panel(table: PanelTable, spec: NodeSpec, identity: JoinedAs) -> None:
    _table_version("proxy.panel.version", table.version, spec)
    known = {panel_host(identity.suffix), *map(host_of, identity.addresses)}
    for host in table.hosts:
        if host not in known:
            raise Invalid("proxy.panel.hosts", f"{shown(host)} is no name of this gateway's panel")
    _at_most("proxy.panel.operators", len(table.operators), _MOST_PEERS)
    for address in table.operators:
        _inside("proxy.panel.operators", address, identity)


def _check_routing(table: RoutingTable, spec: NodeSpec, identity: JoinedAs) -> None:
    _table_version("proxy.routing.version", table.version, spec)
    _at_most("proxy.routing.routes", len(table.routes), _MOST_ROUTES)
    _at_most("proxy.routing.pools", len(table.pools), _MOST_ROUTES)
    _at_most("proxy.routing.pools", sum(len(pool.endpoints) for pool in table.pools), _MOST_ENDPOINTS)
    _at_most("proxy.routing.grants", sum(len(grant.addresses) for grant in table.grants), _MOST_GRANTED)
    for route in table.routes:
        field = f"proxy.routing.routes.{shown(route.name)}"
        check_label(route.name, field)
        host_pattern(route.host, field)
        check_path(route.path, field)
        check_label(route.grant, field)
        service_name(route.service, field)
    for host in table.closed:
        host_name(host, "proxy.routing.closed")
    for grant in table.grants:
        check_label(grant.id, "proxy.routing.grants")
        for address in grant.addresses:
            _inside(f"proxy.routing.grants.{grant.id}", address, identity)
    _once("proxy.routing.grants", (grant.id for grant in table.grants))
    _once("proxy.routing.pools", (pool.service for pool in table.pools))
    for pool in table.pools:
        field = f"proxy.routing.pools.{shown(pool.service)}"
        service_name(pool.service, field)
        _between(f"{field}.retries", pool.retries, 0, 10)
        _timeouts(field, pool.connect_timeout_ms, pool.read_timeout_ms, pool.send_timeout_ms)
        _once(field, (endpoint.node for endpoint in pool.endpoints))
        for endpoint in pool.endpoints:
            node_name(endpoint.node, field)
            _node_address(field, endpoint.address, identity)
            _between(field, endpoint.weight, 0, 1000)
            _between(field, endpoint.port, 1024, 65535)
            _same(field, endpoint.port, identity.edge_port)


def _check_edge(table: EdgeTable, spec: NodeSpec, identity: JoinedAs) -> None:
    _table_version("proxy.edge.version", table.version, spec)
    _at_most("proxy.edge.services", len(table.services), _MOST_ROUTES)
    _once("proxy.edge.services", (service.service for service in table.services))
    for address in table.gateways:
        _gateway_address("proxy.edge.gateways", address, identity)
    for service in table.services:
        field = f"proxy.edge.services.{shown(service.service)}"
        service_name(service.service, field)
        _timeouts(field, service.connect_timeout_ms, service.read_timeout_ms, service.send_timeout_ms)
        if any(on_mesh(service.target, prefix) for prefix in identity.prefixes):
            raise Invalid(
                field, f"{service.target} is on the mesh {identity.prefix}, which no service is published from"
            )


def _table_version(field: str, version: tuple[int, int], spec: NodeSpec) -> None:
    if version != spec.version:
        raise Invalid(field, f"{version[0]}.{version[1]} is not the spec's own {spec.epoch}.{spec.revision}")


def _timeouts(field: str, *milliseconds: int) -> None:
    for value in milliseconds:
        _between(field, value, 1, _LONGEST_TIMEOUT_MS)


def _check_names(spec: NodeSpec, identity: JoinedAs) -> None:
    _same("names.suffix", spec.names.suffix, identity.suffix)
    _at_most("names.entries", len(spec.names.entries), _MOST_NAMES)
    _once("names.entries", (name for name, _ in spec.names.entries))
    for entry in spec.names.entries:
        check_entry(entry, identity.suffix, "names.entries")
        _gateway_address("names.entries", entry[1], identity)


def _check_tombstones(spec: NodeSpec, identity: JoinedAs) -> None:
    _at_most("tombstones", len(spec.tombstones), _MOST_TOMBSTONES)
    if spec.tombstones and identity.role is not Role.GATEWAY:
        raise Invalid("tombstones", f"a node of role {identity.role} keeps none")
    keys = {peer.public_key for peer in spec.mesh.peers}
    reachable = {prefix.network_address for peer in spec.mesh.peers for prefix in peer.allowed_ips}
    reachable |= {address for opening in spec.guard.openings for address in opening.addresses}
    for stone in spec.tombstones:
        node_name(stone.node, "tombstones")
        _inside("tombstones", stone.address, identity)
        if stone.address in identity.addresses:
            raise Invalid("tombstones", "this node is among them")
        if (stone.public_key is not None and stone.public_key in keys) or stone.address in reachable:
            raise Invalid("tombstones", f"{stone.node} is revoked, and still let in")
