"""``gridwire openapi``: what control can be asked, for those who write or generate a client."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.output import Format, show

app = App(name="openapi")


@app.default
def openapi(*, output: Format = "json") -> None:
    """Print control's API in OpenAPI. No grid is needed."""
    from gridwire.control.app import api_schema

    schema = api_schema()
    show(schema, "json" if output == "table" else output, lambda: None)
