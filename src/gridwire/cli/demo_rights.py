"""As whom the demo runs on this host: as root, as root of a user namespace, or after sudo; and why."""

from __future__ import annotations

import sys
from pathlib import Path

from gridwire.core.errors import NotPermitted
from gridwire.lab import user_namespace
from gridwire.lab.user_namespace import Obstacle, Standing, obstacles

_MAKES = (
    "The demo makes network, mount and pid namespaces, overlay mounts on /etc and /var inside them, TUN devices, and "
    "two system users in each host's own /etc, which takes root of a user namespace."
)
_LEAVES = (
    "The real host keeps its network, files, users and firewall as they are, and nothing of the demo remains when it "
    "ends."
)


def become_root(command: str, *, tun: bool = True) -> None:
    """Go on as root, of a user namespace where that is all there is; raise NotPermitted with every obstacle.

    ``command``: what the user typed, for the advice. ``tun``: its hosts have mesh interfaces.
    """
    standing = user_namespace.standing()
    found = obstacles(standing, tun=tun)
    if found:
        raise NotPermitted(f"{command} cannot run without root here: {_what(found)}", fix=_fix(found, command))
    if not standing.root:
        user_namespace.enter(standing)


def needed(standing: Standing) -> str:
    """``nothing`` or ``sudo``: what `make demo` puts before the command."""
    return "sudo" if obstacles(standing) else "nothing"


def explanation(standing: Standing) -> str:
    """For a person: what is needed on this host, and why."""
    found = obstacles(standing)
    if standing.root:
        said = "Neither sudo nor anything else is needed here: you are root."
    elif found:
        said = f"Root is needed here: {_what(found)}. {_fix(found, 'demo')}."
    else:
        ranges = ", ".join(map(str, standing.uids))
        said = (
            f"Neither root nor sudo is needed here: the demo becomes root of a user namespace of {standing.user}'s, "
            f"whose other users are the subordinate uids {ranges}."
        )
    return f"{said} {_MAKES} {_LEAVES}"


def program() -> str:
    """gridwire as sudo finds it: its secure_path knows no virtual environment."""
    script = Path(sys.executable).with_name("gridwire")
    return str(script) if script.exists() else f"{sys.executable} -m gridwire.cli.main"


def _what(found: tuple[Obstacle, ...]) -> str:
    return "; ".join(one.what for one in found)


def _fix(found: tuple[Obstacle, ...], command: str) -> str:
    """The removal of every obstacle, where all can be removed; sudo does in any case."""
    sudo = f"sudo {program()} {command.removeprefix('gridwire ')}"
    if not all(one.fix for one in found):
        return sudo
    return f"{' && '.join(one.fix for one in found)}   once, or each time: {sudo}"
