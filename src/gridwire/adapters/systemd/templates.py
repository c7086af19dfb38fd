"""The templates that lie in the package beside its Python modules, as the Lua modules do."""

from __future__ import annotations

from importlib.resources import files


def template(name: str) -> str:
    """``gridwire-agent.service`` and the like, with @places@ to fill."""
    return files("gridwire").joinpath("systemd", name).read_text("utf-8")
