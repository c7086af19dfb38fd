"""One datagram to a mesh address, so that WireGuard has something to send and starts the handshake."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable

from gridwire.core.addressing import Address

_DISCARD = 9  # RFC 863; the other side's guard drops it, and nothing waits for an answer


def knock(addresses: Iterable[Address]) -> None:
    """Send one byte to each; an address that cannot be sent to is no peer of ours yet, and is passed over."""
    for address in addresses:
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as datagram:
            datagram.setblocking(False)
            datagram.sendto(b"\0", (str(address), _DISCARD))
