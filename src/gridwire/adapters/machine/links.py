"""Links of the host by netlink, and what it forwards. sysfs would show the namespace of whoever mounted it."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psutil
from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from gridwire.core.addressing import Address
from gridwire.core.doctor.surroundings import Forwarding, Interface
from gridwire.core.exposure import Link
from gridwire.core.names import Interface as Name

_SIOCGIFFLAGS, _IFF_UP = 0x8913, 1  # linux/sockios.h, linux/if.h
_FORWARDS = {"ipv4": "sys/net/ipv4/ip_forward", "ipv6": "sys/net/ipv6/conf/all/forwarding"}


def read_interfaces() -> tuple[Interface, ...]:
    """All but lo, sorted by name. Raise OSError where netlink is refused."""
    with IPRoute() as route:
        links = route.get_links()
        names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) for link in links}
        out = {
            entry.get_attr("RTA_OIF")
            for entry in route.get_routes()
            if entry["dst_len"] == 0 and entry["type"] == 1 and entry.get_attr("RTA_OIF") is not None
        }
    found = []
    for link in links:
        name, info = names[link["index"]], link.get_attr("IFLA_LINKINFO")
        kind = str((info.get_attr("IFLA_INFO_KIND") if info is not None else None) or "")
        if name != "lo":
            found.append(
                Interface(
                    name=name,
                    kind=kind,
                    master=names.get(link.get_attr("IFLA_MASTER"), ""),
                    mtu=link.get_attr("IFLA_MTU"),
                    physical=not kind,
                    default_route=link["index"] in out,
                )
            )
    return tuple(sorted(found, key=lambda one: one.name))


def read_links() -> tuple[Link, ...]:
    """All that are up, but for lo, sorted by name. By the C library, which costs a tenth of netlink's messages."""
    found = psutil.net_if_addrs()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        return tuple(
            Link(name=Name(name), addresses=_addresses(found[name]))
            for name in sorted(found)
            if name != "lo" and _is_up(asking, name)
        )


def _is_up(asking: socket.socket, name: str) -> bool:
    """netdevice(7); /proc/net and sysfs would be those of whoever started the process."""
    try:
        said = fcntl.ioctl(asking.fileno(), _SIOCGIFFLAGS, struct.pack("16sh22x", name.encode(), 0))
    except OSError:
        return False
    return bool(struct.unpack_from("=H", said, 16)[0] & _IFF_UP)


def _addresses(found: Iterable[Any]) -> tuple[Address, ...]:
    families = (socket.AF_INET, socket.AF_INET6)
    addresses = {ip_address(each.address.partition("%")[0]) for each in found if each.family in families}
    return tuple(sorted(addresses, key=lambda address: (address.version, int(address))))


def way_to(address: Address) -> str:
    """The interface that packets of this host's to an address leave by; empty where none does."""
    try:
        with IPRoute() as route:
            (entry,) = route.route("get", dst=str(address))
            index = entry.get_attr("RTA_OIF")
            return str(route.get_links(index)[0].get_attr("IFLA_IFNAME"))
    except NetlinkError as error:
        if error.code in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EINVAL, errno.EACCES):
            return ""
        raise


def read_forwarding(proc: Path = Path("/proc")) -> Forwarding:
    """Whether this host passes packets on, and how many it did since boot."""
    on = {family: _number(proc / path) > 0 for family, path in _FORWARDS.items()}
    passed = _snmp(proc / "thread-self/net/snmp") + _snmp6(proc / "thread-self/net/snmp6")
    return Forwarding(ipv4=on["ipv4"], ipv6=on["ipv6"], packets=passed)


def _number(path: Path) -> int:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return 0


def _snmp(path: Path) -> int:
    """proc(5): a line of names and a line of numbers for each protocol."""
    try:
        lines = [line.split() for line in path.read_text("ascii").splitlines() if line.startswith("Ip:")]
        return int(lines[1][lines[0].index("ForwDatagrams")])
    except (OSError, ValueError, IndexError):
        return 0


def _snmp6(path: Path) -> int:
    try:
        named = dict(line.split()[:2] for line in path.read_text("ascii").splitlines())
        return int(named["Ip6OutForwDatagrams"])
    except (OSError, ValueError, KeyError):
        return 0
