"""`gridwire demo`: build the grid, prove the claims, take everything away again."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gridwire.core.errors import GridwireError
from gridwire.lab import kept, readings
from gridwire.lab.door import keep_busy, open_panel, open_routes
from gridwire.lab.grid import ROLES, Grid, build_grid
from gridwire.lab.kept import HostEntry, Kept
from gridwire.lab.proofs.proof import Claim, Proof
from gridwire.lab.proofs.spread import CLAIM as SPREAD


class Progress(Protocol):
    """Who tells a person how far the demo is."""

    def step(self, what: str) -> None: ...

    def proving(self, claim: Claim) -> None: ...

    def proved(self, proof: Proof) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """``listener``, ``panel``: bound sockets of the real host's, by which it reaches the grid's routes and panel."""

    claims: tuple[Claim, ...]
    keep: bool = False
    listener: socket.socket | None = None
    panel: socket.socket | None = None
    source: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the demo gave. ``kept``: the grid that still runs, where that was wanted."""

    ok: bool
    seconds: float
    proofs: tuple[Proof, ...]
    hosts: tuple[HostEntry, ...]
    kept: Kept | None = field(default=None, compare=False)


def run(wanted: Wanted, progress: Progress, *, linger: Callable[[str | None], None] | None = None) -> Shown:
    """Run the demo; ``linger`` is called while the grid still stands, after the last proof, with the panel's URL.

    Raise GridwireError where the grid cannot be built, leaving nothing. A proof that breaks is not ok, and says why.
    """
    start = time.monotonic()
    if wanted.keep:
        kept.refuse_second(kept.state_file())
    if wanted.source is not None:
        readings.from_file(wanted.source)  # judged before anything is built
    grid = build_grid(progress.step, serve="localhost" if wanted.listener is not None else None)
    ended = False
    try:
        if wanted.listener is not None:
            open_routes(grid, wanted.listener)
        if wanted.source is not None:
            grid.take_input(wanted.source)
        proofs = tuple(_prove(claim, grid, progress) for claim in _with_input(wanted))
        hosts = entries(grid)
        seconds = round(time.monotonic() - start, 1)
        left = None
        if wanted.keep:
            left = kept.remember(grid.lab.keep(), hosts, kept.state_file())
            ended = True
        elif linger is not None:
            link = None if wanted.panel is None else open_panel(grid, wanted.panel)
            keep_busy(grid)
            linger(link)
    finally:
        if not ended:
            progress.step("taking everything away")
            grid.close()
    return Shown(ok=all(proof.ok for proof in proofs), seconds=seconds, proofs=proofs, hosts=hosts, kept=left)


def _with_input(wanted: Wanted) -> tuple[Claim, ...]:
    """Records of a file are sent by the proof that accounts for every one of them."""
    if wanted.source is not None and SPREAD not in wanted.claims:
        return (SPREAD, *wanted.claims)
    return wanted.claims


def _prove(claim: Claim, grid: Grid, progress: Progress) -> Proof:
    progress.proving(claim)
    start = time.monotonic()
    try:
        outcome = claim.prove(grid)
        ok, figure, line, details = outcome.ok, outcome.figure, outcome.line, outcome.details
    except GridwireError as error:
        ok, figure, line, details = False, -1.0, str(error), {"error": str(error)}
    proof = Proof(
        id=claim.id,
        title=claim.title,
        ok=ok,
        figure=figure,
        unit=claim.unit,
        goal=claim.goal,
        seconds=round(time.monotonic() - start, 2),
        line=line,
        details=details,
    )
    progress.proved(proof)
    return proof


def entries(grid: Grid) -> tuple[HostEntry, ...]:
    found = []
    for host in grid.lab.hosts:
        link = grid.lab.link_of(host.name)
        found.append(
            HostEntry(
                name=host.name,
                role=ROLES[host.name],
                netns=host.netns,
                mntns=host.mntns,
                pid=host.pid,
                link="" if link is None else link.name,
                mesh=grid.mesh.get(host.name),
            )
        )
    return tuple(found)


def document(shown: Shown) -> dict[str, object]:
    """The demo's JSON: ok, seconds, proofs, hosts."""
    return {
        "ok": shown.ok,
        "seconds": shown.seconds,
        "proofs": [
            {
                "id": proof.id,
                "title": proof.title,
                "ok": proof.ok,
                "figure": proof.figure,
                "unit": proof.unit,
                "goal": proof.goal,
                "seconds": proof.seconds,
                "details": proof.details,
            }
            for proof in shown.proofs
        ],
        "hosts": [
            {name: getattr(entry, name) for name in ("name", "role", "netns", "mntns", "pid", "link", "mesh")}
            for entry in shown.hosts
        ],
    }
