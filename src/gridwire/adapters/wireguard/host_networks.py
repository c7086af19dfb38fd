"""What the host is connected to: the inputs of ``core.addressing.clashes``."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_interface, ip_network

import psutil
from pyroute2 import IPRoute

from gridwire.core.addressing import HostAddress, Prefix
from gridwire.core.mesh_actions import BLACKHOLE_METRIC

_LOCAL_TABLE = 255
_ROUTED = {1, 6, 7, 8}  # unicast, blackhole, unreachable, prohibit; not local, broadcast, multicast


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNetworks:
    """(interface, value) pairs as the kernel lists them, of every routing table but the local one."""

    addresses: tuple[tuple[str, HostAddress], ...]
    routes: tuple[tuple[str, Prefix], ...]
    tailscale: bool


def read_host_networks() -> HostNetworks:
    """Changes nothing; gridwire's own blackhole routes are left out. Raise OSError where netlink is refused."""
    with IPRoute() as route:
        names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) for link in route.get_links()}
        addresses = tuple(
            (
                names.get(entry["index"], "?"),
                ip_interface(f"{entry.get_attr('IFA_LOCAL') or entry.get_attr('IFA_ADDRESS')}/{entry['prefixlen']}"),
            )
            for entry in route.get_addr()
        )
        routes = tuple(
            (names.get(entry.get_attr("RTA_OIF"), "the kernel"), ip_network(f"{destination}/{entry['dst_len']}"))
            for entry in route.get_routes()
            if (destination := entry.get_attr("RTA_DST")) is not None
            and entry["type"] in _ROUTED
            and entry.get_attr("RTA_TABLE") != _LOCAL_TABLE
            and entry.get_attr("RTA_PRIORITY") != BLACKHOLE_METRIC
        )
    running = any(process.info["name"] == "tailscaled" for process in psutil.process_iter(["name"]))
    return HostNetworks(
        addresses=addresses,
        routes=routes,
        tailscale=running or any(name.startswith("tailscale") for name in names.values()),
    )
