"""``gridwire init --mesh tailscale``: this host becomes the gateway of a new grid on the tailnet that it is on."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gridwire.cli import survey as surveys
from gridwire.cli.outcome import DONE, FAILED
from gridwire.cli.output import confirmed, note, say, show
from gridwire.cli.root import require_root
from gridwire.cli.settings import settings_from
from gridwire.cli.tailnet import this_node
from gridwire.core.errors import Conflict
from gridwire.core.settings import Settings

if TYPE_CHECKING:
    from gridwire.core.tailnet import Member


def init_on_tailnet(wanted: Settings, *, yes: bool, output: str, file: str) -> int:
    require_root("make a gateway")
    if Path(file).exists():
        present = settings_from(file)
        if yes and replace(present, reach=(), hosts=True, paths=wanted.paths, database_url=None) == wanted:
            told = {"node": present.node.name, "changed": False}
            show(told, output, lambda: note(f"this host is the node {present.node.name} already; nothing was changed"))
            return DONE
        raise Conflict(
            f"this host is the node {present.node.name} already",
            fix=f"change {file} and restart gridwire here, or start over on a fresh host",
        )
    own = this_node(wanted)
    settings, held = _with_free_ports(wanted, own)
    missing = surveys.missing_programs(proxy=True, wireguard=False)
    with redirect_stdout(sys.stdout if output == "table" else sys.stderr):
        _screen(settings, own, held, missing)
    surveys.check_programs(missing, proxy=True)
    if not confirmed("Go ahead?", yes=yes, otherwise="give --yes"):
        note("nothing was changed")
        return FAILED
    from gridwire.cli.founding import found  # here: it brings the database with it, a second of imports

    found(settings, file, own)
    told = {
        "node": settings.node.name,
        "changed": True,
        "tailnet": own.name,
        "addresses": own.addresses,
        "suffix": settings.suffix,
        "approve": [str(selector) for selector in settings.mesh.approve],
        "ports": settings.network.ports,
        "held": [{"port": port, "by": who, "instead": free} for _, port, who, free in held],
    }
    show(told, output, lambda: _say_next(settings, own))
    return DONE


def _with_free_ports(wanted: Settings, own: Member) -> tuple[Settings, tuple[tuple[str, int, str, int], ...]]:
    """On every address of this node's; raise Conflict where no port is left."""
    from gridwire.adapters.sockets import listening

    sockets = listening()
    settings = wanted
    held: list[tuple[str, int, str, int]] = []
    for address in own.addresses:
        settings, more = surveys.free_ports(settings, address, sockets)
        held += more
    return settings, tuple(held)


def _screen(
    settings: Settings,
    own: Member,
    held: tuple[tuple[str, int, str, int], ...],
    missing: tuple[tuple[str, str], ...],
) -> None:
    _row("Mesh", f"tailnet, this host {own.name}, {' and '.join(map(str, own.addresses))} ✓")
    rules = ", ".join(map(str, settings.mesh.approve))
    _row("Joining", f"{rules} without a yes" if rules else "every node waits for a yes   (--approve tag:edge)")
    if settings.domain is None:
        _row("Route names", "*.grid, known to nodes with an agent   (--domain gives names that phones resolve too)")
    _row("Guard", f"of gridwire's own ports on {settings.network.interface} alone; the tailnet's other traffic stays")
    if held:
        ports = ", ".join(str(port) for _, port, _, _ in held)
        _row("Ports", f"{ports} held by {held[0][2]}; using {', '.join(str(free) for *_, free in held)}")
    else:
        used = settings.network.ports
        _row("Ports", f"{used.routes}, {used.api}, {used.enrol} on these addresses are free ✓")
    for program, package in missing:
        _row("Missing", f"{program}: apt install {package}")


def _say_next(settings: Settings, own: Member) -> None:
    say(f"{settings.node.name} is the gateway of a new grid. Run it:  gridwire install   (or here: gridwire up)")
    _row("Next  1", f"on a node of the tailnet:  gridwire join {own.name.partition('.')[0]}")
    _row("      2", "publish something:         gridwire service publish …")


def _row(title: str, text: str) -> None:
    say(f"{title:<12} {text}")
