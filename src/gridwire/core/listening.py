"""Who listens on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gridwire.core.addressing import Address

Protocol = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A TCP listener or a bound UDP socket.

    ``pid`` and ``process`` are none and empty for the kernel's own sockets, and for others' without root.
    """

    protocol: Protocol
    address: Address
    port: int
    pid: int | None
    process: str
