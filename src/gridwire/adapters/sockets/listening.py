"""Who listens on what, with the process: for ports of ours that others hold."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import psutil

from gridwire.core.addressing import Address
from gridwire.core.listening import Listening, Protocol


def listening() -> tuple[Listening, ...]:
    """TCP listeners and bound UDP sockets of this network namespace, sorted by protocol, port, address."""
    names: dict[int, str] = {}
    found = set()
    for entry in psutil.net_connections("inet"):
        udp = entry.type == socket.SOCK_DGRAM
        if not entry.laddr or (not udp and entry.status != psutil.CONN_LISTEN) or (udp and entry.raddr):
            continue
        if entry.pid is not None and entry.pid not in names:
            names[entry.pid] = _name(entry.pid)
        found.add(
            Listening(
                protocol="udp" if udp else "tcp",
                address=ip_address(entry.laddr.ip.partition("%")[0]),
                port=entry.laddr.port,
                pid=entry.pid,
                process=names[entry.pid] if entry.pid is not None else "",
            )
        )
    return tuple(sorted(found, key=lambda one: (one.protocol, one.port, one.address.version, int(one.address))))


def holders(protocol: Protocol, port: int, address: Address | None = None) -> tuple[Listening, ...]:
    """Those that would keep ``address`` (none: any) from being bound at ``port``."""
    return tuple(
        one
        for one in listening()
        if one.protocol == protocol
        and one.port == port
        and (address is None or one.address == address or one.address.is_unspecified)
    )


def _name(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return ""
