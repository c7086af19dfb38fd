"""WireGuard devices: the kernel's, wireguard-go's, and one in memory, behind one interface.

The backends differ in how a device comes into being. Everything else is the same for both real ones: links,
addresses and routes by netlink, peers by wg(8).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridwire.adapters.wireguard.backend import Backend
    from gridwire.adapters.wireguard.binary import check_tun, find_binary, version_of
    from gridwire.adapters.wireguard.calls import Arrived, watch_calls
    from gridwire.adapters.wireguard.choice import select
    from gridwire.adapters.wireguard.host_networks import HostNetworks, read_host_networks
    from gridwire.adapters.wireguard.kernel import KernelBackend, kernel_has_wireguard
    from gridwire.adapters.wireguard.keys import new_private_key, public_of
    from gridwire.adapters.wireguard.link_watch import LinkWatch
    from gridwire.adapters.wireguard.links import read_blackholes, remove_blackhole
    from gridwire.adapters.wireguard.memory import MemoryBackend
    from gridwire.adapters.wireguard.received import read_received
    from gridwire.adapters.wireguard.removal import remove_device
    from gridwire.adapters.wireguard.serve import exec_device
    from gridwire.adapters.wireguard.uapi import serving_pid
    from gridwire.adapters.wireguard.userspace import UserspaceBackend

__all__ = [
    "Arrived",
    "Backend",
    "HostNetworks",
    "KernelBackend",
    "LinkWatch",
    "MemoryBackend",
    "UserspaceBackend",
    "check_tun",
    "exec_device",
    "find_binary",
    "kernel_has_wireguard",
    "new_private_key",
    "public_of",
    "read_blackholes",
    "read_host_networks",
    "read_received",
    "remove_blackhole",
    "remove_device",
    "select",
    "serving_pid",
    "version_of",
    "watch_calls",
]

# Loaded when asked for: `mesh run` wants one of them, and is waited for when a tunnel died.
_HOMES = {
    "Arrived": "calls",
    "Backend": "backend",
    "HostNetworks": "host_networks",
    "KernelBackend": "kernel",
    "LinkWatch": "link_watch",
    "MemoryBackend": "memory",
    "UserspaceBackend": "userspace",
    "check_tun": "binary",
    "exec_device": "serve",
    "find_binary": "binary",
    "kernel_has_wireguard": "kernel",
    "new_private_key": "keys",
    "public_of": "keys",
    "read_blackholes": "links",
    "read_host_networks": "host_networks",
    "read_received": "received",
    "remove_blackhole": "links",
    "remove_device": "removal",
    "select": "choice",
    "serving_pid": "uapi",
    "version_of": "binary",
    "watch_calls": "calls",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
