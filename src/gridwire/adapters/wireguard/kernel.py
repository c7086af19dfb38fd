"""The kernel's own WireGuard."""

from __future__ import annotations

import platform

from pyroute2.netlink import genlmsg
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.generic import GenericNetlinkSocket

from gridwire.adapters.wireguard import links
from gridwire.adapters.wireguard.linux import LinuxBackend


def kernel_has_wireguard() -> bool:
    """Ask for the netlink family, which loads the module where there is one, and makes no device."""
    try:
        with GenericNetlinkSocket() as socket:
            socket.bind("wireguard", genlmsg)
    except (NetlinkError, OSError):
        return False
    return True


class KernelBackend(LinuxBackend):
    kind = "kernel"

    @property
    def version(self) -> str:
        return f"kernel {platform.release()}"

    def create(self, interface: str) -> None:
        links.add_wireguard(interface)

    def start(self, interface: str) -> None:
        links.add_wireguard(interface)

    def stop(self, interface: str) -> None:
        links.remove_link(interface)
