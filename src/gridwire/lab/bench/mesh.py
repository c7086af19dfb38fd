"""``mesh``: through the grid, against WireGuard by hand over as many tunnels, and against the bare link.

Three paths between hosts that are alike, on the same links. In the grid a request crosses two tunnels and two nginx
(the gateway's and the edge's); by hand it crosses two tunnels, and either the gateway's kernel forwards packets, or an
nginx there is the proxy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from gridwire.lab.bench import bare_wireguard, wrk
from gridwire.lab.bench.cpu_time import cpu_seconds
from gridwire.lab.bench.rivals import BACKEND, NGINX
from gridwire.lab.bench.scenario import Case, Goal, Prepared, Reading, Scenario, Side, Wanted
from gridwire.lab.bench.small_grid import EDGE, HOST, found, join, lab_hosts, serve, start_app
from gridwire.lab.grid import APP_PORT, CLIENT, GATEWAY, Grid
from gridwire.lab.host import Host
from gridwire.lab.processes import processes
from gridwire.lab.topology import ROUTER

_BIG_CONNECTIONS, _SMALL_CONNECTIONS = 4, 16
_CONDITIONS: Final = (
    "client, gateway and edge are network namespaces of one machine and share its CPUs, so WireGuard's work at both"
    " ends of both tunnels is in every figure",
    f"wrk on the client: {_BIG_CONNECTIONS} connections for bodies of 1 MiB, {_SMALL_CONNECTIONS} for small answers",
    "CPU is that of the processes on the hosts of the path: WireGuard, proxies, application",
)


@contextmanager
def prepare(wanted: Wanted, say: Callable[[str], None]) -> Iterator[Prepared]:
    with lab_hosts(more=bare_wireguard.PLACES) as grid:
        say("a gateway, an edge and a client")
        found(grid)
        join(grid)
        say("the same with WireGuard by hand")
        kind = bare_wireguard.connect(grid)
        _serve_by_hand(grid)
        paths = [path for path in _paths(grid) if path[0] in ("grid", "again", "bare") or wanted.wants(path[0])]
        yield Prepared(
            cases=(_big(grid, paths), _small(grid, paths)),
            programs={"nginx": NGINX.release(), "WireGuard": kind},
            conditions=_CONDITIONS,
        )


_Path = tuple[str, str, str, str, Sequence[Host]]  # id, title, URL without the path, Host header, hosts that it crosses


def _paths(grid: Grid) -> tuple[_Path, ...]:
    ours = [grid.host(name) for name in (CLIENT, GATEWAY, EDGE)]
    bare = [grid.host(name) for name in (bare_wireguard.CLIENT, bare_wireguard.GATEWAY, bare_wireguard.EDGE)]
    wg = bare_wireguard.ADDRESSES
    return (
        ("grid", "through the grid", f"http://{grid.mesh[GATEWAY]}", HOST, ours),
        ("again", "through the grid, a second time", f"http://{grid.mesh[GATEWAY]}", HOST, ours),
        ("bare", "bare WireGuard, as many tunnels", f"http://{wg[bare_wireguard.EDGE]}:{APP_PORT}", HOST, bare),
        ("nginx", "WireGuard and nginx by hand", f"http://{wg[bare_wireguard.GATEWAY]}", "api.grid", bare),
        ("link", "the bare link", f"http://{grid.lab.address(bare_wireguard.EDGE)}:{APP_PORT}", HOST, bare),
    )


def _serve_by_hand(grid: Grid) -> None:
    """The application on every address of the edge's, and the rivals' nginx on the gateway before it."""
    wg = bare_wireguard.ADDRESSES
    own = grid.lab.address(bare_wireguard.EDGE)
    start_app(grid, bare_wireguard.EDGE, wg[bare_wireguard.EDGE], own)
    replaced = {
        f"{NGINX.address}:80": f"{wg[bare_wireguard.GATEWAY]}:80",
        f"{BACKEND.address}:2085": f"{wg[bare_wireguard.EDGE]}:{APP_PORT}",
        "worker_processes 1;": f"worker_processes {os.cpu_count()};",  # as many as gridwire's
    }
    serve(grid, bare_wireguard.GATEWAY, "nginx.conf", replaced)


def _big(grid: Grid, paths: Sequence[_Path]) -> Case:
    return Case(
        id="big",
        title="bodies of 1 MiB",
        sides=tuple(_side(grid, path, "/big", _BIG_CONNECTIONS) for path in paths),
        reference="grid",
        again="again",
        metrics=("mbit", "cpu_ms_mb"),
        goals=(Goal(side="bare", metric="mbit", least=0.95),),
    )


def _small(grid: Grid, paths: Sequence[_Path]) -> Case:
    return Case(
        id="small",
        title="small answers, connections kept alive",
        sides=tuple(_side(grid, path, "/", _SMALL_CONNECTIONS) for path in paths),
        reference="grid",
        again="again",
        metrics=("rate", "cpu_us", "p50_ms", "p99_ms"),
        note="Here the grid's two proxies have a share that bare WireGuard, which has none, does not pay.",
    )


def _side(grid: Grid, path: _Path, target: str, connections: int) -> Side:
    name, title, url, header, hosts = path
    client = hosts[0]

    def measure(seconds: float) -> Reading:
        argv = wrk.command(f"{url}{target}", seconds=seconds, connections=connections, headers=(f"Host: {header}",))
        on_path = (*hosts, grid.host(ROUTER))
        pids = [process.pid for host in on_path for process in processes(host)]
        before = cpu_seconds(pids)
        load = wrk.parsed(client.run(argv, timeout=seconds + 60).stdout)
        used = cpu_seconds(pids) - before
        return {
            "mbit": load.received * 8 / 1e6 / load.seconds,
            "cpu_ms_mb": used * 1e3 / (load.received / 1e6),
            "rate": load.rate,
            "cpu_us": used / load.requests * 1e6,
            "p50_ms": load.p50_ms,
            "p99_ms": load.p99_ms,
        }

    return Side(id=name, title=title, measure=measure)


SCENARIO: Final = Scenario(
    id="mesh",
    title="Through the mesh",
    about="through the grid, against bare WireGuard over as many tunnels, and against the bare link",
    rounds=7,
    seconds=2,
    prepare=prepare,
)
