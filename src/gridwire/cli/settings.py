"""Where a command finds this host's settings."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from gridwire.core import paths
from gridwire.core.settings import Settings

SettingsFile = Annotated[str, Parameter(name="--settings", help="This host's settings file.")]
DEFAULT = paths.SETTINGS


def settings_from(path: str) -> Settings:
    """Raise Unavailable, NotPermitted or Invalid with file:line:column."""
    from gridwire.adapters.settings import load

    return load(path)
