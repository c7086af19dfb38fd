"""The demo's grid: one gateway, three edges, an operator, clients, and those who are not on it.

Everything that a user would type is typed here too: `gridwire init`, `invite`, `join`, `up`, `service publish`,
`route add` run as programs on their hosts, and only the proofs' fast changes go to control's socket directly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from gridwire.adapters.control_api import ControlApi, calls
from gridwire.core import paths
from gridwire.core.errors import GridwireError, NotFinished
from gridwire.core.health import Health
from gridwire.lab import records
from gridwire.lab.host import CommandFailed, Host
from gridwire.lab.load import Plan
from gridwire.lab.load_run import RunningLoad, stored
from gridwire.lab.records import parse_lines
from gridwire.lab.topology import ROUTER, Lab, Link, Place, build
from gridwire.lab.waiting import until

GATEWAY, OPERATOR, CLIENT, GUEST, INTRUDER, STRANGER = "gateway", "laptop", "phone", "guest", "intruder", "stranger"
EDGES = ("edge-1", "edge-2", "edge-3")
LINKS = (
    Link(name="gateway", prefix=IPv4Network("203.0.113.0/24"), prefix6=IPv6Network("2001:db8::/64")),
    Link(name="edges", prefix=IPv4Network("198.51.100.0/24")),
    Link(name="homes", prefix=IPv4Network("192.0.2.0/24"), prefix6=IPv6Network("2001:db8:0:2::/64")),
)
# Routes on the demo's gateway are forwarded where a user has Docker: the perimeter must hold with ip_forward on.
_FORWARDING = {"net.ipv4.ip_forward": 1}
PLACES = (
    Place(host=GATEWAY, link="gateway", number=7, sysctls=_FORWARDING),
    Place(host=INTRUDER, link="gateway", number=66),
    *(Place(host=edge, link="edges", number=10 + number) for number, edge in enumerate(EDGES, 1)),
    Place(host=OPERATOR, link="homes", number=21),
    Place(host=CLIENT, link="homes", number=31),
    Place(host=GUEST, link="homes", number=41),
    Place(host=STRANGER, link="homes", number=99),
)
ROLES = {
    ROUTER: "router",
    GATEWAY: "gateway",
    INTRUDER: "intruder",
    OPERATOR: "operator",
    CLIENT: "client",
    GUEST: "guest",
    STRANGER: "internet",
    **dict.fromkeys(EDGES, "edge"),
}
SERVICE, ROUTE_HOST, APP_PORT = "ingest", "api.grid", 9000
APP_TAG = "app=ingest"
INPUT = "/run/input.jsonl"  # a file of the user's, as the client sees it
_LOG = Path("/var/log/gridwire/up.log")
# Prints the name of the edge that answered, a line each; a connection each, so that nothing is remembered.
_PROBE = """
import http.client, json, sys
for _ in range(int(sys.argv[3])):
    try:
        connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=3)
        connection.request("GET", "/", headers={"Host": sys.argv[2]})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status == 200:
            print(json.loads(body)["edge"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        pass
"""
_APP_LOG = Path("/var/log/ingest.log")


def gridwire(*arguments: str) -> list[str]:
    """The command line of this very installation."""
    script = Path(sys.executable).with_name("gridwire")
    start = [str(script)] if script.exists() else [sys.executable, "-m", "gridwire.cli.main"]
    return [*start, *arguments]


@dataclass(slots=True)
class Grid:
    """A lab with gridwire running on it. ``joined_ms``: how long `gridwire join` took, by node."""

    lab: Lab
    joined_ms: dict[str, int] = field(default_factory=dict)
    mesh: dict[str, str] = field(default_factory=dict)
    input_records: int = 0
    _ups: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    _apps: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def gateway(self) -> Host:
        return self.lab.host(GATEWAY)

    @property
    def client(self) -> Host:
        return self.lab.host(CLIENT)

    @property
    def edges(self) -> tuple[Host, ...]:
        return tuple(self.lab.host(name) for name in EDGES)

    def host(self, name: str) -> Host:
        return self.lab.host(name)

    def local_socket(self) -> str:
        """Control's own socket, seen from outside through the gateway's mounts."""
        return f"{self.gateway.root}{paths.LOCAL_SOCKET}"

    def api(self) -> ControlApi:
        """A client of control's for one thread and one use."""
        return ControlApi(f"unix:{self.local_socket()}")

    def command(self, host: str, *arguments: str, stdin: str | None = None, timeout: float = 40) -> str:
        """Run `gridwire …` on a host; return what it printed, raise CommandFailed."""
        return self.host(host).run(gridwire(*arguments), input_text=stdin, timeout=timeout).stdout

    def up(self, host: str) -> None:
        """`gridwire up` in the background of a host."""
        self._ups[host] = self.host(host).start_logged(gridwire("up"), _LOG)

    def down(self, host: str, *, timeout: float = 12) -> None:
        """End `gridwire up` as Ctrl-C would."""
        process = self._ups.pop(host)
        process.terminate()
        process.wait(timeout)

    def log(self, host: str, *, lines: int = 12) -> str:
        path = self.host(host).root / _LOG.relative_to("/")
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "no log"

    def start_app(self, edge: str) -> None:
        """Start the ingestion app on an edge; it serves a moment later."""
        argv = [sys.executable, "-m", "gridwire.lab.ingest", "--name", edge]
        argv += ["--db", records.DATABASE, "--port", str(APP_PORT)]
        self._apps[edge] = self.host(edge).start_logged(argv, _APP_LOG)

    def stop_app(self, edge: str) -> None:
        """End the app that serves on an edge."""
        running = self._apps.pop(edge)
        running.terminate()
        running.wait(10)

    def load(self, **wanted: object) -> RunningLoad:
        """Load from the client on the demo's route; see lab.load.Plan. Prefixes keep record ids of loads apart."""
        host = str(wanted.pop("from_host", CLIENT))
        plan = Plan(address=self.mesh[GATEWAY], port=80, host=ROUTE_HOST, **wanted)  # type: ignore[arg-type]
        return RunningLoad(self.host(host), plan)

    def take_input(self, source: Path) -> None:
        """Put a file of records where the client can read it; its path outside may be hidden by the host's mounts."""
        content = source.read_bytes()
        Path(f"{self.client.root}{INPUT}").write_bytes(content)
        self.input_records = len(parse_lines(content))

    def stored(self) -> tuple[dict[str, int], ...]:
        """What every edge's database holds: arrivals by record."""
        return tuple(stored(edge) for edge in self.edges)

    def healthy(self) -> bool:
        """Every endpoint of the demo's service is up, as control has heard, and no node is drained."""
        try:
            with self.api() as api:
                status = api.send(calls.status()).body
        except GridwireError:
            return False
        found = [view for outcome in status.services for view in outcome.endpoints]
        drained = any(view.node.drained for view in status.nodes)
        return len(found) >= len(EDGES) and not drained and all(view.health is Health.UP for view in found)

    def answers(self, *, requests: int = 9, host: str = ROUTE_HOST) -> Counter[str]:
        """How many of so many requests of the client's each edge answered, on a route to the demo's app."""
        argv = [sys.executable, "-I", "-S", "-c", _PROBE, self.mesh[GATEWAY], host, str(requests)]
        try:
            return Counter(self.client.run(argv, check=False, timeout=20).stdout.split())
        except CommandFailed:
            return Counter()

    def answering(self, *, requests: int = 9) -> set[str]:
        """The edges that answered the client, of so many requests on the demo's route."""
        return set(self.answers(requests=requests))

    def whole(self) -> bool:
        """Every endpoint is healthy, and every edge answers the client."""
        return self.healthy() and self.answering() >= set(EDGES)

    def invite(self, name: str, role: str, *options: str) -> str:
        """`gridwire invite` on the gateway; the token."""
        token: str = json.loads(self.command(GATEWAY, "invite", name, "--role", role, *options, "-o", "json"))["token"]
        return token

    def join(self, name: str, token: str, *options: str) -> None:
        """`gridwire join` and `gridwire up` on the node."""
        start = time.monotonic()
        self.command(name, "join", *options, stdin=f"{token}\n", timeout=75)
        self.joined_ms[name] = int((time.monotonic() - start) * 1000)
        self.up(name)

    def learn_addresses(self) -> None:
        with self.api() as api:
            for view in api.send(calls.nodes()).body.items:
                self.mesh[view.node.name] = str(view.node.address)

    def close(self) -> None:
        self.lab.close()


def build_grid(say: Callable[[str], None], *, serve: str | None = None, besides: Sequence[Place] = ()) -> Grid:
    """From no hosts to a grid that serves; leaves nothing where it fails. ``serve``: add routes under .localhost.
    ``besides``: hosts that are of no grid yet."""
    say("hosts and links")
    grid = Grid(lab=build(LINKS, (*PLACES, *besides)))
    try:
        _populate(grid, say, serve=serve)
    except BaseException:
        grid.close()
        raise
    return grid


def _populate(grid: Grid, say: Callable[[str], None], *, serve: str | None) -> None:
    say("gateway: gridwire init, gridwire up")
    for edge in EDGES:
        grid.start_app(edge)
    endpoint = f"{grid.lab.address(GATEWAY)}:51820"
    grid.command(GATEWAY, "init", GATEWAY, "--yes", "--endpoint", endpoint)
    grid.up(GATEWAY)
    try:
        until(lambda: control_answers(grid), "control on the gateway", timeout=30)
    except NotFinished as error:
        raise NotFinished(f"{error.what}; its log ends: {grid.log(GATEWAY)}") from None
    say("invitations")
    wanted: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [
        *((edge, "edge", ("--reach", f"127.0.0.1:{APP_PORT}"), ("--tag", APP_TAG)) for edge in EDGES),
        (OPERATOR, "operator", (), ()),
        (CLIENT, "client", (), ()),
        (GUEST, "client", (), ()),
    ]
    pool = ThreadPoolExecutor(max_workers=len(wanted) + 1)
    try:
        asked = [pool.submit(grid.invite, name, role, *more) for name, role, _, more in wanted]
        tokens = [one.result() for one in asked]
        say("joining: three edges, an operator, two clients")
        joining = [
            pool.submit(grid.join, name, token, *options)
            for (name, _, options, _), token in zip(wanted, tokens, strict=True)
        ]
        for one in joining:
            one.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # on Ctrl-C the hosts go first, and what runs there with them
    grid.learn_addresses()
    say("service and route")
    _publish(grid, serve)  # after joining: an edge that a service selects already would wait for an operator's yes
    say("endpoints up")
    try:
        until(grid.whole, "three healthy endpoints", timeout=30, every=0.1)
    except NotFinished as error:
        logs = " | ".join(f"{name}: {grid.log(name, lines=4)}" for name in (GATEWAY, *EDGES))
        raise NotFinished(f"{error.what}; {logs}") from None


def _publish(grid: Grid, serve: str | None) -> None:
    to, on = f"127.0.0.1:{APP_PORT}", f"tag:{APP_TAG}"
    grid.command(GATEWAY, "service", "publish", SERVICE, "--to", to, "--on", on, "--health", "http:/healthz")
    allow = ("--allow", "role:client", "--allow", "role:operator")
    grid.command(GATEWAY, "route", "add", "--host", "api", "--path", "/", "--to", SERVICE, *allow)
    if serve is not None:
        grid.command(GATEWAY, "route", "add", "--host", f"api.{serve}", "--to", SERVICE, *allow)


def control_answers(grid: Grid) -> bool:
    if not os.path.exists(grid.local_socket()):  # noqa: PTH110  # through /proc/PID/root, which pathlib may resolve
        return False
    try:
        with grid.api() as api:
            api.send(calls.network())
    except GridwireError:
        return False
    return True


def serves(grid: Grid) -> bool:
    """The demo's route answers the client."""
    return bool(grid.answering(requests=1))
