"""The perimeter of one node: who may reach which of its mesh ports, and that nobody else reaches its address.

Linux answers for any local address on any interface (the weak host model, RFC 1122 §3.3.4.2): a host on the
same link, with no key, reaches a listener bound to the mesh address. Two layers stop it: an nftables table, and
routing rules that stand when somebody flushes nftables.
"""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.addressing import Address, Prefix
from gridwire.core.names import Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What one role may reach on this node through the mesh: TCP ports, from these mesh addresses.

    ``role`` names the nftables set (``role_<role>``): enrolling, edge, operator, client, gateway.
    Addresses and ports are sorted.
    """

    role: str
    addresses: tuple[Address, ...]
    tcp_ports: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """Handshake initiations (148 bytes, first byte 1) let through per second; known endpoints have own meters."""

    per_source: int = 20
    all_sources: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSpec:
    """``listen_port``: WireGuard's UDP port, counted and metered; 0 where the node listens on none of its own."""

    interface: Interface
    prefix: Prefix
    address: Address
    listen_port: int
    openings: tuple[Opening, ...]
    flood: Flood = Flood()
