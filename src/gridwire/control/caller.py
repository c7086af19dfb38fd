"""Who asks. The socket that a request came by decides, and nothing that the asker says.

local.sock is 0600 root: to connect is to be authorised. control.sock is open to nginx's workers alone, and nginx
says for whom it speaks: ``X-Gridwire-Peer`` (the peer's mesh address, which WireGuard vouches for) and
``X-Gridwire-Listener`` (api | enrol, or breakglass: the socket of nginx's that only root opens). nginx strips both from
what clients send.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Literal

from gridwire.adapters.store import Credential, SessionRow, TokenRow
from gridwire.core.addressing import Address
from gridwire.core.fleet import Node
from gridwire.core.operators import May, OperatorName
from gridwire.core.sessions import FRESH

PEER_HEADER = "x-gridwire-peer"
LISTENER_HEADER = "x-gridwire-listener"
NODE_HEADER = "x-gridwire-node"
BREAKGLASS = "breakglass"
AUTHOR_HEADER = "x-gridwire-author"
_AUTHOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,62}")


Listener = Literal["api", "enrol", "breakglass"]


class Proof(StrEnum):
    """What a request's bearer token proves."""

    NONE = "none"
    WRONG = "wrong"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Root on this host. ``node``: for whom its agent asks, none for this gateway; ``author``: which person."""

    author: str = "root"
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A mesh address that nginx vouches for. ``node`` none: the address was never given. ``tailnet``: it is one of a
    tailnet, which vouches for who has it. ``bearer``: the hash of what was shown as a credential."""

    address: Address
    listener: Listener
    node: Node | None
    proof: Proof = Proof.NONE
    confirmed: bool = False  # enrolment is over: its credential was used, or it never had one to wait for
    tailnet: bool = False
    bearer: str | None = None

    @property
    def author(self) -> str:
        return f"node:{self.node.name}" if self.node is not None else f"address:{self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An operator on an operator's device. ``shown``: by what it is known; ``may``: the lesser of what the operator
    and the token may."""

    operator: OperatorName
    may: May
    node: Node
    address: Address
    shown: SessionRow | TokenRow

    @property
    def author(self) -> str:
        if isinstance(self.shown, TokenRow):
            return f"token:{self.operator}/{self.shown.label}"
        return f"operator:{self.operator}"

    @property
    def session(self) -> SessionRow | None:
        return self.shown if isinstance(self.shown, SessionRow) else None

    def fresh(self, now: datetime) -> bool:
        return self.session is not None and now - self.session.began < FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Nobody that anybody vouches for."""

    why: str


Caller = Local | Peer | Person | Stranger


def local_caller(headers: Mapping[str, str]) -> Local:
    author = headers.get(AUTHOR_HEADER, "")
    return Local(
        author=author if _AUTHOR.fullmatch(author) else "root",
        node=headers.get(NODE_HEADER),
    )


def claimed_peer(headers: Mapping[str, str]) -> tuple[Address | None, Listener] | Stranger:
    """What nginx says of a request on control.sock. By the break-glass socket no address asks: it is root's, here."""
    listener = headers.get(LISTENER_HEADER)
    if listener == BREAKGLASS:
        return None, "breakglass"
    if listener not in ("api", "enrol"):
        return Stranger(why="no listener is named")
    try:
        address = ip_address(headers.get(PEER_HEADER, ""))
    except ValueError:
        return Stranger(why="no peer is named")
    return address, "api" if listener == "api" else "enrol"


def proof_of(authorization: str | None, credential: Credential | None) -> Proof:
    """Compare a bearer token with the hash of the node's credential."""
    if authorization is None:
        return Proof.NONE
    scheme, _, token = authorization.partition(" ")
    if credential is None or scheme.lower() != "bearer":
        return Proof.WRONG
    return Proof.OWN if hmac.compare_digest(digest(token.strip()), credential.sha256) else Proof.WRONG


def bearer_of(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return digest(token.strip()) if scheme.lower() == "bearer" and token.strip() else None


def digest(token: str) -> str:
    """The token has 256 random bits: a plain hash is enough, nothing slows a guess down that cannot be made."""
    return hashlib.sha256(token.encode()).hexdigest()
