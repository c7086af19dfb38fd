"""Between a newcomer and control, through the tunnel that its invitation opened.

    POST /api/v1/enrolments           Redeem    → 202 Redeemed    (the same key may repeat it until expiry)
    POST /api/v1/enrolments/confirm   (empty)   → 200 Confirmed   | 425 while a gateway has not applied the key

The newcomer is known by its mesh address alone, which nginx reports and WireGuard vouches for. Confirming may
be repeated until the credential was used once; each repetition replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.fleet import NodeState, Role
from gridwire.core.names import NodeName
from gridwire.core.wireguard import PublicKey

REDEEM_PATH = "/api/v1/enrolments"
CONFIRM_PATH = "/api/v1/enrolments/confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem:
    public_key: PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    node: NodeName
    role: Role
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """``credential``: 32 random bytes in base64url; sent as ``Authorization: Bearer`` from then on."""

    node: NodeName
    role: Role
    state: NodeState
    credential: str

    def __repr__(self) -> str:
        return f"Confirmed(node={self.node!r}, state={self.state!r})"
