"""``gridwire maintenance``: times in which nobody is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.outcome import DONE
from gridwire.cli.output import Format, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.alerts import Window
from gridwire.protocol.notifications import Maintenance

app = App(name="maintenance", default_parameter=Parameter(negative=()))


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """Windows that are not over."""
    found = grid.listing("/maintenance", Maintenance, settings)
    show(found, output, lambda: _print(found))
    return DONE


@app.command
def begin(
    of: Annotated[str, Parameter(help="node:NAME, tag:key=value, route:NAME or all.")],
    /,
    *,
    last: Annotated[str, Parameter(help="How long: 30m, 2h, 1d.")] = "1h",
    reason: Annotated[str, Parameter(help="Why, for who asks later.")] = "",
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """From now on nobody is told of it. What still is wrong at the end is told then."""
    from gridwire.adapters.clock import utc_now

    span = words.seconds_of(last, "--last", digits=4, units="mhd")
    now = utc_now()
    ends = now + timedelta(seconds=span)
    window = Window(of=of, begins=now, ends=ends, reason=reason)
    made = grid.post("/maintenance", window, Maintenance, settings)
    show(made, output, lambda: say(f"{made.id}: nobody is told of {of} until {words.moment(ends)}"))
    return DONE


@app.command
def end(number: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """End it now."""
    grid.delete(f"/maintenance/{number}", settings, versioned=False)
    show({"maintenance": number, "state": "ended"}, output, lambda: say(f"{number} is over"))
    return DONE


def _print(found: tuple[Maintenance, ...]) -> None:
    print_table(
        ("ID", "OF", "FROM", "UNTIL", "BY", "REASON"),
        (
            (
                one.id,
                one.window.of,
                f"{one.window.begins:%Y-%m-%d %H:%M}",
                f"{one.window.ends:%Y-%m-%d %H:%M}",
                one.author,
                one.window.reason,
            )
            for one in found
        ),
        empty="none",
    )
