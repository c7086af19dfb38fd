"""The host's sockets, and whose they are.

At rest a look is four questions to the kernel and the names of the links, under a millisecond. Names of processes
alone are told: command lines hold secrets.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from gridwire.adapters.firewalls import closed_inputs
from gridwire.adapters.machine import read_links
from gridwire.adapters.sockets import SocketReader
from gridwire.adapters.sysctl import Sysctls
from gridwire.adapters.wireguard import serving_pid
from gridwire.core.exposure import Link
from gridwire.core.listening import Listening, Owner, settled, with_owners
from gridwire.core.names import Interface
from gridwire.core.spec import NodeSpec
from gridwire.protocol.perimeter import LONGEST, MOST_ADDRESSES, MOST_FIREWALLS, MOST_LINKS, MOST_SOCKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is told, but for when it was seen."""

    sockets: tuple[Listening, ...]
    left_out: int
    links: tuple[Link, ...]
    localnet: tuple[Interface, ...]
    firewalls: tuple[str, ...]


class HostSockets:
    """Of the network namespace that the calling thread is in; one call at a time. ``nginx_pid``: its file."""

    def __init__(self, interface: Interface, nginx_pid: str) -> None:
        self._interface, self._nginx_pid = interface, nginx_pid
        self._reader = SocketReader()
        self._before: tuple[Listening, ...] | None = None
        self._owned: tuple[tuple[Listening, ...], frozenset[int]] = ((), frozenset())
        self._slow: tuple[tuple[Interface, ...], tuple[str, ...]] = ((), ())

    def look(self, spec: NodeSpec | None, port: int, *, thorough: bool) -> Looked:
        """``port``: WireGuard's own here, 0 where that is not known. ``thorough``: also what costs more: whose each
        socket is once more, other firewalls, settings. Raise GridwireError."""
        if thorough:
            self._reader.forget()
            localnet = tuple(Interface(name) for name in Sysctls().interfaces_with("route_localnet", 1))
            self._slow = (localnet, closed_inputs())
        read = self._reader.read()
        if thorough or read != self._owned[0]:
            self._owned = (read, own_processes(self._interface, self._nginx_pid))
        listeners = frozenset() if spec is None else frozenset((one.address, one.port) for one in spec.proxy.listeners)
        marked = with_owners(read, pids=self._owned[1], udp_port=port, listeners=listeners)
        found = settled(marked, self._before)
        self._before = marked
        told = sorted(found, key=lambda one: (one.owner is not Owner.OURS, one.address.is_loopback))[:MOST_SOCKETS]
        return Looked(
            sockets=tuple(replace(one, process=one.process[:LONGEST], unit=one.unit[:LONGEST]) for one in told),
            left_out=len(found) - len(told),
            links=tuple(replace(each, addresses=each.addresses[:MOST_ADDRESSES]) for each in read_links()[:MOST_LINKS]),
            localnet=self._slow[0][:MOST_LINKS],
            firewalls=tuple(name[:LONGEST] for name in self._slow[1][:MOST_FIREWALLS]),
        )


def own_processes(interface: str, nginx_pid: str) -> frozenset[int]:
    """nginx with its workers, and wireguard-go: those that no unit of systemd may tell."""
    own = {pid for pid in (serving_pid(interface), _pid(nginx_pid)) if pid is not None}
    found = set(own)
    for pid in own:
        with suppress(psutil.Error):
            found |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return frozenset(found)


def _pid(path: str) -> int | None:
    try:
        return int(Path(path).read_text("ascii"))
    except (OSError, ValueError):
        return None
