"""Take the mesh's device off a host for good, with the route that stood under it."""

from __future__ import annotations

from gridwire.adapters.wireguard import links
from gridwire.adapters.wireguard.uapi import serving_pid, socket_path
from gridwire.core.errors import Conflict
from gridwire.core.names import Interface

_OURS = ("wireguard", "tun")


def remove_device(interface: Interface) -> None:
    """Raise Conflict where a process still serves it, or where it is a link of another kind."""
    pid = serving_pid(interface)
    if pid is not None:
        raise Conflict(f"process {pid} still serves {interface}", fix="end it, and run this again")
    link = links.read_link(interface)
    if link is not None and link.kind not in _OURS:
        raise Conflict(f"{interface} is a link of kind {link.kind or 'unknown'}, not gridwire's")
    links.remove_link(interface)
    for prefix in links.read_blackholes():
        links.remove_blackhole(prefix)
    socket_path(interface).unlink(missing_ok=True)
