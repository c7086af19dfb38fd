"""Why a newcomer gets no answer, from what its own device counted. Pure."""

from __future__ import annotations

from datetime import datetime

from gridwire.core.wireguard import PeerSeen

INITIATION_BYTES = 148  # WireGuard's first message, whitepaper §5.4.2


def likely_cause(peers: tuple[PeerSeen, ...], endpoints: tuple[str, ...], now: datetime) -> str:
    """One sentence on what was seen and one on the likely cause.

    ``peers`` are the gateways as `wg show dump` lists them; ``endpoints`` where they were to be called.
    """
    called = ", ".join(endpoints)
    sent = sum(peer.sent_bytes for peer in peers)
    received = sum(peer.received_bytes for peer in peers)
    handshakes = [peer.latest_handshake for peer in peers if peer.latest_handshake is not None]
    if handshakes:
        age = max(0, int((now - max(handshakes)).total_seconds()))
        return (
            f"handshake {age} s ago, {sent} bytes sent, {received} received: the tunnel stands, but nobody answers in "
            "it. Likely: control or nginx is not running on the gateway (`gridwire status` there), or MTU on the way"
        )
    if sent == 0:
        return f"nothing was sent to {called}. Likely: its name does not resolve here, or there is no route to it"
    packets = max(1, round(sent / INITIATION_BYTES))
    if received == 0:
        return (
            f"{packets} packets sent to {called}, none came back. Likely, in this order: the gateway's provider or "
            "firewall drops that UDP port; this network blocks UDP; the invitation has expired or was redeemed with "
            "another key; a clock is wrong. `gridwire invite NAME --wait` on the gateway says whether packets arrive"
        )
    return (
        f"{packets} packets sent to {called}, {received} bytes came back, no handshake. Likely: the gateway's key is "
        "not the one in the token, or the gateway is flooded and answers with cookies"
    )
