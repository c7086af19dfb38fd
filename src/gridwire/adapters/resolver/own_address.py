"""The address by which this host calls the internet: what others may reach it at, where no NAT stands between."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from gridwire.core.addressing import Address

_SOMEWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))  # documentation: never answers


def own_address() -> Address | None:
    """The source that the routing table picks, IPv4 first; none without a default route. Sends nothing."""
    for destination, family in _SOMEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((destination, 9))
                address = ip_address(str(probe.getsockname()[0]).partition("%")[0])
        except OSError:
            continue
        if not address.is_loopback and not address.is_unspecified:
            return address
    return None
