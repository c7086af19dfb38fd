"""``gridwire bench``: what the data path costs on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gridwire.cli.outcome import DONE, FAILED
from gridwire.cli.output import Format, say, show
from gridwire.cli.root import require_root
from gridwire.core.errors import Invalid

if TYPE_CHECKING:
    from gridwire.lab.bench_proxy import Bench

app = App(name="bench", help="Measure the data path.")


@app.command
def proxy(
    *,
    rounds: Annotated[int, Parameter(help="How often each side is measured, in turn.")] = 7,
    requests: Annotated[int, Parameter(help="Requests in a round.")] = 30_000,
    planted: Annotated[float, Parameter(help="Slow our side down by this share, to see that it shows: 0.15.")] = 0.0,
    output: Format = "table",
) -> int:
    """The gateway's nginx against a hand-tuned static one: CPU µs per request. Exit code 1 below 0.80."""
    from gridwire.lab.bench_proxy import run_bench

    if not 1 <= rounds <= 1000 or not 100 <= requests <= 10_000_000:
        raise Invalid("rounds", "rounds are from 1 to 1000, requests from 100 to 10,000,000")
    if not 0 <= planted < 10:
        raise Invalid("planted", f"{planted} is not from 0 to 10", fix="0.15 is 15 %")
    require_root("make network namespaces")
    found = run_bench(rounds=rounds, requests=requests, planted=planted)
    show({**asdict(found), "ok": found.ok}, output, lambda: _say(found))
    return DONE if found.ok else FAILED


def _say(found: Bench) -> None:
    say(f"gridwire {found.ours_us:.1f} µs, static nginx {found.static_us:.1f} µs of CPU a request")
    say(f"ratio {found.ratio:.3f} ({found.low:.3f} to {found.high:.3f}, {found.rounds} rounds of {found.requests})")
    say("goal 0.90, at least 0.80: " + ("met" if found.ok else "missed"))
