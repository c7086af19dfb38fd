"""A grid of 10,000 nodes and 5,000 routes, the same each time: its fleet, and what its agents say of themselves.

A fifth of the nodes are edges, at 200 sites; each site has its services, each service ten routes; the others are
devices of people, of which a third is in use. Of every hundred edges two are down and one is drained; of every fifty
services one has an endpoint that fails, of every hundred one has none that serves.

usage: python -m tests.large DATABASE-URL, of a grid that is there
"""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from gridwire.adapters.store import Store, open_store
from gridwire.core.addressing import Address
from gridwire.core.fleet import Fleet, Node, NodeState, Policy, Role, Route, Selector, Service
from gridwire.core.health import EndpointHealth, Health
from gridwire.core.names import NodeName, PolicyName, RouteName, ServiceName
from gridwire.core.targets import parse_reach, parse_target
from gridwire.core.wireguard import PeerSeen, PublicKey
from gridwire.protocol.agent import ApplyState, Report

T = TypeVar("T", Node, Service, Route, Policy)
NODES, ROUTES = 10_000, 5_000
SITES, REGIONS, TEAMS = 200, 12, 20
ROUTES_OF_ONE = 10  # routes that lead to one service


def _key(seed: object) -> PublicKey:
    return PublicKey(base64.b64encode(hashlib.sha256(f"large {seed}".encode()).digest()).decode())


def grow(store: Store, now: datetime, *, nodes: int = NODES, routes: int = ROUTES) -> Fleet:
    """Make the grid of a store as large as that, in one revision; what it has stays."""
    with store.writing() as transaction:
        before = transaction.fleet()
        missing = nodes - sum(node.state is not NodeState.REVOKED for node in before.nodes)
        addresses = [transaction.next_address(gateway=False) for _ in range(missing)]
        added = (_node(number, missing, address) for number, address in enumerate(addresses))
        fleet = replace(
            before,
            nodes=_by_name(*before.nodes, *added),
            services=_by_name(*before.services, *_services(routes - len(before.routes))),
            routes=_by_name(*before.routes, *_routes(routes - len(before.routes))),
            policies=_by_name(*before.policies, *_policies()),
        )
        transaction.save(
            fleet, author="root", reason="grown for a measurement", kind="grid.grown", subject="fleet", now=now
        )
    return store.snapshot().fleet


def _by_name(*items: T) -> tuple[T, ...]:
    return tuple(sorted(items, key=lambda item: item.name))


def _node(number: int, count: int, address: Address) -> Node:
    edge = number < count // 5
    operator = number >= count - count // 100
    role = Role.EDGE if edge else Role.OPERATOR if operator else Role.CLIENT
    site = ("site", f"s{number % SITES:03}")
    other = ("region", f"r{number % SITES % REGIONS:02}") if edge else ("team", f"t{number % TEAMS:02}")
    return Node(
        name=NodeName(f"{role}-{number:05}"),
        role=role,
        state=NodeState.ACTIVE,
        address=address,
        public_key=_key(number),
        tags=(site, other),
        drained=edge and number % 100 == 7,
    )


def _services(routes: int) -> Iterator[Service]:
    for number in range(-(-routes // ROUTES_OF_ONE)):
        yield Service(
            name=ServiceName(f"service-{number:03}"),
            target=parse_target(f"127.0.0.1:{8000 + number % 100}"),
            on=(Selector("tag", f"site=s{number % SITES:03}"),),
        )


def _routes(count: int) -> Iterator[Route]:
    kinds = (Selector("role", "client"), Selector("policy", "everybody"))
    for number in range(count):
        team = Selector("tag", f"team=t{number % TEAMS:02}")
        yield Route(
            name=RouteName(f"route-{number:04}"),
            host=f"app-{number:04}",
            to=ServiceName(f"service-{number // ROUTES_OF_ONE:03}"),
            allow=() if number % 500 == 499 else (team if number % 3 == 2 else kinds[number % 3],),
        )


def _policies() -> Iterator[Policy]:
    both = (Selector("role", "client"), Selector("role", "operator"))
    yield Policy(name=PolicyName("everybody"), allow=both)
    for team in range(TEAMS):
        yield Policy(name=PolicyName(f"team-{team:02}"), allow=(Selector("tag", f"team=t{team:02}"),))


def reports(fleet: Fleet, version: tuple[int, int], now: datetime) -> Iterator[Report]:
    """What the agents of gateways and edges say, the gateways' first."""
    edges = [node for node in fleet.active(Role.EDGE) if is_grown(node)]
    for gateway in fleet.gateways():
        yield replace(
            _report(gateway, version, now),
            peers=tuple(_peer(node, now) for node in fleet.active() if node.role is not Role.GATEWAY),
            endpoints=tuple(_checks(fleet, edges, gateway)),
        )
    for edge in edges:
        if not _down(edge):
            yield replace(_report(edge, version, now), reach=(parse_reach("127.0.0.1:1-65535"),))


def _report(node: Node, version: tuple[int, int], now: datetime) -> Report:
    return Report(node=node.name, at=now, agent_version="0.1.0", version=version, state=ApplyState.IN_SYNC)


def is_grown(node: Node) -> bool:
    """Whether it was added here, and was not there before."""
    number = node.name.rpartition("-")[2]
    return len(number) == 5 and number.isdecimal()


def _number(node: Node) -> int:
    return int(node.name.rpartition("-")[2]) if is_grown(node) else 0


def _down(node: Node) -> bool:
    return node.role is Role.EDGE and _number(node) % 50 == 3


def _idle(node: Node) -> bool:
    """A device of a person that is at rest, as most are."""
    return node.role is not Role.EDGE and _number(node) % 3 > 0


def _peer(node: Node, now: datetime) -> PeerSeen:
    assert node.public_key is not None
    ago = timedelta(minutes=20 if _down(node) or _idle(node) else 0)
    return PeerSeen(
        public_key=node.public_key,
        endpoint="198.51.100.7:40000",
        allowed_ips=(),
        latest_handshake=now - ago,
        received_bytes=0,
        sent_bytes=0,
        keepalive=15,
    )


def _checks(fleet: Fleet, edges: Iterable[Node], gateway: Node) -> Iterator[EndpointHealth]:
    by_site: dict[Selector, list[Node]] = {}
    for edge in edges:
        for key, value in edge.tags:
            by_site.setdefault(Selector("tag", f"{key}={value}"), []).append(edge)
    for place, service in enumerate(fleet.services):
        for nth, node in enumerate(by_site.get(service.on[0], ())):
            fails = place % 100 == 99 or (place % 50 == 25 and nth == 0)
            health = Health.UNKNOWN if _down(node) else Health.DOWN if fails else Health.UP
            yield EndpointHealth(
                service=service.name,
                node=node.name,
                seen_by=gateway.name,
                health=health,
                reason="GET /healthz answered 502" if fails else "",
            )


if __name__ == "__main__":
    made, began = open_store(sys.argv[1]), time.monotonic()
    grow(made, datetime.now(UTC))
    print(f"grown in {time.monotonic() - began:.1f} s")
    made.close()
