"""``gridwire control``: the control plane, as a user without any right."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from

app = App(name="control")


@app.default
def control(*, settings: SettingsFile = DEFAULT) -> None:
    """Run the control plane in the foreground. Started by root it becomes the user `gridwire`."""
    from gridwire.control.serve import serve

    chosen = settings_from(settings)
    serve(
        database_url=chosen.database,
        gateway=chosen.node.name,
        control_socket=chosen.paths.control_socket,
        local_socket=chosen.paths.local_socket,
    )
