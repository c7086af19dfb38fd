"""``gridwire control``: the control plane, as a user without any right."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.settings import DEFAULT, SettingsFile, awaited

app = App(name="control")


@app.default
def control(*, settings: SettingsFile = DEFAULT) -> None:
    """Run the control plane in the foreground. Started by root it becomes the user `gridwire`.

    At its start the grid follows what was changed in the settings.
    """
    from gridwire.adapters.settings import load_with_places
    from gridwire.control.serve import serve
    from gridwire.control.usecases.follow_settings import HostSettings

    chosen, place = load_with_places(awaited(settings))
    serve(
        database_url=chosen.database,
        gateway=chosen.node.name,
        control_socket=chosen.paths.control_socket,
        local_socket=chosen.paths.local_socket,
        asked=HostSettings(
            node=chosen.node.name, network=chosen.fleet_network(), endpoint=chosen.endpoint, place=place
        ),
    )
