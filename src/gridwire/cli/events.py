"""``gridwire events``: the audit chain."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli import grid
from gridwire.cli.output import Format, print_table, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.protocol.api import Event

app = App(name="events")


@app.default
def events(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """What happened, who did it, oldest first."""
    found = grid.listing("/events", Event, settings)
    show(
        found,
        output,
        lambda: print_table(
            ("EVENT", "WHEN", "WHO", "WHAT", "OF", "DETAIL"),
            (
                (str(e.number), f"{e.at:%Y-%m-%d %H:%M:%S}", e.actor, e.kind, e.subject, e.detail)
                for e in sorted(found, key=lambda e: e.number)
            ),
            empty="nothing happened yet",
        ),
    )
