"""What a firewall drops that gridwire needs, and how it is told not to."""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.names import Interface

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What must come through: UDP to ``listen_port`` (0: nothing), and whatever comes in by ``interface``.

    What of the latter is let in is decided by gridwire's own table, by role.
    """

    interface: Interface
    listen_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """One firewall in the way. ``firewall``: ufw, firewalld, iptables, ip6tables or nftables.

    ``drops`` names what is dropped ("51820/udp", "gw0"); ``commands`` open exactly that; ``lasting``: they
    survive a restart of that firewall, else ``note`` says what has to be done besides.
    """

    firewall: str
    drops: tuple[str, ...]
    commands: tuple[Argv, ...]
    lasting: bool
    note: str = ""

    def __str__(self) -> str:
        return f"{self.firewall}: drops {' and '.join(self.drops)}"
