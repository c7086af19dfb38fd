"""What a stranger finds on the gateway: on its link and from the internet, with a guard, half a guard, and none."""

from __future__ import annotations

import json
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from gridwire.lab.grid import EDGES, GATEWAY, INTRUDER, STRANGER, Grid
from gridwire.lab.host import Host
from gridwire.lab.listeners import Listening, listening
from gridwire.lab.processes import kill, named
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.scan import ALL_PORTS
from gridwire.lab.waiting import until

ROUTES_PORT = 80
_UDP_PORTS = 1000
_BACK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """``answers``: "from target proto/port". ``told``: RST, ICMP and ARP for addresses of the mesh."""

    answers: tuple[str, ...]
    told: int
    packets: int

    def __add__(self, other: Sweep) -> Sweep:
        return Sweep(self.answers + other.answers, self.told + other.told, self.packets + other.packets)


def prove(grid: Grid) -> Outcome:
    sockets = _gridwire_sockets(grid)
    with ThreadPoolExecutor(max_workers=2) as pool:
        near, far = pool.submit(_intruder, grid), pool.submit(_stranger, grid)
        guarded = near.result() + far.result()
    agent = named(grid.gateway, "agent")
    kill(agent, signal.SIGSTOP)  # or it would load the table again while it is being scanned without
    try:
        grid.gateway.run(["nft", "flush", "ruleset"])
        flushed = _mesh_only(grid)
        grid.command(GATEWAY, "guard", "remove", "--yes")
        bare = _mesh_only(grid, last=4096)
    finally:
        kill(agent, signal.SIGCONT)
    start = time.monotonic()
    until(lambda: not _mesh_port(grid).answers, "the guard to stand again", timeout=_BACK_SECONDS, every=0.05)
    back = time.monotonic() - start
    again = _mesh_only(grid)
    problems = verdict(
        {
            "answers with the guard": bool(guarded.answers),
            "RST, ICMP or ARP for mesh addresses": guarded.told + flushed.told > 0,
            "answers after nft flush ruleset": bool(flushed.answers),
            "the scan finds nothing without a guard, so it proves nothing": not bare.answers,
            "answers after the guard was loaded again": bool(again.answers),
            "not exactly one public socket, UDP": not _one_udp(sockets),
        }
    )
    total = len(guarded.answers) + len(flushed.answers) + len(again.answers)
    return Outcome(
        ok=not problems,
        figure=total,
        line=f"{total} answers to {guarded.packets + flushed.packets + again.packets} probes; "
        f"without the guard {len(bare.answers)}; public sockets: {', '.join(map(str, sockets)) or 'none'}; "
        f"guard back in {back:.2f} s",
        details={
            "problems": problems,
            "answers": list(guarded.answers),
            "answers_after_flush": list(flushed.answers),
            "answers_without_guard": list(bare.answers),
            "told_for_mesh_addresses": guarded.told,
            "packets": guarded.packets + flushed.packets + again.packets,
            "public_sockets": [str(one) for one in sockets],
            "seconds_guard_back": round(back, 3),
        },
    )


def _one_udp(sockets: list[Listening]) -> bool:
    """Whether there is one public port, of UDP, on IPv4, IPv6 or both. None at all is no perimeter but a dead mesh."""
    return len({one.port for one in sockets}) == 1 and all(one.protocol == "udp" for one in sockets)


def _gridwire_sockets(grid: Grid) -> list[Listening]:
    """The gateway's sockets that are neither on the mesh nor on loopback; nothing but gridwire runs there."""
    mesh = grid.mesh[GATEWAY].rsplit(".", 2)[0] + "."
    return [
        one for one in listening(grid.gateway) if not one.address.is_loopback and not str(one.address).startswith(mesh)
    ]


def _scan(host: Host, next_hop: str, probes: list[dict[str, Any]], arp: tuple[str, ...] = ()) -> dict[str, Any]:
    argv = [sys.executable, "-m", "gridwire.lab.scan", "--next-hop", next_hop]
    argv += [word for address in arp for word in ("--arp", address)]
    said: dict[str, Any] = json.loads(host.run([*argv, *map(json.dumps, probes)], timeout=60).stdout)
    return said


def _sweep(grid: Grid, host: str, next_hop: str, probes: list[dict[str, Any]], arp: tuple[str, ...] = ()) -> Sweep:
    said = _scan(grid.host(host), next_hop, probes, arp)
    mesh = set(grid.mesh.values())
    answers = [f"{host}: {one['target']} {answer}" for one in said["found"] for answer in one["answers"]]
    told = len(said["arp"]) + sum(
        count
        for one in said["found"]
        if one["target"] in mesh
        for kind, count in one["counts"].items()
        if kind in ("rst", "icmp", "arp")
    )
    return Sweep(tuple(answers), told, sum(one["sent"] for one in said["found"]))


def _intruder(grid: Grid) -> Sweep:
    """On the gateway's own link: its public addresses, mesh addresses, mesh sources, loopback."""
    mesh, edge = grid.mesh[GATEWAY], grid.mesh[EDGES[0]]
    link = grid.lab.address(GATEWAY)
    probes = [
        {"target": link, "udp": _UDP_PORTS},
        {"target": grid.lab.address(GATEWAY, version=6), "udp": _UDP_PORTS},
        {"target": mesh, "udp": _UDP_PORTS},
        {"target": "127.0.0.1", "udp": _UDP_PORTS},
        {"target": "127.0.0.53", "tcp": [1, 1024], "udp": 10},
        {"target": edge, "tcp": [1, 4096], "udp": 10},
        {"target": mesh, "source": edge, "tcp": [1, 4096], "udp": 10},
        {"target": link, "source": edge, "tcp": [1, 4096], "udp": 10},
    ]
    return _sweep(grid, INTRUDER, link, probes, arp=(mesh, edge))


def _stranger(grid: Grid) -> Sweep:
    """From the internet: the gateway's public addresses, and the mesh by its default route."""
    router = str(grid.lab.link_of(STRANGER).prefix[1])  # type: ignore[union-attr]  # it has a place in the topology
    probes = [
        {"target": grid.lab.address(GATEWAY), "udp": _UDP_PORTS},
        {"target": grid.lab.address(GATEWAY, version=6), "tcp": [1, 4096], "udp": _UDP_PORTS},
    ]
    return _sweep(grid, STRANGER, router, probes)


def _mesh_only(grid: Grid, *, last: int = ALL_PORTS) -> Sweep:
    """The gateway's mesh address, asked from its link: ports up to ``last``."""
    probes = [{"target": grid.mesh[GATEWAY], "tcp": [1, last], "udp": 50}]
    return _sweep(grid, INTRUDER, grid.lab.address(GATEWAY), probes)


def _mesh_port(grid: Grid) -> Sweep:
    probes = [{"target": grid.mesh[GATEWAY], "tcp": [ROUTES_PORT, ROUTES_PORT]}]
    return _sweep(grid, INTRUDER, grid.lab.address(GATEWAY), probes)


CLAIM = Claim(
    id="perimeter",
    title="An intruder on the link and a host on the internet scan everything",
    unit="answers",
    goal="0, 1 public socket (UDP); without the guard the scan must find the listener",
    prove=prove,
)
