"""``gridwire mesh``: wireguard-go as a process of its own, where the kernel has no WireGuard."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, awaited, settings_from

app = App(name="mesh", help="Run wireguard-go for the mesh interface.")


@app.command
def run(*, settings: SettingsFile = DEFAULT) -> None:
    """Become wireguard-go for the mesh interface, in the foreground; the agent sets the device up."""
    from gridwire.adapters.wireguard import exec_device
    from gridwire.agent.interface import joined_interface

    require_root("make a network device")
    chosen = settings_from(awaited(settings))
    # The agent goes by its identity: an interface that was changed in the settings afterwards is nobody's.
    interface = joined_interface(chosen.paths.agent_state) or chosen.network.interface
    exec_device(interface, chosen.mesh.wireguard_go)
