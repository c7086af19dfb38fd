"""Which WireGuard this host uses: the kernel's where it has one, else wireguard-go. Chosen once."""

from __future__ import annotations

from gridwire.adapters.wireguard.backend import Backend
from gridwire.adapters.wireguard.binary import check_tun, find_binary
from gridwire.adapters.wireguard.kernel import KernelBackend, kernel_has_wireguard
from gridwire.adapters.wireguard.userspace import UserspaceBackend
from gridwire.adapters.wireguard.wg import find_wg


def select(binary: str | None = None) -> Backend:
    """``binary``: the wireguard-go to take, by path or name, where the kernel has none; none: the one on PATH.

    Raise Unavailable with the package to install, or the container's lines where /dev/net/tun is missing.
    """
    wg = find_wg()
    if kernel_has_wireguard():
        return KernelBackend(wg)
    found = find_binary(binary)
    check_tun()
    return UserspaceBackend(wg, found)
