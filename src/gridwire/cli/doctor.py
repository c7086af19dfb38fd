"""``gridwire doctor``: does gridwire fit this host, what is wrong with it, and why is a node not reached?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.outcome import DONE, UNHEALTHY
from gridwire.cli.output import Format, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.names import node_name
from gridwire.protocol.api import NodeView

if TYPE_CHECKING:
    from gridwire.core.doctor.diagnosis import Diagnosis

app = App(name="doctor", default_parameter=Parameter(negative=()))


@app.default
def doctor(
    name: str | None = None,
    /,
    *,
    patience: Annotated[str, Parameter(help="How long to wait for a tunnel that is silent.")] = "22s",
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Look at this host, before it is in a grid or after; changes nothing. Exit code 3 where something is found.

    Parameters
    ----------
    name
        On a gateway: a node that cannot be reached.
    """
    from gridwire.agent.doctor.examination import examine_host, examine_node

    seconds = words.seconds_of(patience, "patience")
    if name is None:
        found = examine_host(settings, patience=seconds)
    else:
        view = grid.get(f"/nodes/{node_name(name)}", NodeView, settings)
        found = examine_node(settings, view, patience=seconds)
    show(found, output, lambda: _screen(found))
    return DONE if found.well else UNHEALTHY


def _screen(found: Diagnosis) -> None:
    say(f"Does gridwire fit this host?  {found.verdict.fit}")
    for reason in found.verdict.reasons:
        say(f"  {reason}")
    print()
    print_table(("", "SEEN"), ((fact.name, fact.value) for fact in found.facts), empty="")
    print()
    for finding in found.findings:
        say(f"{finding.severity}: {finding.what}")
        say(f"  {finding.id}, {finding.where}" + (f": {finding.evidence}" if finding.evidence else ""))
        for line in finding.fix.splitlines():
            say(f"  → {line}")
    if found.unseen:
        print_table(("NOT SEEN", "WHY"), ((one.name, one.reason) for one in found.unseen), empty="")
    if found.well:
        note("nothing was found that needs mending")
