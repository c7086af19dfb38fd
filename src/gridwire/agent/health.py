"""Many checks at a time, counted into states (core.health), and what a gateway makes of them.

One task per endpoint, no threads. While results speak against a state the next check comes sooner, so that a
dead endpoint is out within about two of its intervals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gridwire.adapters.clock import utc_now
from gridwire.agent.probe import OwnCheck, Result, through_mesh
from gridwire.agent.silence import Silences
from gridwire.core.addressing import Address
from gridwire.core.health import EndpointHealth, Health, HealthCheck, Tally, count
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.proxy import EdgeService, Endpoint
from gridwire.core.spec import NodeSpec
from gridwire.core.targets import Reach, consents

Key = tuple[ServiceName, NodeName]

_TURNING_SECONDS = 0.25  # from one check to the next while a state is turning over
_SILENT_PAUSE = 0.1  # after a check without an answer: in it the device is read (silence.py)
_SPREAD_SECONDS = 0.002  # between the first checks of many endpoints
_AT_A_TIME = 2000  # open sockets; the rest wait for their turn


@dataclass(frozen=True, slots=True)
class _Watched:
    """An endpoint to check: ``what`` is compared, so that an unchanged one keeps its state and its task."""

    what: object
    check: HealthCheck
    ask: Callable[[], Awaitable[Result]]
    close: Callable[[], None]


@dataclass(slots=True)
class _State:
    tally: Tally
    result: Result
    since: datetime | None  # when the tally's health turned
    task: asyncio.Task[None]


class Checks:
    """Keeps checking what ``watch`` was given. ``turned`` is called on each change of a state; ``asked`` then,
    after every check, with what came of it and when it began."""

    def __init__(
        self, turned: Callable[[Key], None], asked: Callable[[Key, Result, float], None] = lambda *_: None
    ) -> None:
        self._turned = turned
        self._asked = asked
        self._watched: dict[Key, _Watched] = {}
        self._states: dict[Key, _State] = {}
        self._slots = asyncio.Semaphore(_AT_A_TIME)

    def watch(self, wanted: Mapping[Key, _Watched]) -> None:
        """Start what is new or changed, stop what is gone."""
        for key in [k for k, w in self._watched.items() if k not in wanted or wanted[k].what != w.what]:
            self._states.pop(key).task.cancel()
            self._watched.pop(key).close()
        new = [key for key in wanted if key not in self._watched]
        for place, key in enumerate(new):
            watched = wanted[key]
            delay = min(place * _SPREAD_SECONDS, watched.check.interval_ms / 1000)
            task = asyncio.get_running_loop().create_task(self._run(key, watched, delay), name=f"check {'/'.join(key)}")
            self._watched[key] = watched
            self._states[key] = _State(Tally(), Result(False, "not checked yet"), None, task)

    def close(self) -> None:
        self.watch({})

    def get(self, key: Key) -> tuple[Tally, Result, datetime | None]:
        """Its state, the last result, and since when it is in that state."""
        state = self._states[key]
        return state.tally, state.result, state.since

    def names(self) -> tuple[Key, ...]:
        return tuple(self._states)

    async def _run(self, key: Key, watched: _Watched, delay: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(delay)
        while True:
            state = self._states[key]
            began = loop.time()
            async with self._slots:
                result = await _survived(watched)
            before = state.tally.health
            state.tally = count(state.tally, watched.check, passed=result.passed, no_path=result.no_path)
            state.result = result
            if before is not state.tally.health:
                state.since = utc_now()
                self._turned(key)
            self._asked(key, result, began)
            pause = watched.check.interval_ms / 1000
            if state.tally.streak or (result.no_path and not result.silent):  # nginx is about to serve it
                pause = min(pause, _TURNING_SECONDS)
            await asyncio.sleep(max(_SILENT_PAUSE if result.silent else 0.0, began + pause - loop.time()))


async def _survived(watched: _Watched) -> Result:
    """A check that breaks is a result like another: a task that ended would leave its endpoint unchecked for ever,
    and say nothing (seen with uvloop, which raises RuntimeError for a socket that `ss -K` ended)."""
    try:
        return await watched.ask()
    except Exception as error:  # noqa: BLE001  # reported as the endpoint's reason, and asked again
        watched.close()
        return Result(False, f"the check itself failed: {type(error).__name__}: {error}")


class EdgeHealth:
    """An edge's own services, asked where they run, through nginx's ``door``. What the edge does not consent to is not
    touched at all."""

    def __init__(
        self, node: NodeName, reach: Callable[[], tuple[Reach, ...]], turned: Callable[[], None], door: str
    ) -> None:
        self._node = node
        self._door = door
        self._reach = reach
        self._checks = Checks(lambda _: turned())
        self._refused: tuple[EdgeService, ...] = ()

    def watch(self, spec: NodeSpec) -> None:
        services = spec.proxy.edge.services if spec.proxy.edge is not None else ()
        reach = self._reach()
        self._refused = tuple(s for s in services if not consents(reach, s.target, spec.mesh.prefix))
        self._checks.watch({(s.service, self._node): _local(s, self._door) for s in services if s not in self._refused})

    def seen(self) -> tuple[EndpointHealth, ...]:
        found = [
            EndpointHealth(
                service=s.service,
                node=self._node,
                seen_by=self._node,
                health=Health.REFUSED,
                reason=f"{self._node} does not allow {s.target}",
            )
            for s in self._refused
        ]
        for key in self._checks.names():
            tally, result, since = self._checks.get(key)
            found.append(_seen(key, self._node, tally.health, result.reason, since))
        return tuple(sorted(found, key=lambda each: each.service))

    def close(self) -> None:
        self._checks.close()


class GatewayHealth:
    """Every endpoint, asked through the mesh. ``changed`` is called when a verdict turned, ``suspected`` when an edge
    may be dead: then ``read`` is to be given what the device has received of everybody."""

    def __init__(
        self, node: NodeName, changed: Callable[[], None], suspected: Callable[[], None] = lambda: None
    ) -> None:
        self._node = node
        self._changed = changed
        self._suspected = suspected
        self._silences = Silences()
        self._checks = Checks(self._turned, self._heard)
        self._addresses: dict[NodeName, Address] = {}
        self._by_node: dict[NodeName, set[Key]] = {}
        self._verdicts: dict[Key, Health] = {}

    def watch(self, spec: NodeSpec) -> None:
        wanted: dict[Key, _Watched] = {}
        self._addresses, self._by_node = {}, {}
        for pool in spec.proxy.routing.pools if spec.proxy.routing is not None else ():
            for endpoint in pool.endpoints:
                key = (pool.service, endpoint.node)
                wanted[key] = _remote(pool.service, endpoint, pool.health)
                self._addresses[endpoint.node] = endpoint.address
                self._by_node.setdefault(endpoint.node, set()).add(key)
        self._checks.watch(wanted)
        self._verdicts = {key: health for key, health in self._verdicts.items() if key in wanted}
        self._silences.keep(self._by_node.keys())

    def verdicts(self) -> dict[Key, Health]:
        """Up, down or unknown; one that is not judged yet is missing."""
        return dict(sorted(self._verdicts.items()))

    def read(self, received: Mapping[Address, int]) -> tuple[Address, ...]:
        """Bytes received of each peer → the edges that are found dead now: what is sent there hangs."""
        known = {node: received[address] for node, address in self._addresses.items() if address in received}
        dead = self._silences.read(known, asyncio.get_running_loop().time())
        return tuple(self._addresses[node] for node in dead)

    def seen(self) -> tuple[EndpointHealth, ...]:
        found = []
        for key in sorted(self._checks.names()):
            tally, result, since = self._checks.get(key)
            found.append(_seen(key, self._node, self._verdicts.get(key, tally.health), result.reason, since))
        return tuple(found)

    def close(self) -> None:
        self._checks.close()

    def _turned(self, key: Key) -> None:
        """Each endpoint by itself: where one of an edge's is reached again, the others stay unknown until they are
        asked, and nobody is told that they are down."""
        health = self._checks.get(key)[0].health
        if key[1] in self._by_node and self._verdicts.get(key) is not health:
            self._verdicts[key] = health
            self._changed()

    def _heard(self, key: Key, result: Result, began: float) -> None:
        node = key[1]
        if not result.silent:
            self._silences.answered(node)
            return
        out = all(self._verdicts.get(other) in (Health.DOWN, Health.UNKNOWN) for other in self._by_node[node])
        if self._silences.unanswered(node, began=began, now=asyncio.get_running_loop().time(), out=out):
            self._suspected()


def _local(service: EdgeService, door: str) -> _Watched:
    one = OwnCheck(door, service.service, service.health)
    return _Watched((service.target, service.health), service.health, one.ask, one.close)


def _remote(service: ServiceName, endpoint: Endpoint, check: HealthCheck) -> _Watched:
    one = through_mesh(endpoint.address, endpoint.port, service, check)
    return _Watched((endpoint.address, endpoint.port, check), check, one.ask, one.close)


def _seen(key: Key, by: NodeName, health: Health, reason: str, since: datetime | None) -> EndpointHealth:
    said = "" if health is Health.UP else reason
    return EndpointHealth(service=key[0], node=key[1], seen_by=by, health=health, reason=said, since=since)
