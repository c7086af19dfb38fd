"""What a stranger finds on the gateway: on its link and from the internet, with a guard, half a guard, and none."""

from __future__ import annotations

import json
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gridwire.core.guard import TABLE
from gridwire.lab.grid import GATEWAY, Grid
from gridwire.lab.listeners import Listening, listening
from gridwire.lab.processes import kill, named
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.proofs.ways import EDGE, hostile_network, sweep, ways
from gridwire.lab.waiting import until

GOAL_BACK_SECONDS = 1.0  # the median: a machine that is busy with something else for a moment is not the guard's fault
_FLUSHES = 3
_BACK_SECONDS = 10.0


def prove(grid: Grid) -> Outcome:
    sockets = _gridwire_sockets(grid)
    every = ways(grid)
    to_mesh = [way for way in every if way.mesh and way.source is None]
    with hostile_network(grid):
        guarded = sweep(grid, every)
        backs = [_flushed_and_back(grid) for _ in range(_FLUSHES)]
        with _agents_asleep(grid):  # or they would load the table again while it is being scanned without
            _flush(grid)
            flushed = sweep(grid, to_mesh)
            for name in (GATEWAY, EDGE):
                grid.command(name, "guard", "remove", "--yes")
            bare = sweep(grid, every, few=True, planted=True)
        until(lambda: _table(grid, GATEWAY) and _table(grid, EDGE), "the guards to stand again", timeout=_BACK_SECONDS)
        again = sweep(grid, to_mesh, few=True)
    back = statistics.median(backs)
    problems = verdict(
        {
            "answers with the guard": bool(guarded.answers),
            "RST, ICMP or ARP for mesh addresses": guarded.told + flushed.told + again.told > 0,
            "answers after nft flush ruleset": bool(flushed.answers),
            "ways that find nothing without a guard, so their silence proves nothing": bool(bare.silent),
            "answers after the guard was loaded again": bool(again.answers),
            "the guard was back too late after nft flush ruleset": back > GOAL_BACK_SECONDS,
            "not exactly one public socket, UDP": not _one_udp(sockets),
        }
    )
    total = len(guarded.answers) + len(flushed.answers) + len(again.answers)
    packets = guarded.packets + flushed.packets + again.packets
    return Outcome(
        ok=not problems,
        figure=total,
        line=f"{total} answers to {packets} probes by {len(every)} ways; without the guard "
        f"{len(every) - len(bare.silent)} of {len(every)} ways find something; public sockets: "
        f"{', '.join(map(str, sockets)) or 'none'}; guard back {back:.2f} s after nft flush ruleset",
        details={
            "problems": problems,
            "answers": list(guarded.answers),
            "answers_after_flush": list(flushed.answers),
            "answers_loaded_again": list(again.answers),
            "found_without_guard": list(bare.answers),
            "silent_without_guard": list(bare.silent),
            "told_for_mesh_addresses": guarded.told + flushed.told + again.told,
            "packets": packets,
            "public_sockets": [str(one) for one in sockets],
            "seconds_guard_back": round(back, 3),
            "seconds_guard_back_slowest": round(max(backs), 3),
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


@contextmanager
def _agents_asleep(grid: Grid) -> Iterator[None]:
    agents = (*named(grid.gateway, "agent"), *named(grid.host(EDGE), "agent"))
    kill(agents, signal.SIGSTOP)
    try:
        yield
    finally:
        kill(agents, signal.SIGCONT)


def _flush(grid: Grid) -> None:
    for name in (GATEWAY, EDGE):
        grid.host(name).run(["nft", "flush", "ruleset"])


def _flushed_and_back(grid: Grid) -> float:
    """Seconds until the agent has put the table back."""
    before = _table(grid, GATEWAY)
    grid.gateway.run(["nft", "flush", "ruleset"])
    start = time.monotonic()
    until(lambda: _table(grid, GATEWAY) > before, "the guard after nft flush ruleset", timeout=_BACK_SECONDS)
    return time.monotonic() - start


def _table(grid: Grid, host: str) -> int:
    """The kernel's handle of the guard's table, 0 where there is none. The agent loads it in one transaction, and a
    table that is loaded again has a higher handle."""
    said = json.loads(grid.host(host).run(["nft", "-j", "list", "tables"]).stdout)
    tables = (entry["table"] for entry in said["nftables"] if "table" in entry)
    return next((int(table["handle"]) for table in tables if table["name"] == TABLE), 0)


CLAIM = Claim(
    id="perimeter",
    title="An intruder on the link and a host on the internet scan everything",
    unit="answers",
    goal=f"0, 1 public socket (UDP), guard back ≤ {GOAL_BACK_SECONDS:g} s; without it every way must find something",
    prove=prove,
)
