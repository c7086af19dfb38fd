"""One name asked of the system's resolver, with a deadline that getaddrinfo(3) does not have."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

from gridwire.core.addressing import Address

PATIENCE: Final = 4.0  # seconds; resolv.conf's own default is 5 for each server and try
# glibc's getaddrinfo(3): the name exists, but has no address of the family asked for.
_EXISTS = frozenset({getattr(socket, "EAI_NODATA", -5), getattr(socket, "EAI_ADDRFAMILY", -9)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """``empty``: the name exists, and no address came with it; ``absent``: no such name; ``silent``: no answer."""

    name: str
    outcome: Literal["found", "empty", "absent", "silent"]
    addresses: tuple[Address, ...] = ()


def look_up(name: str, *, patience: float = PATIENCE) -> Looked:
    """Ask the system's resolver (so /etc/hosts counts); never raises."""
    answers: list[Looked] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(name)), daemon=True)
    asking.start()
    asking.join(patience)
    return answers[0] if answers else Looked(name=name, outcome="silent")


def _ask(name: str) -> Looked:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        if error.errno in _EXISTS:
            return Looked(name=name, outcome="empty")
        return Looked(name=name, outcome="absent" if error.errno == socket.EAI_NONAME else "silent")
    except (OSError, UnicodeError):
        return Looked(name=name, outcome="silent")
    addresses = {ip_address(str(entry[4][0]).partition("%")[0]) for entry in found}
    return Looked(name=name, outcome="found", addresses=tuple(sorted(addresses, key=lambda a: (a.version, int(a)))))
