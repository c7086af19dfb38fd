"""wrk, the load generator, as the bench uses it: one thread, closed loop, figures as JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from gridwire.core.errors import Unavailable
from gridwire.lab.bench.clone import BENCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What wrk saw. ``seconds`` it took by its own clock."""

    requests: int
    seconds: float
    received: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def command(url: str, *, seconds: float, connections: int = 64, headers: Sequence[str] = ()) -> list[str]:
    """wrk counts whole seconds only; what takes longer than 10 s has failed."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise Unavailable("wrk is not installed", fix="run packaging/prerequisites.sh --bench")
    argv = [
        wrk,
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "10s",
        "-s",
        str(BENCH / "wrk.lua"),
    ]
    for header in headers:
        argv += ["-H", header]
    return [*argv, url]


def parsed(said: str) -> Load:
    """Raise Unavailable where anything failed: a rate of refusals is no rate."""
    line = next((line for line in said.splitlines() if line.startswith("JSON ")), None)
    if line is None:
        raise Unavailable(f"wrk said no figures: {' / '.join(said.strip().splitlines()[-3:])}")
    found = json.loads(line.removeprefix("JSON "))
    if not found["requests"]:
        raise Unavailable("none of the bench's requests was answered", fix="give it more --seconds on a busy machine")
    if found["failed"]:
        raise Unavailable(f"{found['failed']} of {found['requests']} requests of the bench failed")
    return Load(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        received=found["bytes"],
        p50_ms=found["p50_us"] / 1e3,
        p99_ms=found["p99_us"] / 1e3,
    )
