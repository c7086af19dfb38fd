"""What gridwire costs in nginx: CPU time per request of the gateway's worker, against an nginx tuned by hand.

Both run in one private namespace with one worker each, against the same backend, in alternating rounds with the
same closed-loop client; CPU time is the worker's own (/proc/PID/schedstat in nanoseconds, or utime + stime of stat
where there is none), so neither the client nor the other programs of the machine count, save through caches and
steal: single rounds differ widely on a busy machine. The ratio of each pair of rounds is static/ours; what counts is
their median, and how far medians of whole runs lie apart. Where there are two CPUs, the worker that is measured has one
for itself, and client and backend share the other: else what is measured is how they trample on its caches.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from gridwire.adapters.nginx import find_nginx
from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Balance
from gridwire.core.health import HealthCheck
from gridwire.core.names import NodeName, RouteName, ServiceName
from gridwire.core.proxy import Endpoint, Grant, Listener, ListenerKind, Pool, RouteEntry, RoutingTable
from gridwire.lab.nginx_pair import Instance, Namespace, instance, until

CONFIGS = Path(__file__).resolve().parents[3] / "bench" / "proxy"
GOAL, LEAST = 0.90, 0.80
_OURS, _STATIC, _BACKEND, _CLIENT = (IPv4Address(a) for a in ("10.85.0.1", "10.85.0.2", "10.85.1.1", "10.85.2.1"))
_REQUEST = b"GET /v1/things HTTP/1.1\r\nHost: api.grid\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """CPU in microseconds per request, medians; ``ratio``: median of static/ours over the pairs of rounds."""

    rounds: int
    requests: int
    ours_us: float
    static_us: float
    ratio: float
    low: float
    high: float
    planted: float

    @property
    def ok(self) -> bool:
        return self.ratio >= LEAST


def run_bench(*, rounds: int = 7, requests: int = 30_000, planted: float = 0.0, routes: int = 1000) -> Bench:
    """``requests`` per round; ``planted``: a slowdown of ours to be seen, 0.15 for 15 %; ``routes``: in the table.

    Raise Unavailable where nginx, its Lua or the configurations of the bench are missing.
    """
    if not (CONFIGS / "static.conf").is_file():
        raise Unavailable(f"{CONFIGS / 'static.conf'} is not there", fix="run the bench from a clone of the repository")
    folder = Path(tempfile.mkdtemp(prefix="gridwire-bench-"))
    folder.chmod(0o755)
    namespace = Namespace(tuple(f"{a}/32" for a in (_OURS, _STATIC, _BACKEND, _CLIENT)))
    running: list[_Plain | Instance] = []
    cpus = os.sched_getaffinity(0)
    own, *others = sorted(cpus)
    try:
        if others:
            os.sched_setaffinity(0, others)  # and what is started from here on
        backend, static = (
            _Plain(namespace, folder / "backend", "backend"),
            _Plain(namespace, folder / "static", "static"),
        )
        ours = instance(
            namespace,
            folder / "ours",
            (Listener(ListenerKind.ROUTES, _OURS, 80),),
            routing=_table(routes),
            workers=1,
        )
        for one in (backend, static, ours):
            running.append(one)
            one.start()
        for one in (ours, static) if others else ():
            os.sched_setaffinity(one.pids()[0], {own})
        for address, one in ((_OURS, ours), (_STATIC, static)):
            _round(namespace, address, one.pids()[0], requests // 3)  # JIT, caches and kept-alive connections
        if planted:
            # The least of some rounds: a busy machine only ever adds to what a request costs.
            pilots = [_round(namespace, _OURS, ours.pids()[0], requests) for _ in range(5)]
            _plant(ours, planted * min(pilots))
            if others:
                os.sched_setaffinity(ours.pids()[0], {own})
            _round(namespace, _OURS, ours.pids()[0], requests)
        pairs = []
        for number in range(rounds):
            order = ((_OURS, ours), (_STATIC, static)) if number % 2 else ((_STATIC, static), (_OURS, ours))
            cost = {address: _round(namespace, address, one.pids()[0], requests) for address, one in order}
            pairs.append((cost[_OURS], cost[_STATIC]))
    finally:
        os.sched_setaffinity(0, cpus)
        for one in running:
            one.stop()
        namespace.close()
        shutil.rmtree(folder, ignore_errors=True)
    ratios = sorted(static_us / ours_us for ours_us, static_us in pairs)
    return Bench(
        rounds=rounds,
        requests=requests,
        ours_us=round(statistics.median(pair[0] for pair in pairs), 2),
        static_us=round(statistics.median(pair[1] for pair in pairs), 2),
        ratio=round(statistics.median(ratios), 3),
        low=round(ratios[0], 3),
        high=round(ratios[-1], 3),
        planted=planted,
    )


class _Plain:
    """An nginx with a configuration of the bench's."""

    def __init__(self, namespace: Namespace, folder: Path, name: str) -> None:
        self._namespace, self._folder, self._config = namespace, folder, CONFIGS / f"{name}.conf"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._folder.mkdir()
        command = [find_nginx().binary, "-p", str(self._folder), "-c", str(self._config), "-g", "daemon off;"]
        with self._namespace.inside(), (self._folder / "stderr").open("ab") as stderr:
            self._process = subprocess.Popen(command, stderr=stderr)
        until(self.pids, f"nginx with {self._config.name}")

    def pids(self) -> list[int]:
        assert self._process is not None
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


def _table(routes: int) -> RoutingTable:
    pool = Pool(
        service=ServiceName("api"),
        balance=Balance.ROUND_ROBIN,
        retries=2,
        connect_timeout_ms=1000,
        read_timeout_ms=60_000,
        send_timeout_ms=60_000,
        health=HealthCheck(),
        endpoints=tuple(Endpoint(node=NodeName(f"e{n}"), address=_BACKEND, port=2085) for n in range(3)),
    )
    hosts = ["api.grid", *(f"host-{number}.grid" for number in range(routes - 1))]
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


def _cpu_seconds(pid: int) -> float:
    """From schedstat where the kernel has it (nanoseconds), else from stat (utime + stime, 10 ms steps)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICK


def _round(namespace: Namespace, address: IPv4Address, pid: int, requests: int, connections: int = 32) -> float:
    """Microseconds of the worker's CPU per request."""
    with namespace.inside():
        sockets = [socket.create_connection((str(address), 80), 10, (str(_CLIENT), 0)) for _ in range(connections)]
    before = _cpu_seconds(pid)
    try:
        _drive(sockets, requests)
    finally:
        for one in sockets:
            one.close()
    return (_cpu_seconds(pid) - before) / requests * 1e6


def _drive(sockets: list[socket.socket], requests: int) -> None:
    """One request under way on each connection until ``requests`` were answered; raise Unavailable for an error."""
    poller = select.epoll()
    by_number = {one.fileno(): one for one in sockets}
    for number, one in by_number.items():
        poller.register(number, select.EPOLLIN)
        one.sendall(_REQUEST)
    answered, deadline = 0, time.monotonic() + 120
    while answered < requests:
        for number, _ in poller.poll(5):
            answer = by_number[number].recv(4096)
            if not answer.startswith(b"HTTP/1.1 200 ") or time.monotonic() > deadline:
                raise Unavailable(f"the bench got {answer[:60]!r}")
            answered += 1
            by_number[number].sendall(_REQUEST)
    poller.close()


def _plant(ours: Instance, microseconds: float) -> None:
    """Start ours again with a matcher that burns so much more CPU time per request."""
    ours.stop()
    source = ours.nginx.lua[0]
    folder = ours.folder / "lua"
    shutil.copytree(source, folder)
    policy = folder / "gridwire" / "policy.lua"
    # A loop whose speed is measured when the module loads: asking the clock in every request would cost more CPU
    # than the slowdown that is to be planted.
    burn = (
        "local allows = _M.allows\n"
        "local function spin(turns)\n"
        "    local x = 1\n"
        "    for i = 1, turns do x = x * 1.0000001 + i end\n"
        "    return x\n"
        "end\n"
        "spin(1e6)\n"
        "local from = os.clock()\n"
        "local sink = spin(2e7)\n"
        f"local turns = math.floor(2e7 * {microseconds / 1e6:.9f} / (os.clock() - from))\n"
        "function _M.allows(route, peer)\n"
        "    sink = spin(turns)\n"
        "    return allows(route, peer)\n"
        "end\n\nreturn _M\n"
    )
    policy.write_text(policy.read_text().replace("return _M\n", burn))
    config = Path(ours.launch.config)
    config.write_text(config.read_text().replace(f"{source}/?.lua", f"{folder}/?.lua"))
    ours.start()
