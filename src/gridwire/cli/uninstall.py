"""``gridwire uninstall``: the host as it was before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gridwire.cli import foreign
from gridwire.cli.outcome import DONE, FAILED
from gridwire.cli.output import Format, Yes, confirmed, note, say, show
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from
from gridwire.core.fleet import Role
from gridwire.core.names import NodeName
from gridwire.core.settings import NodeSettings, Settings
from gridwire.core.tailnet import Provider

if TYPE_CHECKING:
    from gridwire.core.joined import JoinedAs

app = App(name="uninstall", default_parameter=Parameter(negative=()))


@app.default
def uninstall(
    *,
    purge: Annotated[bool, Parameter(help="Remove keys, the grid's database, settings, logs and users, too.")] = False,
    yes: Yes = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Stop the services and take back what they and install made on this host; keys and state only with --purge."""
    from gridwire.adapters.systemd import booted
    from gridwire.agent import installation as node
    from gridwire.agent.leaving import steps
    from gridwire.core.installation import plan_uninstall

    require_root("remove services")
    foreign.check_foreground()
    chosen = _settings(settings)
    identity = _identity(chosen)
    interface = identity.interface if identity is not None else chosen.network.interface
    suffix = identity.suffix if identity is not None else chosen.suffix
    plan = plan_uninstall(node.observe(interface)) if booted() else ()
    provider = identity.provider if identity is not None else chosen.mesh.provider
    device = interface if provider is Provider.WIREGUARD else None  # tailscaled's is not gridwire's to remove
    rest = steps(chosen, settings, device, suffix, purge=purge)
    done = tuple(action.reason for action in plan) + tuple(step.what for step in rest)
    for number, what in enumerate(done, 1):
        note(f"{'Plan' if number == 1 else '':<8}{number:>3}  {what}")
    note(_kept(chosen, identity, purge=purge))
    if not confirmed("Go ahead?", yes=yes, otherwise="gridwire uninstall --yes"):
        note("nothing was changed")
        return FAILED
    for action in plan:
        node.carry_out(action)
    for step in rest:
        step.run()
    show({"done": done, "purged": purge}, output, lambda: say("gridwire no longer runs on this host"))
    return DONE


def _settings(path: str) -> Settings:
    """The defaults where there is no file: what a purge that broke off left behind is removed by another."""
    return settings_from(path) if Path(path).exists() else Settings(node=NodeSettings(name=NodeName("unknown")))


def _identity(settings: Settings) -> JoinedAs | None:
    from gridwire.agent.state_dir import AgentState

    return AgentState(settings.paths.agent_state).load_identity()


def _kept(settings: Settings, identity: JoinedAs | None, *, purge: bool) -> str:
    where = f"{settings.paths.state}, {settings.paths.logs} and the settings"
    if not purge:
        return f"Kept: {where}, with this node's key. `gridwire install` brings it back; --purge removes them too."
    if identity is not None and identity.role is Role.GATEWAY:
        return f"Gone for good: {where}: the grid's database and this gateway's key. Every node has to join anew."
    return f"Gone for good: {where}, with this node's key. It has to join anew."
