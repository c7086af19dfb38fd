"""``start``: from `gridwire up` on a prepared gateway to the first request that a client gets answered by a route."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gridwire.lab.bench.rivals import NGINX
from gridwire.lab.bench.scenario import Case, Limit, Prepared, Reading, Scenario, Side, Wanted
from gridwire.lab.bench.small_grid import first_answer, found, join, lab_hosts
from gridwire.lab.grid import GATEWAY

_SECONDS: Final = 60.0


@contextmanager
def prepare(_: Wanted, say: Callable[[str], None]) -> Iterator[Prepared]:
    with lab_hosts() as grid:
        say("a gateway, an edge and a client")
        found(grid)
        join(grid)

        def measure(_: float) -> Reading:
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


SCENARIO: Final = Scenario(
    id="start",
    title="From gridwire up to the first routed request",
    about="seconds from `gridwire up` on a prepared gateway to the first answer by a route",
    rounds=9,
    seconds=1,
    prepare=prepare,
)
