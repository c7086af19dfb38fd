"""What a revision costs: it is compiled for those whose spec it changes, and nobody else is woken."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import permutations
from typing import Any

import pytest

from gridwire.adapters.store import Snapshot
from gridwire.control import specs
from gridwire.control.specs import Current, Specs
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role, Route, Selector, Service
from gridwire.core.names import NodeName, RouteName, ServiceName
from gridwire.core.targets import parse_target

NODES, SITES = 60, 12
FLEET = Fleet(network=Network(prefix=ip_network("10.85.0.0/16"))).put(
    Node(
        name=NodeName("n01"),
        role=Role.EDGE,
        state=NodeState.ACTIVE,
        address=ip_address("10.85.1.1"),
        tags=(("site", "s1"),),
    )
)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to that in time"
        await asyncio.sleep(0.005)


def change(world: Any, into: Callable[[Fleet], Fleet]) -> None:
    with world.grid.changing() as transaction:
        said = {"author": "ann", "reason": "a test", "kind": "test", "subject": "fleet"}
        transaction.save(into(transaction.fleet()), now=world.clock(), **said)


def service(site: int, port: int = 9000) -> Service:
    return Service(
        name=ServiceName(f"s{site}"),
        target=parse_target(f"127.0.0.1:{port}"),
        on=(Selector("tag", f"site=s{site}"),),
    )


def populate(fleet: Fleet, key: Callable[[object], Any]) -> Fleet:
    for number in range(NODES):
        node = Node(
            name=NodeName(f"n{number:02}"),
            role=Role.EDGE,
            state=NodeState.ACTIVE,
            address=ip_address("10.85.1.0") + number,
            public_key=key(number),
            tags=(("site", f"s{number % SITES}"),),
        )
        fleet = fleet.put(node)
    for site in range(SITES):
        fleet = fleet.put(service(site))
        fleet = fleet.put(Route(name=RouteName(f"r{site}"), host=f"r{site}", to=ServiceName(f"s{site}")))
    return fleet


class Agents:
    """One long poll after another for each node, as agents ask; ``got`` counts the specs that were sent."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.got: Counter[str] = Counter()
        self.names = [node.name for node in world.fleet().active()]

    async def follow(self, name: str) -> None:
        etag = None
        while True:
            status, headers = await self._ask(name, etag)
            assert status == 200
            self.got[name] += 1
            etag = headers[b"etag"]

    async def _ask(self, name: str, etag: bytes | None) -> tuple[int, dict[bytes, bytes]]:
        asked = [(b"x-gridwire-node", name.encode()), *([(b"if-none-match", etag)] if etag else [])]
        scope = {"type": "http", "method": "GET", "path": "/api/v1/agent/spec", "headers": asked, "root_path": ""}
        scope |= {"http_version": "1.1", "scheme": "http", "raw_path": b"", "query_string": b"wait=60"}
        started: dict[str, Any] = {}

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        async def send(message: dict[str, Any]) -> None:
            started.update(message)

        await self.world.through("/run/test/local.sock")(scope, receive, send)
        return started["status"], dict(started["headers"])

    async def sent(self, number: int) -> None:
        await until(lambda: len(self.got) >= number)

    async def all_wait(self) -> None:
        await until(lambda: self.world.grid.revised.waiting == len(self.names))


def test_a_change_is_compiled_for_those_whose_spec_it_changes(
    world: Any, make_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    looked: list[str] = []
    compile_node, of = specs.compile_node, Specs.of

    def counted(index: Any, name: str, version: Any) -> Any:
        compiled.append(name)
        return compile_node(index, name, version)

    def seen(self: Specs, snapshot: Snapshot, node: Node) -> Current:
        looked.append(node.name)
        return of(self, snapshot, node)

    monkeypatch.setattr(specs, "compile_node", counted)
    monkeypatch.setattr(Specs, "of", seen)
    change(world, lambda fleet: populate(fleet, make_key))
    on_site_3 = [f"n{number:02}" for number in range(3, NODES, SITES)]
    drained = replace(world.fleet().node("n07"), drained=True)
    moved = replace(world.fleet().node("n07"), tags=(("site", "s3"),))
    cases: list[tuple[Callable[[Fleet], Fleet], list[str]]] = [
        (lambda fleet: fleet.put(service(3, port=9001)), ["gw", *on_site_3]),
        (lambda fleet: fleet.put(replace(service(3, port=9001), retries=0)), ["gw"]),  # only gateways retry
        (lambda fleet: fleet.put(drained), ["gw"]),
        (lambda fleet: fleet.put(moved), ["gw", "n07"]),
    ]

    async def scene() -> None:
        agents = Agents(world)
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(agents.follow(name)) for name in agents.names]
            await agents.all_wait()
            assert sorted(compiled) == sorted(agents.names)
            for into, concerned in cases:
                compiled.clear()
                looked.clear()
                agents.got.clear()
                await asyncio.to_thread(change, world, into)
                await agents.sent(len(concerned))
                await agents.all_wait()
                assert sorted(compiled) == concerned
                assert set(looked) == set(concerned), "nobody else was woken"
                assert agents.got == Counter(concerned)
            for task in following:
                task.cancel()

    asyncio.run(scene())


@pytest.mark.parametrize(
    "order", sorted(set(permutations([0, 0, 1, 1, 2, 2]))), ids=lambda order: "".join(map(str, order))
)
def test_whoever_was_given_older_content_never_passes_for_one_that_has_the_newest(order: tuple[int, ...]) -> None:
    """Content X, then Y, then X again, as threads with snapshots of different age ask for it in any order."""
    fleets = [FLEET, FLEET.put(service(1)), FLEET]
    snapshots = [
        Snapshot(version=(1, number), fleet=fleet, by_address={node.address: node for node in fleet.nodes})
        for number, fleet in enumerate(fleets, 1)
    ]
    known = Specs()
    given = []
    for number in order:
        current = known.of(snapshots[number], FLEET.node("n01"))
        given.append((current.etag, services(current)))
    newest = known.of(snapshots[2], FLEET.node("n01"))
    assert all(content == services(newest) for etag, content in given if newest.known_to(etag))
    assert newest.known_to(given[-1][0])


def services(current: Current) -> object:
    return json.loads(current.body())["proxy"]["edge"]["services"]
