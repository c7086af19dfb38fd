"""What a node's spec is made of, looked up in an index of the fleet that is made once per revision.

Without an index each node's spec is a search through all services, routes and nodes. With it a revision that changes
nothing for a node is seen to do so by comparing its sources, and nothing is compiled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TypeVar

from gridwire.core.access import resolved
from gridwire.core.addressing import Address, Prefix
from gridwire.core.errors import NotFound
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role, Route, Selector, Service
from gridwire.core.names import HostName, NodeName, shown, under_suffix
from gridwire.core.proxy import EdgeService
from gridwire.core.wireguard import KEEPALIVE_SECONDS, Peer

T = TypeVar("T")
Key = tuple[str, str]  # a plain selector's kind and value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All of a fleet that has a part in the spec of a node that is no gateway: equal sources, equal spec.

    ``state`` also decides who is given it. ``peers`` and ``gateways`` are the same for all such nodes; ``names``: the
    hosts of the routes that it may use.
    """

    network: Network
    node: NodeName
    role: Role
    state: NodeState
    addresses: tuple[Address, ...]
    endpoint: str | None
    peers: tuple[Peer, ...]
    gateways: tuple[Address, ...]
    services: tuple[EdgeService, ...] = ()
    names: tuple[HostName, ...] = ()


class Index:
    """One fleet, by what is looked up in it: one pass to build, then a node's sources cost no search."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.gateways = fleet.gateways()
        self._addresses = tuple(address for gateway in self.gateways for address in gateway.addresses)
        self._peers = tuple(sorted(map(_star_peer, _with_key(self.gateways)), key=lambda peer: peer.public_key))
        self._nodes: dict[str, Node] = {n.name: n for n in fleet.nodes if n.state is not NodeState.REVOKED}
        self._active = fleet.active()
        self._places: dict[Key, list[int]] = defaultdict(list)  # in ``_active``
        for place, node in enumerate(self._active):
            for key in keys_of(node):
                self._places[key].append(place)
        self._services = _by_selector((s.on, edge_service(s)) for s in fleet.services)
        self._allow = {route.name: resolved(route.allow, fleet.policies) for route in fleet.routes}
        self._names = _by_selector((self._allow[route.name], host) for route, host in self._named_routes())
        # What the same selectors name is the same for all such nodes: there are few kinds of them.
        self._kinds: dict[frozenset[Key], tuple[tuple[EdgeService, ...], tuple[HostName, ...]]] = {}

    def node(self, name: str) -> Node:
        """Raise NotFound for a node that is not in the fleet or was revoked."""
        if name not in self._nodes:
            raise NotFound(f"there is no node {shown(name)}", fix="`gridwire node list` names them")
        return self._nodes[name]

    def nodes(self) -> tuple[Node, ...]:
        """All but those that were revoked."""
        return tuple(self._nodes.values())

    def allow(self, route: Route) -> tuple[Selector, ...]:
        """The plain selectors of a route of this fleet."""
        return self._allow[route.name]

    def selected(self, selectors: Iterable[Selector]) -> tuple[Node, ...]:
        """The active nodes, gateways too, that plain selectors name, in the order of the fleet."""
        places = {place for s in selectors for place in self._places.get((s.kind, s.value), ())}
        return tuple(self._active[place] for place in sorted(places))

    def sources(self, node: Node) -> Sources:
        """Of a node that is no gateway."""
        services, names = self._kind(node) if node.state is NodeState.ACTIVE else ((), ())
        return Sources(
            network=self.fleet.network,
            node=node.name,
            role=node.role,
            state=node.state,
            addresses=node.addresses,
            endpoint=node.endpoint,
            peers=self._peers,
            gateways=self._addresses,
            services=services if node.role is Role.EDGE else (),
            names=names,
        )

    def _kind(self, node: Node) -> tuple[tuple[EdgeService, ...], tuple[HostName, ...]]:
        naming = frozenset(key for key in keys_of(node) if key in self._services or key in self._names)
        if naming not in self._kinds:
            services = {service.service: service for key in naming for service in self._services.get(key, ())}
            names = {name for key in naming for name in self._names.get(key, ())}
            self._kinds[naming] = (tuple(services[name] for name in sorted(services)), tuple(sorted(names)))
        return self._kinds[naming]

    def _named_routes(self) -> Iterable[tuple[Route, HostName]]:
        """Those for /etc/hosts, which has no wildcards: routes with ``*`` are left to DNS."""
        suffix = self.fleet.network.suffix
        for route in self.fleet.routes if self.gateways else ():
            host = under_suffix(route.host, suffix)
            if host.endswith(f".{suffix}") and not host.startswith("*"):
                yield route, HostName(host)


def edge_service(service: Service) -> EdgeService:
    return EdgeService(
        service=service.name,
        target=service.target,
        health=service.health,
        connect_timeout_ms=service.connect_timeout_ms,
        read_timeout_ms=service.read_timeout_ms,
        send_timeout_ms=service.send_timeout_ms,
    )


def single(address: Address) -> Prefix:
    return ip_network(f"{address}/{address.max_prefixlen}")


def _star_peer(gateway: Node) -> Peer:
    """A gateway as every node calls it that is none."""
    assert gateway.public_key is not None
    return Peer(
        node=gateway.name,
        public_key=gateway.public_key,
        allowed_ips=(single(gateway.address),),
        endpoint=gateway.endpoint,
        keepalive=KEEPALIVE_SECONDS,
    )


def _with_key(nodes: Iterable[Node]) -> Iterable[Node]:
    return (node for node in nodes if node.public_key is not None)


def keys_of(node: Node) -> tuple[Key, ...]:
    """Every plain selector that names the node: access.selects, the other way round."""
    member = node.tailnet
    theirs = () if member is None else (*(("tag", tag) for tag in member.tags), ("user", member.login or ""))
    own = (("tag", f"{key}={value}") for key, value in node.tags)
    return ("role", node.role), ("node", node.name), *own, *theirs


def _by_selector(items: Iterable[tuple[tuple[Selector, ...], T]]) -> dict[Key, list[T]]:
    found: dict[Key, list[T]] = defaultdict(list)
    for selectors, item in items:
        for selector in selectors:
            found[selector.kind, selector.value].append(item)
    return found
