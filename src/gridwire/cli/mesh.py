"""``gridwire mesh``: wireguard-go as a process of its own, where the kernel has no WireGuard."""

from __future__ import annotations

from cyclopts import App

from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from

app = App(name="mesh", help="Run wireguard-go for the mesh interface.")


@app.command
def run(*, settings: SettingsFile = DEFAULT) -> None:
    """Become wireguard-go for the mesh interface, in the foreground; the agent sets the device up."""
    from gridwire.adapters.wireguard import exec_device

    require_root("make a network device")
    chosen = settings_from(settings)
    exec_device(chosen.network.interface, chosen.mesh.wireguard_go)
