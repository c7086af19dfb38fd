"""``mesh``: through the grid, against WireGuard by hand over as many tunnels, and against the bare link.

Paths between hosts that are alike, on the same links. In the grid a request crosses two tunnels and two nginx (the
gateway's and the edge's). By hand it crosses two tunnels too, and either the gateway's kernel forwards packets, or an
nginx there is the proxy, or one there and one on the edge: the same hops as in the grid.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from gridwire.adapters.wireguard import UserspaceBackend, select
from gridwire.adapters.wireguard.buffers import RECEIVE_BYTES
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
_ROOM: Final = (
    "WireGuard by hand is as wireguard-go starts, its UDP sockets as large as the machine's default; gridwire makes its"
    " own larger, and one side by hand has them as large"
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
            conditions=(*_CONDITIONS, _ROOM) if isinstance(select(), UserspaceBackend) else _CONDITIONS,
        )


# id, title, URL without the path, Host header, hosts that it crosses
_Path = tuple[str, str, str, str, Sequence[Host]]
_WIDE: Final = "wide"


def _paths(grid: Grid) -> tuple[_Path, ...]:
    ours = [grid.host(name) for name in (CLIENT, GATEWAY, EDGE)]
    bare = [grid.host(name) for name in (bare_wireguard.CLIENT, bare_wireguard.GATEWAY, bare_wireguard.EDGE)]
    wg = bare_wireguard.ADDRESSES
    app = f"http://{wg[bare_wireguard.EDGE]}:{APP_PORT}"
    userspace = isinstance(select(), UserspaceBackend)
    wide = [(_WIDE, "bare WireGuard, its sockets as large as gridwire's", app, HOST, bare)] if userspace else []
    return (
        ("grid", "through the grid", f"http://{grid.mesh[GATEWAY]}", HOST, ours),
        ("again", "through the grid, a second time", f"http://{grid.mesh[GATEWAY]}", HOST, ours),
        ("bare", "bare WireGuard, as many tunnels", app, HOST, bare),
        *wide,
        ("nginx", "WireGuard and nginx by hand", f"http://{wg[bare_wireguard.GATEWAY]}", "api.grid", bare),
        ("two", "WireGuard and two nginx by hand", f"http://{wg[bare_wireguard.GATEWAY]}:81", "api.grid", bare),
        ("link", "the bare link", f"http://{grid.lab.address(bare_wireguard.EDGE)}:{APP_PORT}", HOST, bare),
    )


def _serve_by_hand(grid: Grid) -> None:
    """The application on every address of the edge's, and the rivals' nginx before it: one on the gateway, and on
    another port one that sends to a second one on the edge."""
    gateway, edge = bare_wireguard.ADDRESSES[bare_wireguard.GATEWAY], bare_wireguard.ADDRESSES[bare_wireguard.EDGE]
    start_app(grid, bare_wireguard.EDGE, "127.0.0.1", edge, grid.lab.address(bare_wireguard.EDGE))
    for host, place, listens, sends in (
        (bare_wireguard.GATEWAY, "one", f"{gateway}:80", f"{edge}:{APP_PORT}"),
        (bare_wireguard.GATEWAY, "first", f"{gateway}:81", f"{edge}:80"),
        (bare_wireguard.EDGE, "second", f"{edge}:80", f"127.0.0.1:{APP_PORT}"),
    ):
        replaced = {
            f"{NGINX.address}:80": listens,
            f"{BACKEND.address}:2085": sends,
            "worker_processes 1;": f"worker_processes {os.cpu_count()};",  # as many as gridwire's
        }
        serve(grid, host, "nginx.conf", replaced, place=place)


def _big(grid: Grid, paths: Sequence[_Path]) -> Case:
    return Case(
        id="big",
        title="bodies of 1 MiB",
        sides=tuple(_side(grid, path, "/big", _BIG_CONNECTIONS) for path in paths),
        reference="grid",
        again="again",
        metrics=("mbit", "cpu_ms_mb"),
        goals=(Goal(side="bare", metric="mbit", least=0.95), Goal(side="two", metric="mbit", least=0.95)),
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
        if name not in ("grid", "again"):
            bare_wireguard.hold(grid, RECEIVE_BYTES if name == _WIDE else bare_wireguard.default_size())
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
