"""Who listens on what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gridwire.core.addressing import Address
from gridwire.core.names import Interface

Protocol = Literal["tcp", "udp", "sctp", "raw"]

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
