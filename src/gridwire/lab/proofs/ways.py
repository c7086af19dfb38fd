"""The ways in: from where a stranger asks what, and by what it is seen that something came through.

Each way must find something where nothing guards the host, or its silence says nothing. Most are answered; a packet
with a mesh address for its source is not (the answer goes into the mesh), so what arrives is counted on the host
itself, by its source; and what is sent on into the mesh is seen on the gateway's own mesh interface.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gridwire.lab.capture import Capture
from gridwire.lab.decoys import Decoys
from gridwire.lab.grid import CLIENT, EDGES, GATEWAY, INTRUDER, OPERATOR, STRANGER, Grid
from gridwire.lab.scan import ALL_PORTS
from gridwire.lab.topology import ROUTER

EDGE = EDGES[0]
MESH_INTERFACE = "gw0"
DECOY, RECEIVER = 1000, 1001  # ports of the decoys: TCP, and UDP that only counts
_FEW = 4096
_MANY_UDP, _FEW_UDP = 1000, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """``source`` none: the scanner's own address. ``mesh``: to a mesh address, which two layers keep."""

    name: str
    scanner: str
    target: str
    source: str | None = None
    ports: int = ALL_PORTS
    mesh: bool = False

    @property
    def udp(self) -> int:
        """Random UDP ports beside the known ones."""
        return _MANY_UDP if self.ports == ALL_PORTS else _FEW_UDP


@dataclass(frozen=True, slots=True)
class Sweep:
    """``found``: for each way, "tcp/80 answers" and the like. ``told``: RST, ICMP and ARP for mesh addresses."""

    found: dict[str, tuple[str, ...]]
    told: int
    packets: int

    @property
    def answers(self) -> tuple[str, ...]:
        return tuple(f"{way}: {one}" for way, found in self.found.items() for one in found)

    @property
    def silent(self) -> tuple[str, ...]:
        return tuple(way for way, found in self.found.items() if not found)


def ways(grid: Grid) -> tuple[Way, ...]:
    """Every mesh source is a node's of its own, so that arrivals tell the ways apart."""
    mesh, edge = grid.mesh[GATEWAY], grid.mesh[EDGE]
    public, public6 = grid.lab.address(GATEWAY), grid.lab.address(GATEWAY, version=6)
    sources = [grid.mesh[name] for name in (*EDGES[1:], OPERATOR, CLIENT)]
    return (
        _near("public address", public),
        _near("public IPv6 address", public6),
        _near("mesh address", mesh, mesh=True),
        _near("127.0.0.1", "127.0.0.1"),
        _near("127.0.0.53", "127.0.0.53", ports=_FEW),
        _near("into the mesh", edge, ports=_FEW, mesh=True),
        _near("mesh source to public address", public, source=sources[0], ports=_FEW),
        _near("mesh source to mesh address", mesh, source=sources[1], ports=_FEW, mesh=True),
        _far("public address", public),
        _far("public IPv6 address", public6),
        _far("mesh address", mesh, mesh=True),
        _far("mesh source to public address", public, source=sources[2], ports=_FEW),
        _far("mesh source to mesh address", mesh, source=sources[3], ports=_FEW, mesh=True),
        _far("an edge's address", grid.lab.address(EDGE)),
        _far("an edge's mesh address", edge, ports=_FEW, mesh=True),
    )


def _near(name: str, target: str, *, source: str | None = None, ports: int = ALL_PORTS, mesh: bool = False) -> Way:
    return Way(name=f"link, {name}", scanner=INTRUDER, target=target, source=source, ports=ports, mesh=mesh)


def _far(name: str, target: str, *, source: str | None = None, ports: int = ALL_PORTS, mesh: bool = False) -> Way:
    return Way(name=f"internet, {name}", scanner=STRANGER, target=target, source=source, ports=ports, mesh=mesh)


def sweep(grid: Grid, wanted: Iterable[Way], *, few: bool = False, planted: bool = False) -> Sweep:
    """Ask by all ways. ``few``: only the lower ports. ``planted``: with TCP decoys on the public addresses as well."""
    asked = tuple(wanted)
    gateway_tcp = [f"127.0.0.1:{DECOY}", f"127.0.0.53:{DECOY}"]
    edge_tcp: list[str] = []
    if planted:
        gateway_tcp += [f"{grid.lab.address(GATEWAY)}:{DECOY}", f"[{grid.lab.address(GATEWAY, version=6)}]:{DECOY}"]
        edge_tcp += [f"{grid.lab.address(EDGE)}:{DECOY}"]
    intruder = grid.lab.address(INTRUDER)
    with (
        Decoys(grid.gateway, tcp=gateway_tcp, udp=[f"0.0.0.0:{RECEIVER}"]) as decoys,
        Decoys(grid.host(EDGE), tcp=edge_tcp),
        Capture(grid.gateway, f"{intruder}/32", interface=MESH_INTERFACE) as transit,
    ):
        scanned = _scan_all(grid, asked, few=few)
        arrived, passed = decoys.end(), transit.end().packets
    found: dict[str, tuple[str, ...]] = {}
    for way, one in zip(asked, scanned.found, strict=True):
        seen = [f"{answer} answers" for answer in one["answers"]]
        if way.source is not None and (count := arrived.get(way.source, 0)):
            seen.append(f"{count} datagrams arrived")
        if way.scanner == INTRUDER and way.target == grid.mesh[EDGE] and passed:
            seen.append(f"{passed} packets went into the mesh")
        found[way.name] = tuple(seen)
    return Sweep(found, scanned.told, sum(one["sent"] for one in scanned.found))


@dataclass(frozen=True, slots=True)
class _Scanned:
    found: list[dict[str, Any]]  # as scan.Found, in the order of the ways
    told: int


def _scan_all(grid: Grid, asked: tuple[Way, ...], *, few: bool) -> _Scanned:
    """Both scanners at once, each one way after another."""
    mesh = set(grid.mesh.values())
    by_scanner = {name: [way for way in asked if way.scanner == name] for name in (INTRUDER, STRANGER)}
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {name: pool.submit(_scan, grid, name, ways, few) for name, ways in by_scanner.items() if ways}
        said = {name: one.result() for name, one in running.items()}
    results = {name: iter(one["found"]) for name, one in said.items()}
    found = [next(results[way.scanner]) for way in asked]
    told = sum(len(one["arp"]) for one in said.values())
    told += sum(
        count
        for one in found
        if one["target"] in mesh
        for kind, count in one["counts"].items()
        if kind in ("rst", "icmp", "arp")
    )
    return _Scanned(found, told)


def _scan(grid: Grid, scanner: str, wanted: list[Way], few: bool) -> dict[str, Any]:
    near = scanner == INTRUDER
    link = grid.lab.link_of(scanner)
    assert link is not None
    next_hop = grid.lab.address(GATEWAY) if near else str(link.prefix[1])
    argv = [sys.executable, "-m", "gridwire.lab.scan", "--next-hop", next_hop]
    argv += [word for name in (GATEWAY, EDGE) if near for word in ("--arp", grid.mesh[name])]
    probes = [
        {
            "target": way.target,
            "source": way.source,
            "tcp": [1, min(way.ports, _FEW) if few else way.ports],
            "udp": _FEW_UDP if few else way.udp,
            "also": [RECEIVER],
        }
        for way in wanted
    ]
    said: dict[str, Any] = json.loads(grid.host(scanner).run([*argv, *map(json.dumps, probes)], timeout=120).stdout)
    return said


@contextmanager
def hostile_network(grid: Grid) -> Iterator[None]:
    """The internet sends mesh addresses to their hosts, and the gateway hands on what comes for its 127.0.0.0/8."""
    router = grid.host(ROUTER)
    routes = [[f"{grid.mesh[name]}/32", "via", grid.lab.address(name)] for name in (GATEWAY, EDGE)]
    added: list[list[str]] = []
    try:
        for route in routes:
            router.run(["ip", "route", "add", *route])
            added.append(route)
        _route_localnet(grid, on=True)
        yield
    finally:
        _route_localnet(grid, on=False)
        for route in added:
            router.run(["ip", "route", "del", *route])


def _route_localnet(grid: Grid, *, on: bool) -> None:
    grid.gateway.run(["tee", "/proc/sys/net/ipv4/conf/eth0/route_localnet"], input_text=f"{int(on)}\n")
