"""``gridwire version``."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.output import Format, show
from gridwire.version import __version__

app = App(name="version")


@app.default
def version(*, output: Format = "table") -> None:
    """Print the version."""
    show({"version": __version__}, output, lambda: print(__version__))
