"""What is really so on the demo's grid, as its hosts, kernels and requests say: beside what a page shows."""

from __future__ import annotations

from contextlib import ExitStack

from tests.e2e.walks import NEW

from gridwire.adapters.control_api import calls
from gridwire.lab.asking import Asking
from gridwire.lab.changes import Changes
from gridwire.lab.grid import CLIENT, GATEWAY, GUEST, OPERATOR, Grid
from gridwire.lab.listeners import listening

PHOTOS = "photos"  # a service on the new edge and a route to it, once a journey has published them
DEVICES = (OPERATOR, CLIENT, GUEST)
MESH = "10.85."

Sockets = set[tuple[str, str]]


def sockets(grid: Grid) -> Sockets:
    """What listens on mesh addresses of the gateway and the edges, as their kernels say: host, address and port."""
    hosts = (grid.gateway, *grid.edges, grid.host(NEW.host))
    found = ((host.name, one) for host in hosts for one in listening(host) if one.protocol == "tcp")
    return {(name, f"{one.address}:{one.port}") for name, one in found if str(one.address).startswith(MESH)}


def settled(grid: Grid) -> None:
    with Changes(grid) as changes:
        changes.settled()


def statuses(grid: Grid, host: str = f"{PHOTOS}.grid") -> dict[str, int]:
    """What each device is answered now, with the newest revision in force."""
    settled(grid)
    with ExitStack() as stack:
        asking = {name: stack.enter_context(Asking(grid.host(name), grid.mesh[GATEWAY])) for name in DEVICES}
        return {name: one.status(host, "/") for name, one in asking.items()}


def served(answers: dict[str, int]) -> set[str]:
    return {name for name, status in answers.items() if status == 200}


def newest(grid: Grid) -> int:
    with grid.api() as api:
        return api.send(calls.revisions()).body.items[0].number
