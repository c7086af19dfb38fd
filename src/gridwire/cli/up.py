"""``gridwire up``: gridwire's processes as siblings in the foreground, in any order."""

from __future__ import annotations

import sys
from typing import NoReturn

from cyclopts import App

from gridwire.adapters.process import Child, UpSpec, become_supervisor
from gridwire.cli.output import note
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from
from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Role
from gridwire.core.tailnet import Provider

app = App(name="up")

# -P: the directory that somebody happened to stand in is no place for root to import from.
GRIDWIRE = (sys.executable, "-P", "-m", "gridwire.cli.main")
# Control's load is a second of CPU time, and what carries traffic starts beside it: a third of their weight, so that
# people are still answered where traffic takes all of the CPUs.
_BEHIND = 5
_VERBS = {"guard": ("guard", "load"), "mesh": ("mesh", "run"), "nginx": ("nginx", "run")}


@app.default
def up(*, settings: SettingsFile = DEFAULT) -> None:
    """Run this node in the foreground until Ctrl-C: guard, mesh, nginx, agent, and control on a gateway."""
    run_siblings(settings)


def run_siblings(path: str) -> NoReturn:
    """Raise Unavailable on a host that is not part of a grid."""
    from gridwire.adapters.wireguard import select
    from gridwire.agent.state_dir import AgentState

    require_root("run gridwire's processes")
    settings = settings_from(path)
    identity = AgentState(settings.paths.agent_state).load_identity()
    if identity is None:
        raise Unavailable("this host is not part of a grid", fix="run `gridwire init` or `gridwire join`")
    ours = settings.mesh.provider is Provider.WIREGUARD
    userspace = ours and select(settings.mesh.wireguard_go).kind == "wireguard-go"
    children = siblings(identity.role, settings_file=path, userspace=userspace)
    note(f"{identity.node} ({identity.role}): {', '.join(child.name for child in children)}; Ctrl-C ends them")
    become_supervisor(
        UpSpec(
            children=children,
            control_socket=settings.paths.control_socket,
            local_socket=settings.paths.local_socket,
        )
    )


def siblings(role: Role, *, settings_file: str, userspace: bool) -> tuple[Child, ...]:
    """What a node of this role runs. Nobody starts anybody else."""
    names = ["guard"]
    if userspace:
        names.append("mesh")
    if role in (Role.GATEWAY, Role.EDGE):
        names.append("nginx")
    if role is Role.GATEWAY:
        names.append("control")
    names.append("agent")
    return tuple(
        Child(
            name=name,
            argv=(*GRIDWIRE, *_VERBS.get(name, (name,)), "--settings", settings_file),
            oneshot=name == "guard",
            sockets=name == "control",
            nice=_BEHIND if name == "control" else 0,
        )
        for name in names
    )
