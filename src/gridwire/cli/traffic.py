"""``gridwire traffic``: who has how much of it, what fails, and how long answers take."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.outcome import DONE
from gridwire.cli.output import Format, print_table, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.traffic import Kind, Rank
from gridwire.protocol.traffic import Figures, Series, Top

app = App(name="traffic", default_parameter=Parameter(negative=()))
_LINES = 30  # of one noun's series, where no step is given
_STEPS = (1, 2, 5, 10, 30, 60, 300, 900, 1800, 3600, 6 * 3600, 86400)


@app.default
def traffic(
    name: Annotated[str, Parameter(help="Of this route (with --of: gateway, service, node, or SERVICE/NODE).")] = "",
    /,
    *,
    of: Annotated[Kind, Parameter(help="What is counted.", show_choices=True)] = Kind.ROUTE,
    by: Annotated[Rank, Parameter(help="Without a name: who comes first.", show_choices=True)] = Rank.REQUESTS,
    last: Annotated[str, Parameter(help="How far back: 90s, 10m, 6h, 7d. Without a name at most a day.")] = "5m",
    watch: Annotated[bool, Parameter(help="Show it again every second, until Ctrl-C.")] = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """The busiest routes, or one route over time. Times are of the gateway, in milliseconds, at most 1/16 off."""
    span = words.seconds_of(last, "--last", digits=4)
    while True:
        if watch and output == "table":
            print("\033[2J\033[H", end="")
        if name:
            series = _series(of, name, span, settings)
            show(series, output, lambda series=series: _print_series(series))  # type: ignore[misc]
        else:
            top = _top(of, by, span, settings)
            show(top, output, lambda top=top: _print_top(top))  # type: ignore[misc]
        if not watch:
            return DONE
        time.sleep(1)


def _series(of: Kind, name: str, span: int, settings: str) -> Series:
    from gridwire.adapters.clock import utc_now

    now = utc_now()
    step = next((step for step in _STEPS if span / step <= _LINES), _STEPS[-1])
    since = now - timedelta(seconds=span)
    asked = {"of": str(of), "name": name, "since": since.isoformat(), "until": now.isoformat(), "step": str(step)}
    return grid.get(f"/traffic?{urlencode(asked)}", Series, settings)


def _top(of: Kind, by: Rank, span: int, settings: str) -> Top:
    asked = {"of": str(of), "by": str(by), "seconds": str(max(60, span))}
    return grid.get(f"/traffic/top?{urlencode(asked)}", Top, settings)


_FIGURES = ("REQUESTS", "/S", "ERRORS", "OWN", "P50", "P95", "P99", "IN", "OUT")


def _print_series(series: Series) -> None:
    print_table(
        ("FROM", *_FIGURES),
        ((f"{point.at:%m-%d %H:%M:%S}", *_cells(point.figures, series.step)) for point in series.points),
        empty="nothing was asked for",
    )


def _print_top(top: Top) -> None:
    print_table(
        (str(top.of).upper(), *_FIGURES),
        ((item.name, *_cells(item.figures, top.seconds)) for item in top.items),
        empty="no request came through a gateway in that time",
    )


def _cells(figures: Figures, seconds: int) -> tuple[str, ...]:
    return (
        str(figures.requests),
        f"{figures.requests / seconds:.1f}",
        str(figures.errors),
        str(figures.own),
        *(("-" if value is None else f"{value:.0f}") for value in (figures.p50, figures.p95, figures.p99)),
        _size(figures.received),
        _size(figures.sent),
    )


def _size(count: int) -> str:
    """Bytes as a person reads them: 1,234 → 1.2 kB."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
