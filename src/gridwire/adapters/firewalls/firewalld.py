"""firewalld: which zone a packet falls into, and what that zone lets in."""

from __future__ import annotations

from collections.abc import Callable

from gridwire.adapters.firewalls.obstacle import Argv, Needs, Obstacle

Ask = Callable[[Argv], str | None]
"""Runs a command; its output, or none where it failed (firewall-cmd answers "no" with exit status 1)."""


def obstacle(ask: Ask, needs: Needs) -> Obstacle | None:
    """None where firewalld does not run, or lets everything needed in."""
    if (ask(("firewall-cmd", "--state")) or "").strip() != "running":
        return None
    default = (ask(("firewall-cmd", "--get-default-zone")) or "public").strip()
    drops: list[str] = []
    commands: list[Argv] = []
    port = f"{needs.listen_port}/udp"
    if needs.listen_port:
        zones = sorted({default, *_active_zones(ask(("firewall-cmd", "--get-active-zones")) or "", needs)})
        closed = [zone for zone in zones if not _lets_in(ask, zone, port)]
        if closed:
            drops.append(port)
            commands += [("firewall-cmd", "--permanent", f"--zone={zone}", f"--add-port={port}") for zone in closed]
    zone = (ask(("firewall-cmd", f"--get-zone-of-interface={needs.interface}")) or default).strip()
    if _target(ask, zone) != "ACCEPT":
        drops.append(str(needs.interface))
        # change-interface also takes it out of a zone that it may be in.
        commands.append(("firewall-cmd", "--permanent", "--zone=trusted", f"--change-interface={needs.interface}"))
    if not drops:
        return None
    commands.append(("firewall-cmd", "--reload"))
    return Obstacle(firewall="firewalld", drops=tuple(drops), commands=tuple(commands), lasting=True)


def _active_zones(listing: str, needs: Needs) -> list[str]:
    """Zones with interfaces other than the mesh's: "public (default)\\n  interfaces: eth0"."""
    zones: list[str] = []
    name = ""
    for line in listing.splitlines():
        if line and not line[0].isspace():
            name = line.split()[0]
        elif line.strip().startswith("interfaces:") and set(line.split()[1:]) - {needs.interface}:
            zones.append(name)
    return zones


def _lets_in(ask: Ask, zone: str, port: str) -> bool:
    queried = ask(("firewall-cmd", f"--zone={zone}", f"--query-port={port}"))
    return (queried or "").strip() == "yes" or _target(ask, zone) == "ACCEPT"


def _target(ask: Ask, zone: str) -> str:
    return (ask(("firewall-cmd", "--permanent", f"--zone={zone}", "--get-target")) or "").strip()
