"""``start``: from `gridwire up` on a prepared gateway to the first request that a client gets answered by a route."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gridwire.agent.mesh import ENDPOINTS
from gridwire.core import paths
from gridwire.lab.bench.rivals import NGINX
from gridwire.lab.bench.scenario import Case, Limit, Prepared, Reading, Scenario, Side, Wanted
from gridwire.lab.bench.small_grid import EDGE, first_answer, found, join, lab_hosts
from gridwire.lab.grid import CLIENT, GATEWAY, Grid
from gridwire.lab.waiting import until

_SECONDS: Final = 60.0


@contextmanager
def prepare(_: Wanted, say: Callable[[str], None]) -> Iterator[Prepared]:
    with lab_hosts() as grid:
        say("a gateway, an edge and a client")
        found(grid)
        join(grid)

        def measure(_: float) -> Reading:
            # A gateway that ends within seconds of a peer's first call from a new port calls it at the old one, and
            # the peer notices after 15 s: that is no prepared host.
            until(lambda: knows_its_peers(grid), "the gateway to have written down where its peers are", timeout=20)
            grid.down(GATEWAY, timeout=30)
            began = time.monotonic()
            grid.up(GATEWAY)
            return {"serving_s": first_answer(grid, timeout=_SECONDS) - began}

        side = Side(id="gridwire", title="gridwire up", measure=measure)
        case = Case(
            id="start",
            title="a cold start",
            sides=(side,),
            reference=side.id,
            again=None,
            metrics=("serving_s",),
            limits=(Limit(metric="serving_s", most=2),),
        )
        yield Prepared(
            cases=(case,),
            programs={"nginx": NGINX.release()},
            conditions=(
                "all of a gateway's processes ended and started anew, WireGuard among them; an edge and a client, who"
                " stay, have to be found again",
                "all on one machine: edge and client take their share of its CPUs",
            ),
        )


def knows_its_peers(grid: Grid) -> bool:
    """Whether the gateway would call each of its peers, after a restart, where that peer is now."""
    try:
        saved = json.loads((grid.gateway.root / f"{paths.AGENT_STATE}/{ENDPOINTS}".lstrip("/")).read_text())
    except (OSError, ValueError):
        return False
    ports = {endpoint.rpartition(":")[2] for endpoint in saved.values()}
    return {listen_port(grid, name) for name in (EDGE, CLIENT)} <= ports


def listen_port(grid: Grid, name: str) -> str:
    return str(grid.host(name).run(["wg", "show", "gw0", "listen-port"]).stdout).strip()


SCENARIO: Final = Scenario(
    id="start",
    title="From gridwire up to the first routed request",
    about="seconds from `gridwire up` on a prepared gateway to the first answer by a route",
    rounds=9,
    seconds=1,
    prepare=prepare,
)
