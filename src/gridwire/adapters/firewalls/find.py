"""Ask the firewalls that are installed, and, on consent, run what opens them."""

from __future__ import annotations

import json

from gridwire.adapters import programs
from gridwire.adapters.firewalls import firewalld, iptables, nftables, ufw
from gridwire.adapters.firewalls.obstacle import Argv, Needs, Obstacle
from gridwire.core.errors import GridwireError, Unavailable

_PATIENCE_SECONDS = 60.0  # firewall-cmd --reload and ufw take seconds on small machines


def find(needs: Needs) -> tuple[Obstacle, ...]:
    """Every firewall of this host that is in the way of ``needs``; changes nothing.

    Where ufw or firewalld is in charge, their own chains are not reported a second time.
    """
    status = _ask(ufw.STATUS) or ""
    found: list[Obstacle | None] = [ufw.obstacle(status, needs), firewalld.obstacle(_ask, needs)]
    installed = False
    for program in ("iptables", "ip6tables"):
        listing = _ask((program, "-S"))
        installed = installed or listing is not None
        if listing is not None and "Status: active" not in status:
            found.append(iptables.obstacle(program, listing, needs))
    listed = _ask(("nft", "-j", "list", "ruleset"))
    if listed:
        objects = json.loads(listed)["nftables"]
        found += nftables.obstacles(objects, needs, iptables=installed)
    return tuple(obstacle for obstacle in found if obstacle is not None)


def closed_inputs() -> tuple[str, ...]:
    """Others of this host that drop what they do not know, by name: ufw, firewalld, or a chain of nftables'.

    By one listing of chains (10 ms): what each of them lets in, their own programs tell. Raise GridwireError.
    """
    listed = _ask(("nft", "-j", "list", "chains"))
    return nftables.closed_inputs(json.loads(listed)["nftables"]) if listed else ()


def run(obstacle: Obstacle) -> None:
    """Run the commands of an obstacle, in order; raise GridwireError at the first that fails."""
    for argv in obstacle.commands:
        done = programs.run(argv, timeout=_PATIENCE_SECONDS)
        if done.code:
            raise GridwireError(f"`{' '.join(argv)}` failed ({done.said})", fix="run it by hand", code="firewall")


def _ask(argv: Argv) -> str | None:
    try:
        done = programs.run(argv, timeout=_PATIENCE_SECONDS)
    except Unavailable as error:
        if error.code == "program-missing":
            return None
        raise GridwireError(error.what, code="firewall") from error
    return done.stdout if done.code == 0 else None
