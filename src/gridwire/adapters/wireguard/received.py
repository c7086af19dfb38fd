"""How much a device has received of each peer: `wg show dump`, 3 ms."""

from __future__ import annotations

from gridwire.adapters.wireguard.wg import find_wg
from gridwire.core.addressing import Address


def read_received(interface: str) -> dict[Address, int]:
    """Mesh address → bytes since the peer was added, handshakes included; raise Unavailable or NotPermitted."""
    dump = find_wg().dump(interface)
    return {prefix.network_address: peer.received_bytes for peer in dump.peers for prefix in peer.allowed_ips}
