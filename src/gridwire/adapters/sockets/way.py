"""Whether a network leads to an address, by this host's routes."""

from __future__ import annotations

import errno
import socket

_DISCARD = 9  # any port will do: connecting a UDP socket sends nothing
_NOWHERE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


def leads_to(address: str) -> bool:
    """``address`` is a literal. True also where that cannot be told: nothing is lost by calling."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((address, _DISCARD))
        except OSError as error:
            return error.errno not in _NOWHERE
    return True
