"""ufw, as `ufw status verbose` tells of it. Pure but for what ``find`` asks."""

from __future__ import annotations

from gridwire.adapters.firewalls.obstacle import Argv, Needs, Obstacle

STATUS: Argv = ("ufw", "status", "verbose")
_PASSES = ("ALLOW IN", "LIMIT IN")


def obstacle(status: str, needs: Needs) -> Obstacle | None:
    """What an active ufw drops, by its default for incoming packets and its rules; none where nothing."""
    lines = [line.strip() for line in status.splitlines()]
    if "Status: active" not in lines:
        return None
    default = next((line for line in lines if line.startswith("Default:")), "Default: deny (incoming)")
    if "allow (incoming)" in default:
        return None
    rules = [_columns(line) for line in lines if any(word in line for word in _PASSES)]
    port = f"{needs.listen_port}/udp"
    drops: list[str] = []
    commands: list[Argv] = []
    if needs.listen_port and not any(to in (port, str(needs.listen_port)) and source for to, source in rules):
        drops.append(port)
        commands.append(("ufw", "allow", port, "comment", "gridwire: WireGuard"))
    if not any(to == f"Anywhere on {needs.interface}" for to, _ in rules):
        drops.append(str(needs.interface))
        commands.append(("ufw", "allow", "in", "on", needs.interface, "comment", "gridwire: the mesh"))
    if not drops:
        return None
    return Obstacle(firewall="ufw", drops=tuple(drops), commands=tuple(commands), lasting=True)


def _columns(line: str) -> tuple[str, bool]:
    """A line of "To  Action  From": what it is to, and whether it is from anywhere (IPv4)."""
    word = next(word for word in _PASSES if word in line)
    to, _, source = line.partition(word)
    return to.strip(), source.split("#")[0].strip() == "Anywhere"
