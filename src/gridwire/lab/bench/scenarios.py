"""The table of scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gridwire.core.errors import NotFound
from gridwire.lab.bench import bridge, idle, mesh, proxy, start
from gridwire.lab.bench.scenario import Scenario

SCENARIOS: Final = (proxy.SCENARIO, mesh.SCENARIO, bridge.SCENARIO, start.SCENARIO, idle.SCENARIO)


def named(names: Sequence[str]) -> tuple[Scenario, ...]:
    """In the table's order, each once; all where no name is given. Raise NotFound for one that is not there."""
    known = {scenario.id for scenario in SCENARIOS}
    for name in names:
        if name not in known:
            raise NotFound(f"there is no scenario {name}", fix="`gridwire bench list` names them")
    return tuple(scenario for scenario in SCENARIOS if not names or scenario.id in names)
