"""Peers as text for `wg addconf` and `wg setconf`, which take the same form. No private key ever stands in it.

Why not `wg syncconf`: it also resets what the text leaves out, so it needs the private key and the port, and on
wireguard-go giving the port binds the socket anew each time: meanwhile the port answers strangers with ICMP
(measured: 12 to 28 answers in 40 syncs under a stream of packets, none with addconf).
"""

from __future__ import annotations

from collections.abc import Iterable

from gridwire.core.endpoint import literal_endpoint
from gridwire.core.errors import Invalid
from gridwire.core.mesh_actions import PeerConfig
from gridwire.core.wireguard import public_key


def peers_text(peers: Iterable[PeerConfig]) -> str:
    """One ``[Peer]`` section each; raise Invalid for a key or an endpoint that is not of its literal form.

    A section without AllowedIPs clears them (wg refuses an empty list); one without Endpoint leaves it be.
    """
    return "\n".join("\n".join(_section(peer)) + "\n" for peer in peers)


def _section(peer: PeerConfig) -> list[str]:
    lines = ["[Peer]", f"PublicKey = {public_key(peer.public_key)}"]
    if peer.allowed_ips:
        lines.append(f"AllowedIPs = {', '.join(str(prefix) for prefix in peer.allowed_ips)}")
    if peer.endpoint is not None:
        literal = literal_endpoint(peer.endpoint)
        if literal is None:
            raise Invalid("endpoint", f"{peer.endpoint} is a name, and wg would wait for DNS")
        lines.append(f"Endpoint = {literal}")
    lines.append(f"PersistentKeepalive = {peer.keepalive or 'off'}")
    return lines
