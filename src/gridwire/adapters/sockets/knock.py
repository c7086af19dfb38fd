"""Datagrams to mesh addresses, so that WireGuard has something to send and starts the handshake."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Sequence

from gridwire.core.addressing import Address

_DISCARD = 9  # RFC 863; the other side's guard drops it, and nothing waits for an answer

# Seconds between knocks. A device that is just coming up drops what it is given (wireguard-go hands packets to peers
# that it has started, and starts them by an event of the link); then nothing would call before the other side
# notices that its session is dead, after 15 s.
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)


def knock(addresses: Iterable[Address], *, pauses: Sequence[float] = _PAUSES) -> None:
    """Send one byte to each, now and again after each of ``pauses`` (seconds), from a thread that ends with them.

    WireGuard makes no more handshakes of it than of one datagram (REKEY_TIMEOUT). An address that cannot be sent to
    is no peer of ours yet, or no more, and is passed over.
    """
    wanted = tuple(addresses)
    _send(wanted)
    if wanted and pauses:
        again = threading.Timer(pauses[0], knock, (wanted,), {"pauses": pauses[1:]})
        again.daemon = True
        again.start()


def _send(addresses: Iterable[Address]) -> None:
    for address in addresses:
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as datagram:
            datagram.setblocking(False)
            datagram.sendto(b"\0", (str(address), _DISCARD))
