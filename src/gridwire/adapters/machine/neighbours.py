"""Others on this machine: people whose programs listen, and other networks' listeners."""

from __future__ import annotations

import os
import pwd
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gridwire.core.observed import Known, Unknown

_LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h
_PEOPLE = range(1000, 60_000)  # Debian Policy §9.2.2
_LOOPBACK = ("0100007F", "00000000000000000000000001000000")  # as /proc/net/tcp writes 127.0.0.1 and ::1


def listening_users(proc: Path = Path("/proc")) -> Known[tuple[str, ...]] | Unknown:
    """People (no services' users) with TCP listeners in this network, sorted by name."""
    try:
        owners = {owner for _, _, owner in _listeners(proc / "thread-self/net")}
    except OSError as error:
        return Unknown(f"listeners cannot be read ({error})")
    return Known(tuple(sorted(_name(owner) for owner in owners if owner in _PEOPLE)))


def ports_of_other_networks(proc: Path = Path("/proc")) -> Known[tuple[tuple[int, int], ...]] | Unknown:
    """Ports that more than one other network namespace listens on, with how many do, the commonest first."""
    if os.geteuid() != 0:
        return Unknown("only root sees other users' network namespaces")
    own = (proc / "self/ns/net").readlink()
    seen = {own}
    ports: Counter[int] = Counter()
    for entry in sorted(proc.iterdir()):
        if not entry.name.isdigit():
            continue
        try:
            namespace = (entry / "ns/net").readlink()
            if namespace in seen:
                continue
            found = {port for address, port, _ in _listeners(entry / "net") if address not in _LOOPBACK}
        except OSError:
            continue  # it ended meanwhile
        seen.add(namespace)
        ports.update(found)
    return Known(tuple((port, count) for port, count in ports.most_common() if count > 1))


def _listeners(net: Path) -> Iterator[tuple[str, int, int]]:
    """(address in hexadecimal, port, owner) of each TCP listener, proc_net_tcp.txt."""
    for name in ("tcp", "tcp6"):
        path = net / name
        if not path.exists():
            continue  # a kernel without IPv6
        for line in path.read_text("ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN:
                address, _, port = fields[1].rpartition(":")
                yield address, int(port, 16), int(fields[7])


def _name(owner: int) -> str:
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"user {owner}"
