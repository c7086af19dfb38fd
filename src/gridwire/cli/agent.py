"""``gridwire agent``: keep this node what its spec says."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, awaited, settings_from

app = App(name="agent")


@app.default
def agent(*, settings: SettingsFile = DEFAULT) -> None:
    """Run the agent in the foreground; it waits until this host is part of a grid."""
    from gridwire.agent.run import run

    require_root("change the host's network")
    run(settings_from(awaited(settings)), settings)
