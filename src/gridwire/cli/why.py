"""``gridwire why``: whether a node gets where it asks to go, and where on the way it ends."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from cyclopts import App, Parameter

from gridwire.cli import grid
from gridwire.cli.outcome import DONE, UNHEALTHY
from gridwire.cli.output import Format, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.names import node_name
from gridwire.protocol.explanation import Explanation, Hop, HopState

app = App(name="why", default_parameter=Parameter(negative=()))
_LINKS = {HopState.OK: "──", HopState.BROKEN: "─╳─", HopState.UNKNOWN: "┄┄"}


@app.default
def why(
    node: str,
    url: str,
    /,
    *,
    method: Annotated[str, Parameter(help="GET, POST …")] = "GET",
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Why a node reaches a URL, or does not: route, policy, endpoint, hop by hop. Exit code 3 where it does not.

    Parameters
    ----------
    node
        Who asks.
    url
        What it asks for: http://api.grid/path
    """
    query = urlencode({"node": node_name(node), "url": url, "method": method})
    seen = grid.get(f"/explain?{query}", Explanation, settings)
    show(seen, output, lambda: _print(seen))
    stands = seen.status == 200 and all(hop.state is not HopState.BROKEN for hop in seen.hops)
    return DONE if stands else UNHEALTHY


def hop_line(hops: tuple[Hop, ...]) -> str:
    """``phone ── gw ─╳─ home-1 ┄┄ 127.0.0.1:9000``: whole, broken, unknown."""
    return "".join(hop.name if place == 0 else f" {_LINKS[hop.state]} {hop.name}" for place, hop in enumerate(hops))


def _print(seen: Explanation) -> None:
    say(hop_line(seen.hops))
    for hop in seen.hops:
        if hop.reason and hop.reason != seen.says:
            say(f"  {hop.name}: {hop.state}: {hop.reason}")
    say(seen.says)
    for line in seen.advice:
        say(line)
