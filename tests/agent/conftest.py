from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from gridwire.agent.state_dir import AgentState
from gridwire.core.actions import Action
from gridwire.core.compiler import compile_spec
from gridwire.core.enrollment import GatewayContact
from gridwire.core.errors import GridwireError
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role, Route, Service, parse_selector
from gridwire.core.joined import JoinedAs
from gridwire.core.names import Interface
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import NodeSpec
from gridwire.core.targets import parse_target
from gridwire.core.wireguard import public_key

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def key_of(name: str) -> str:
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def grid() -> Fleet:
    def node(name: str, role: Role, address: str, **more: Any) -> Node:
        return Node(
            name=name,
            role=role,
            state=NodeState.ACTIVE,
            address=ip_address(address),
            public_key=public_key(key_of(name)),
            **more,
        )

    return Fleet(
        network=Network(prefix=ip_network("10.85.0.0/16")),
        nodes=(
            node("gw", Role.GATEWAY, "10.85.0.1", endpoint="198.51.100.1:51820"),
            node("home-1", Role.EDGE, "10.85.1.0", tags=(("site", "a"),)),
            node("home-2", Role.EDGE, "10.85.1.1", tags=(("site", "a"),)),
            node("phone", Role.CLIENT, "10.85.1.2"),
        ),
        services=(Service(name="api", target=parse_target("127.0.0.1:9000"), on=(parse_selector("tag:site=a"),)),),
        routes=(Route(name="api", host="api", to="api", allow=(parse_selector("role:client"),)),),
    )


def joined_as(fleet: Fleet, name: str) -> JoinedAs:
    node = fleet.node(name)
    return JoinedAs(
        node=node.name,
        role=node.role,
        address=node.address,
        prefix=fleet.network.prefix,
        interface=Interface(fleet.network.interface),
        suffix=fleet.network.suffix,
        gateways=tuple(
            GatewayContact(node=g.name, public_key=g.public_key, endpoint=g.endpoint, address=g.address)
            for g in fleet.gateways()
        ),
    )


@dataclass
class MemorySection:
    """A section over one value: what the spec wants of it is ``wanted(spec)``, set in as many actions as it has parts.

    ``fail_at``: the number of the action, counted over the section's life from 1, at which ``error`` is raised.
    """

    name: str
    wanted: Callable[[NodeSpec], tuple[object, ...]]
    journal: list[str]
    parts: list[object] = field(default_factory=list)
    fail_at: set[int] = field(default_factory=set)
    error: Exception = field(default_factory=lambda: GridwireError("it broke", code="broke"))
    unknown: str = ""
    stuck: bool = False
    applied: int = 0

    def observe(self) -> Known[tuple[object, ...]] | Unknown:
        return Unknown(self.unknown) if self.unknown else Known(tuple(self.parts))

    def plan(self, spec: NodeSpec, observed: Known[tuple[object, ...]] | Unknown, now: datetime) -> tuple[Action, ...]:
        if isinstance(observed, Unknown):
            return ()
        wanted = self.wanted(spec)
        put = [
            Put(place=i, part=p, reason=f"put {p}") for i, p in enumerate(wanted) if observed.value[i : i + 1] != (p,)
        ]
        cut = [Put(place=len(wanted), part=None, reason="cut")] if len(observed.value) > len(wanted) else []
        return (*put, *cut)

    def apply(self, action: Action) -> None:
        assert isinstance(action, Put | Drop)
        self.applied += 1
        if self.applied in self.fail_at:
            raise self.error
        self.journal.append(f"{self.name}: {action.reason}")
        if self.stuck:
            return
        if isinstance(action, Drop):
            self.parts.remove(action.part)
        elif action.part is None:
            del self.parts[action.place :]
        else:
            self.parts[action.place : action.place + 1] = [action.part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Action):
    place: int
    part: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Action):
    part: object


class MemoryMesh(MemorySection):
    """One that also cuts off what is wanted no more. ``cannot_plan``: what ``plan`` raises, which no cut needs."""

    cannot_plan: Exception | None = None

    def plan(self, spec: NodeSpec, observed: Known[tuple[object, ...]] | Unknown, now: datetime) -> tuple[Action, ...]:
        if self.cannot_plan is not None:
            raise self.cannot_plan
        return super().plan(spec, observed, now)

    def plan_cuts(
        self, spec: NodeSpec, observed: Known[tuple[object, ...]] | Unknown, now: datetime
    ) -> tuple[Action, ...]:
        if isinstance(observed, Unknown):
            return ()
        wanted = self.wanted(spec)
        return tuple(Drop(part=part, reason=f"drop {part}") for part in observed.value if part not in wanted)


class MemoryHost:
    """Four sections over parts of the spec that differ between revisions."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.guard = MemorySection("guard", lambda s: tuple(str(o.addresses) for o in s.guard.openings), self.journal)
        self.mesh = MemoryMesh("mesh", lambda s: tuple(p.public_key for p in s.mesh.peers), self.journal)
        self.proxy = MemorySection("proxy", lambda s: ("nginx.conf", f"r{s.revision}"), self.journal)
        self.names = MemorySection("names", lambda s: s.names.entries, self.journal)

    @property
    def sections(self) -> tuple[MemorySection, ...]:
        return (self.proxy, self.names, self.mesh, self.guard)  # the order must come from the plan

    def is_as(self, spec: NodeSpec) -> bool:
        return all(tuple(section.parts) == section.wanted(spec) for section in self.sections)


class Specs:
    """Revisions of one grid for one node. ``more(n)`` has n further edges; ``revoked(name)`` lacks one."""

    def __init__(self, name: str) -> None:
        self.fleet = grid()
        self.node = name
        self.identity = joined_as(self.fleet, name)

    def at(self, revision: int, *, epoch: int = 1, fleet: Fleet | None = None) -> NodeSpec:
        return compile_spec(fleet or self.fleet, self.node, epoch=epoch, revision=revision)

    def with_edge(self, revision: int, number: int = 1) -> NodeSpec:
        fleet = self.fleet
        for n in range(number):
            name = f"more-{n}"
            fleet = fleet.put(
                Node(
                    name=name,
                    role=Role.EDGE,
                    state=NodeState.ACTIVE,
                    address=ip_address(int(ip_address("10.85.2.0")) + n),
                    public_key=public_key(key_of(name)),
                )
            )
        return self.at(revision, fleet=fleet)

    def with_gateway(self, revision: int) -> NodeSpec:
        gateway = replace(
            self.fleet.node("gw"), name="gw-2", address=ip_address("10.85.0.2"), public_key=public_key(key_of("gw-2"))
        )
        return self.at(revision, fleet=self.fleet.put(gateway))

    def without(self, revision: int, name: str) -> NodeSpec:
        fleet = self.fleet.put(replace(self.fleet.node(name), state=NodeState.REVOKED))
        return self.at(revision, fleet=fleet)


@pytest.fixture
def gateway() -> Specs:
    return Specs("gw")


@pytest.fixture
def edge() -> Specs:
    return Specs("home-1")


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost()


@pytest.fixture
def state(tmp_path: Path) -> AgentState:
    return AgentState(tmp_path / "agent")


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: NOW


@pytest.fixture
def later() -> datetime:
    return NOW + timedelta(hours=1)
