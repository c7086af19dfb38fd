"""Why a newcomer gets no answer, from what its own device counted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gridwire.core.wireguard import PeerSeen

INITIATION_BYTES = 148  # WireGuard's first message, whitepaper §5.4.2

ENOUGH_SILENCES = 3  # one may be a packet that was lost; join waits longer for each


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the device counted of all gateways, in bytes, and when the last handshake was.

    ``invited``: whether that was with the invitation's key, not with this node's own. ``silences``: requests that
    nothing came back to, not even a refusal; ``answered``: whether something did to one of them.
    """

    sent: int = 0
    received: int = 0
    handshake: datetime | None = None
    invited: bool = False
    silences: int = 0
    answered: bool = False

    def and_then(self, peers: tuple[PeerSeen, ...], *, invited: bool) -> Counted:
        """With the counters of ``peers``, which begin anew whenever the peers are made anew."""
        shaken = [peer.latest_handshake for peer in peers if peer.latest_handshake is not None]
        return replace(
            self,
            sent=self.sent + sum(peer.sent_bytes for peer in peers),
            received=self.received + sum(peer.received_bytes for peer in peers),
            handshake=max(shaken, default=self.handshake),
            invited=invited if shaken else self.invited,
        )

    @property
    def taken(self) -> bool:
        """Whether the gateway knows the invitation and lets nothing through it: once it is redeemed, its key has no
        address any more."""
        return self.handshake is not None and self.invited and self.silences >= ENOUGH_SILENCES and not self.answered


def likely_cause(counted: Counted, endpoints: tuple[str, ...], now: datetime) -> str:
    """One sentence on what was seen and one on the likely cause. ``endpoints``: where the gateways were called."""
    called = ", ".join(endpoints)
    if counted.taken:
        return f"{called} knows the invitation, and lets nothing through it. Likely: {REDEEMED}"
    if counted.handshake is not None:
        age = max(0, int((now - counted.handshake).total_seconds()))
        return (
            f"handshake {age} s ago, {counted.sent} bytes sent, {counted.received} received: the tunnel stands, but "
            "nobody answers in it. Likely: control or nginx is not running on the gateway (`gridwire status` there), "
            "or MTU on the way"
        )
    if counted.sent == 0:
        return f"nothing was sent to {called}. Likely: there is no route to it"
    begun = max(1, round(counted.sent / INITIATION_BYTES))
    return (
        f"{begun} packet{'' if begun == 1 else 's'} sent to {called}, none came back. Likely, in this order: the "
        "gateway's provider or firewall drops that UDP port; this network blocks UDP; the invitation has expired or "
        "was redeemed with another key; the token's gateway key is not this gateway's; a clock is wrong. "
        "`gridwire invite NAME --wait` on the gateway says whether a newcomer's handshakes arrive"
    )


REDEEMED = (
    "another host has redeemed it, or this one under a key that it has no more. If that was not you, it leaked: "
    "tell the operator, who revokes the node and invites again"
)
