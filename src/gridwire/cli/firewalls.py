"""Other firewalls of this host: shown, and opened on consent."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from gridwire.cli.output import note, say
from gridwire.core.names import Interface

if TYPE_CHECKING:
    from gridwire.adapters.firewalls import Obstacle


def in_the_way(interface: Interface, listen_port: int) -> tuple[Obstacle, ...]:
    """What drops the mesh or WireGuard's port (0: none); nothing is changed."""
    from gridwire.adapters.firewalls import Needs, find

    return find(Needs(interface=interface, listen_port=listen_port))


def summary(obstacles: tuple[Obstacle, ...]) -> str:
    """``ufw: drops 51820/udp and gw0      add 2 rules?``"""
    count = sum(len(obstacle.commands) for obstacle in obstacles)
    drops = "; ".join(map(str, obstacles))
    return f"{drops}      add {count} rule{'' if count == 1 else 's'}?" if obstacles else "none in the way ✓"


def print_commands(obstacles: tuple[Obstacle, ...]) -> None:
    for obstacle in obstacles:
        for argv in obstacle.commands:
            note(f"    {shlex.join(argv)}")
        if obstacle.note:
            note(f"    {obstacle.note}")


def open_up(obstacles: tuple[Obstacle, ...]) -> None:
    """Run their commands, and keep them for uninstall; raise GridwireError at the first that fails."""
    from gridwire.adapters.firewalls import remember_opened, run

    for obstacle in obstacles:
        remember_opened(obstacle.commands)  # first: what fails half-way was opened, too
        run(obstacle)
        say(f"{obstacle.firewall} lets {' and '.join(obstacle.drops)} through")
        if not obstacle.lasting and obstacle.note:
            note(obstacle.note)
