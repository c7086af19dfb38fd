"""Every node joins by a WireGuard handshake, and nobody opens a TCP port for it."""

from __future__ import annotations

from gridwire.adapters.control_api import calls
from gridwire.lab.grid import CLIENT, EDGES, GATEWAY, GUEST, OPERATOR, Grid
from gridwire.lab.listeners import public
from gridwire.lab.proofs.proof import Claim, Outcome
from gridwire.lab.waiting import until

GOAL_MS = 30_000  # six at once on two shared cores; one alone takes a few seconds


def prove(grid: Grid) -> Outcome:
    nodes = (*EDGES, OPERATOR, CLIENT, GUEST)

    def connected() -> list[str]:
        with grid.api() as api:
            views = api.send(calls.nodes()).body.items
        return [view.node.name for view in views if view.node.name in nodes and view.connected]

    until(lambda: len(connected()) == len(nodes), "a fresh handshake of every node", timeout=15, every=0.2)
    prefix = _prefix(grid)
    ports = [
        f"{name}: {one}"
        for name in (GATEWAY, *nodes)
        for one in public(grid.host(name), prefix)
        if one.protocol == "tcp"
    ]
    times = {name: grid.joined_ms[name] for name in nodes if name in grid.joined_ms}
    slowest = max(times.values(), default=0)
    return Outcome(
        ok=not ports and slowest <= GOAL_MS and len(times) == len(nodes),
        figure=slowest,
        line=f"{len(nodes)} nodes joined, the slowest in {slowest} ms; {len(ports)} public TCP ports",
        details={"milliseconds": times, "public_tcp_ports": ports},
    )


def _prefix(grid: Grid) -> str:
    with grid.api() as api:
        return str(api.send(calls.network()).body.prefix)


CLAIM = Claim(
    id="join",
    title="Nodes join by handshake alone; no TCP port is open on any public address",
    unit="ms, slowest join",
    goal=f"≤ {GOAL_MS}, 0 public TCP ports",
    prove=prove,
)
