"""Who listens on what."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from gridwire.core.addressing import Address
from gridwire.core.names import Interface

Protocol = Literal["tcp", "udp", "sctp", "raw"]

UNITS = "gridwire-"  # how the names of all units of gridwire's begin
_ID = re.compile(r"[0-9a-f]{64}")
_ENGINES = re.compile(r"(?:^|/)(docker|libpod|crio|cri-containerd|lxc)(?:[-/.]|$)")
_NAMES = {"libpod": "podman", "cri-containerd": "containerd"}
_SHOWN = 12  # characters of a container's id, as engines show it


class Owner(StrEnum):
    OURS = "ours"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A TCP or SCTP listener, a bound UDP socket, or a raw socket, whose ``port`` is an IP protocol's number.

    ``pid`` and ``process`` are none and empty for the kernel's own sockets, and for others' without root. ``device``:
    the only one that it hears (SO_BINDTODEVICE, or the scope of a link-local address). ``both``: of IPv6, and hears
    IPv4 too. ``unit``: of systemd, or ``docker:`` and the beginning of a container's id; empty where there is none.
    """

    protocol: Protocol
    address: Address
    port: int
    pid: int | None
    process: str
    device: Interface | None = None
    both: bool = False
    uid: int | None = None
    unit: str = ""
    owner: Owner = Owner.FOREIGN

    @property
    def place(self) -> str:
        """``tcp 10.85.0.1:80``."""
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{self.protocol} {host}:{self.port}"


def with_owners(
    sockets: Iterable[Listening],
    *,
    pids: Collection[int],
    udp_port: int,
    listeners: Collection[tuple[Address, int]],
) -> tuple[Listening, ...]:
    """Which of them are gridwire's: those of its processes and units; and of nobody that can be seen (the kernel's, or
    of a container beside) WireGuard's ``udp_port`` and nginx's ``listeners`` on the mesh."""
    return tuple(
        replace(one, owner=Owner.OURS if _is_own(one, pids, udp_port, listeners) else Owner.FOREIGN) for one in sockets
    )


def _is_own(one: Listening, pids: Collection[int], udp_port: int, listeners: Collection[tuple[Address, int]]) -> bool:
    if one.pid is not None:
        return one.pid in pids or one.unit.startswith(UNITS)
    if one.protocol == "udp":
        return udp_port > 0 and one.port == udp_port and one.address.is_unspecified
    return one.protocol == "tcp" and (one.address, one.port) in listeners


def settled(now: Iterable[Listening], before: Collection[Listening] | None) -> tuple[Listening, ...]:
    """Those of ``now`` that are no question on its way: a resolver binds a UDP port for each. Of others than gridwire
    such a socket counts from the second look on. ``before``: the look before this one; none: there was none."""
    seen = frozenset(before or ())
    return tuple(
        one for one in now if before is None or one.protocol != "udp" or one.owner is Owner.OURS or one in seen
    )


def unit_of(cgroup: str) -> str:
    """What runs a process, by its /proc/PID/cgroup (cgroups(7)); empty where that names neither unit nor container."""
    lines = [line.split(":", 2) for line in cgroup.splitlines() if line.count(":") >= 2]
    # Of version 2 there is one line, of number 0; of version 1 systemd's own names the unit.
    path = next((path for number, names, path in lines if number == "0" or names == "name=systemd"), "")
    ids, engine = _ID.findall(path), _ENGINES.search(path)
    if ids:
        name = engine[1] if engine else "container"
        return f"{_NAMES.get(name, name)}:{ids[-1][:_SHOWN]}"
    units = [part for part in path.split("/") if part.endswith((".service", ".scope", ".socket"))]
    return units[-1] if units else ""
