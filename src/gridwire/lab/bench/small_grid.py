"""The least grid that routes: a gateway, an edge with an application, a client."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gridwire.lab.bench.clone import BENCH, check_clone
from gridwire.lab.grid import APP_PORT, CLIENT, EDGES, GATEWAY, LINKS, Grid, control_answers
from gridwire.lab.topology import Place, build
from gridwire.lab.waiting import until

EDGE: Final = EDGES[0]
HOST: Final = "app.grid"
BIG_BYTES: Final = 1 << 20
_PLACES: Final = (
    Place(host=GATEWAY, link="gateway", number=7),
    Place(host=EDGE, link="edges", number=11),
    Place(host=CLIENT, link="homes", number=31),
)
# Exits 0 at the first 200; a try each tenth of a second, since a lost SYN would be sent again after a whole one.
_FIRST = """
import http.client, sys, time
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    began = time.monotonic()
    try:
        connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=0.1)
        connection.request("GET", "/", headers={"Host": sys.argv[2]})
        if connection.getresponse().status == 200:
            print(time.monotonic())
            sys.exit(0)
    except (OSError, http.client.HTTPException):
        pass
    time.sleep(max(0, 0.01 - (time.monotonic() - began)))
sys.exit(1)
"""


@contextmanager
def lab_hosts(more: Sequence[Place] = (), names: Sequence[str] = (GATEWAY, EDGE, CLIENT)) -> Iterator[Grid]:
    """Hosts and links, nothing on them."""
    check_clone()
    grid = Grid(lab=build(LINKS, (*(place for place in _PLACES if place.host in names), *more)))
    try:
        yield grid
    finally:
        grid.close()


def found(grid: Grid) -> None:
    """`gridwire init` and `gridwire up` on the gateway."""
    grid.command(GATEWAY, "init", GATEWAY, "--yes", "--endpoint", f"{grid.lab.address(GATEWAY)}:51820")
    grid.up(GATEWAY)
    until(lambda: control_answers(grid), "control on the gateway", timeout=60)


def join(grid: Grid) -> None:
    """An edge with an application, published and routed; a client that may use it."""
    start_app(grid, EDGE, "127.0.0.1")
    grid.join(EDGE, grid.invite(EDGE, "edge", "--tag", "app=bench"), "--reach", f"127.0.0.1:{APP_PORT}")
    grid.join(CLIENT, grid.invite(CLIENT, "client"))
    grid.learn_addresses()
    publish = ("--to", f"127.0.0.1:{APP_PORT}", "--on", "tag:app=bench", "--health", "http:/")
    grid.command(GATEWAY, "service", "publish", "app", *publish)
    grid.command(GATEWAY, "route", "add", "--host", HOST.removesuffix(".grid"), "--to", "app", "--allow", "role:client")
    first_answer(grid, timeout=60)


def first_answer(grid: Grid, *, timeout: float) -> float:
    """When the client had the first answer by the route (time.monotonic, one clock for the whole machine)."""
    argv = [sys.executable, "-I", "-S", "-c", _FIRST, grid.mesh[GATEWAY], HOST, str(timeout)]
    return float(grid.client.run(argv, timeout=timeout + 10).stdout)


def start_app(grid: Grid, host: str, *addresses: str) -> None:
    """nginx with bench/rivals/app.conf: a small answer at /, 1 MiB at /big."""
    listen = "; listen ".join(f"{address}:{APP_PORT}" for address in addresses)
    serve(grid, host, "app.conf", {f"127.0.0.1:{APP_PORT}": listen})


def serve(grid: Grid, host: str, name: str, replaced: Mapping[str, str], *, place: str = "") -> None:
    """An nginx with a configuration of the bench's on a host, other addresses put into it. ``place``: its folder's
    name, where one host has two of them."""
    text = (BENCH / "rivals" / name).read_text()
    for old, new in replaced.items():
        text = text.replace(old, new)
    folder = Path("/run") / f"bench-{place or Path(name).stem}"
    inside = grid.host(host).root / folder.relative_to("/")
    inside.mkdir()
    (inside / name).write_text(text)
    (inside / "big").write_bytes(b"\0" * BIG_BYTES)
    argv = ["nginx", "-p", str(folder), "-c", str(folder / name), "-g", "daemon off;"]
    grid.host(host).start_logged(argv, folder / "stderr")
    until(lambda: (inside / "nginx.pid").exists(), f"nginx on {host}", timeout=20)
