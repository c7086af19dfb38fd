"""``proxy``: the gateway's nginx, everything on, against proxies that people would otherwise take.

All of them stand in one private network namespace, each on an address and a CPU that is its alone while it is
measured, one worker or thread of work each, before the same backend; client and backend have the other CPU. Access
logs, with the same fields, go to memory, and are emptied between rounds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Balance
from gridwire.core.health import HealthCheck
from gridwire.core.names import NodeName, RouteName, ServiceName
from gridwire.core.proxy import Endpoint, Grant, Listener, ListenerKind, Pool, RouteEntry, RoutingTable
from gridwire.lab.bench import wrk
from gridwire.lab.bench.clone import check_clone
from gridwire.lab.bench.cpu_time import cpu_seconds, family
from gridwire.lab.bench.rivals import BACKEND, NGINX, RIVALS, Running, chosen, pinned
from gridwire.lab.bench.scenario import Case, Goal, Prepared, Reading, Scenario, Side, Wanted
from gridwire.lab.bench.slowed import plant
from gridwire.lab.nginx_pair import Instance, Namespace, instance

_OURS, _AGAIN, _SLOWED = (IPv4Address(f"10.85.0.{n}") for n in (1, 2, 3))
_CLIENT: Final = IPv4Address("10.85.2.1")
_ROUTES: Final = 1000
_GOALS: Final = (
    Goal(side="nginx", metric="cpu_us", least=0.80, wanted=0.90),
    Goal(side="haproxy", metric="cpu_us", least=0.80),
    Goal(side="envoy", metric="cpu_us", least=2),
    Goal(side="traefik", metric="cpu_us", least=3),
    Goal(side="caddy", metric="cpu_us", least=4),
)
_CONDITIONS: Final = (
    "one worker each, alone on its CPU; client (wrk, 64 connections kept alive) and backend share another",
    "the same access log, JSON, a line a request, into memory; upstream connections kept alive",
    f"gridwire with {_ROUTES} routes, role check, balancing over 3 endpoints, drain, limits and metrics;"
    " the others with one route and one endpoint",
    "CPU is user and system time of all of a proxy's threads",
)


@contextmanager
def prepare(wanted: Wanted, say: Callable[[str], None]) -> Iterator[Prepared]:
    """Raise Unavailable where something is not installed, or there is only one CPU."""
    check_clone()
    rivals = tuple(rival for rival in RIVALS if wanted.wants(rival.id))
    programs = {"gridwire on nginx": NGINX.release(), **chosen(rivals)}
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise Unavailable("this machine has one CPU: a proxy and its client would be measured as one")
    own, others = {cpus[0]}, set(cpus[1:])
    with ExitStack() as stack:
        stack.enter_context(pinned(others))  # ourselves, wrk and the backend
        folder = stack.enter_context(_folder())
        namespace = Namespace(tuple(f"{a}/32" for a in (_OURS, _AGAIN, _SLOWED, _CLIENT, BACKEND.address)))
        stack.callback(namespace.close)
        say("starting: gridwire's nginx, " + ", ".join(rival.title for rival in rivals))
        backend = Running(BACKEND, namespace, folder / "backend", port=2085)
        stack.callback(backend.stop)
        backend.start(others)
        sides = [_ours(stack, namespace, folder, own, *one) for one in _OUR_OWN]
        if wanted.planted:
            at = (f"slowed by {wanted.planted:.0%}", "slowed", _SLOWED)
            sides.append(_ours(stack, namespace, folder, own, *at, slower=wanted.planted, than=sides[0]))
        for rival in rivals:
            _add_address(namespace, rival.address)
            running = Running(rival, namespace, folder / rival.id)
            stack.callback(running.stop)
            running.start(own)
            sides.append(_side(rival.id, rival.title, namespace, rival.address, running.pid, running.empty_log))
        yield Prepared(cases=(_case(sides),), programs=programs, conditions=_CONDITIONS)


_OUR_OWN: Final = (("gridwire", "gridwire", _OURS), ("gridwire, a second time", "again", _AGAIN))


def _case(sides: list[Side]) -> Case:
    there = {side.id for side in sides}
    return Case(
        id="proxy",
        title="one proxy, small answers, connections kept alive",
        sides=tuple(sides),
        reference="gridwire",
        again="again",
        metrics=("cpu_us", "rate", "p50_ms", "p99_ms"),
        goals=tuple(goal for goal in _GOALS if goal.side in there),
        note="A ratio above 1: gridwire does better.",
    )


@contextmanager
def _folder() -> Iterator[Path]:
    """In memory where the machine has such a place, so that no disk's mood is measured."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="gridwire-bench-", dir=memory if memory.is_dir() else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ours(
    stack: ExitStack,
    namespace: Namespace,
    folder: Path,
    own: set[int],
    title: str,
    name: str,
    address: IPv4Address,
    *,
    slower: float = 0.0,
    than: Side | None = None,
) -> Side:
    _from_client(namespace, address)
    made = instance(
        namespace,
        folder / name,
        (Listener(ListenerKind.ROUTES, address, 80),),
        routing=_table(),
        workers=1,
    )
    stack.callback(made.stop)
    if slower and than is not None:
        costs = min(than.measure(1)["cpu_us"] for _ in range(3))  # a busy machine only ever adds to it
        plant(made, slower * costs)
    with pinned(own):
        made.start()
    return _side(name, title, namespace, address, made.pids()[0], lambda: _empty(made))


def _empty(made: Instance) -> None:
    os.truncate(made.folder / "log" / "access.log", 0)


def _side(
    name: str, title: str, namespace: Namespace, address: IPv4Address, pid: int, afterwards: Callable[[], None]
) -> Side:
    def measure(seconds: float) -> Reading:
        argv = wrk.command(f"http://{address}/v1/things", seconds=seconds, headers=("Host: api.grid",))
        before = cpu_seconds(family(pid))
        with namespace.inside():
            said = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60)
        used = cpu_seconds(family(pid)) - before
        afterwards()
        load = wrk.parsed(said.stdout + said.stderr)
        return {
            "cpu_us": used / load.requests * 1e6,
            "rate": load.rate,
            "p50_ms": load.p50_ms,
            "p99_ms": load.p99_ms,
        }

    return Side(id=name, title=title, measure=measure)


def _add_address(namespace: Namespace, address: IPv4Address) -> None:
    with namespace.inside():
        subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)
    _from_client(namespace, address)


def _from_client(namespace: Namespace, address: IPv4Address) -> None:
    """Who calls an address of one's own calls from that address; the client has one of its own, as on a mesh."""
    route = ["ip", "route", "replace", "local", str(address), "dev", "lo", "table", "local", "src", str(_CLIENT)]
    with namespace.inside():
        subprocess.run(route, check=True)


def _table() -> RoutingTable:
    pool = Pool(
        service=ServiceName("api"),
        balance=Balance.ROUND_ROBIN,
        retries=2,
        connect_timeout_ms=1000,
        read_timeout_ms=60_000,
        send_timeout_ms=60_000,
        health=HealthCheck(),
        endpoints=tuple(Endpoint(node=NodeName(f"e{n}"), address=BACKEND.address, port=2085) for n in range(3)),
    )
    hosts = ["api.grid", *(f"host-{number}.grid" for number in range(_ROUTES - 1))]
    entries = [
        RouteEntry(name=RouteName(f"r{number}"), host=host, path="/", grant="g", service=pool.service)
        for number, host in enumerate(hosts)
    ]
    return RoutingTable(
        version=(1, 1),
        routes=tuple(sorted(entries, key=lambda entry: entry.host)),
        grants=(Grant(id="g", addresses=(_CLIENT,)),),
        pools=(pool,),
    )


SCENARIO: Final = Scenario(
    id="proxy",
    title="gridwire's gateway beside other proxies",
    about="CPU per request, rate and latency against nginx by hand, HAProxy, Envoy, Traefik and Caddy",
    rounds=15,
    seconds=1,
    prepare=prepare,
)
