"""``gridwire install``: this node's processes as services of the system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from gridwire.cli import firewalls, foreign
from gridwire.cli.in_step import await_in_step
from gridwire.cli.outcome import DONE, FAILED, UNHEALTHY
from gridwire.cli.output import Format, Yes, confirmed, note, print_table, say, show
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from
from gridwire.core.errors import Conflict, Unavailable
from gridwire.core.fleet import Role
from gridwire.core.tailnet import Provider

if TYPE_CHECKING:
    from gridwire.adapters.firewalls import Obstacle
    from gridwire.adapters.systemd import UnitState
    from gridwire.core.actions import Action
    from gridwire.core.installation import Installation
    from gridwire.core.joined import JoinedAs
    from gridwire.core.settings import Settings

app = App(name="install", default_parameter=Parameter(negative=()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What ``-o json`` prints. ``plan``: what there was to do, in order; ``units``: what is enabled and runs."""

    node: str
    role: Role
    done: bool
    plan: tuple[str, ...]
    units: tuple[UnitState, ...]


@app.default
def install(
    *,
    role: Annotated[
        Literal["gateway", "edge"] | None, Parameter(help="Refuse if this host is a node of another role.")
    ] = None,
    yes: Yes = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Show what will be written, enabled and started, ask once, and do it. A second time changes nothing."""
    from gridwire.agent import installation as node
    from gridwire.core.installation import plan_install

    require_root("install services")
    chosen = settings_from(settings)
    identity = _identity(chosen, role)
    _check_systemd()
    node.check_program()
    node.check_settings(settings, identity.role)
    foreign.check_foreground()
    port = _udp_port(chosen, identity)
    foreign.check_ports(identity, port)
    # Tailscale opens its own device in other firewalls.
    ours = identity.provider is Provider.WIREGUARD
    obstacles = firewalls.in_the_way(identity.interface, port) if ours else ()
    wanted = node.installation_of(chosen, settings, identity, userspace=_userspace(chosen))
    plan = plan_install(wanted, node.observe(identity.interface))
    if not plan and not obstacles:
        return _end(identity, wanted, plan, output)
    _screen(identity, plan, obstacles)
    if not confirmed("Go ahead?", yes=yes, otherwise="gridwire install --yes"):
        note("nothing was changed")
        return FAILED
    firewalls.open_up(obstacles)
    for action in plan:
        node.carry_out(action)
    if not await_in_step(identity, chosen, settings):
        note("this node is not what its spec says yet: `gridwire status`, journalctl -b -u gridwire-agent")
        _end(identity, wanted, plan, output)
        return UNHEALTHY
    return _end(identity, wanted, plan, output)


def _identity(settings: Settings, role: str | None) -> JoinedAs:
    from gridwire.agent.state_dir import AgentState

    identity = AgentState(settings.paths.agent_state).load_identity()
    if identity is None:
        raise Unavailable("this host is not part of a grid", fix="run `gridwire init` or `gridwire join`")
    if role is not None and role != identity.role:
        raise Conflict(
            f"this host is {identity.node}, whose role is {identity.role}",
            fix=f"--role {identity.role}, or leave it out",
        )
    return identity


def _check_systemd() -> None:
    from gridwire.adapters.systemd import booted

    if not booted():
        raise Unavailable("systemd does not run this host", fix="run `gridwire up` in whatever supervises it")


def _userspace(settings: Settings) -> bool:
    from gridwire.adapters.wireguard import select

    if settings.mesh.provider is Provider.TAILSCALE:
        return False
    return select(settings.mesh.wireguard_go).kind == "wireguard-go"


def _udp_port(settings: Settings, identity: JoinedAs) -> int:
    return int((settings.endpoint or ":0").rpartition(":")[2]) if identity.role is Role.GATEWAY else 0


def _screen(identity: JoinedAs, plan: tuple[Action, ...], obstacles: tuple[Obstacle, ...]) -> None:
    """On stderr, so that stdout holds what was asked for."""
    note(f"Node         {identity.node} ({identity.role}), {identity.address}")
    note(f"Firewall     {firewalls.summary(obstacles)}")
    firewalls.print_commands(obstacles)
    for number, action in enumerate(plan, 1):
        note(f"{'Plan' if number == 1 else '':<8}{number:>3}  {action.reason}")


def _end(identity: JoinedAs, wanted: Installation, plan: tuple[Action, ...], output: str) -> int:
    """What runs now; exit code 3 where something does not."""
    from gridwire.adapters.systemd import states

    units = states(wanted.units)
    ended = Installed(
        node=identity.node,
        role=identity.role,
        done=all(unit.up and unit.enabled for unit in units),
        plan=tuple(action.reason for action in plan),
        units=units,
    )

    def table() -> None:
        print_table(
            ("UNIT", "AT BOOT", "NOW"),
            ((u.unit, "yes" if u.enabled else "no", f"{u.active} ({u.detail})") for u in units),
            empty="",
        )
        say(f"{identity.node} runs as services of systemd" if plan else "nothing was to be done")

    show(ended, output, table)
    if ended.done:
        return DONE
    note("not all of them run: journalctl -b -u 'gridwire-*'")
    return UNHEALTHY
