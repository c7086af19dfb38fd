"""What tailscaled answers, understood: pure functions of JSON text.

The LocalAPI is not versioned; what is read here is what ``tailscale status --json`` and ``tailscale whois --json``
have printed since 1.36. Unknown fields are ignored, and fields that are missing make the answer not understood.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_interface
from typing import Any

from gridwire.core.addressing import Address
from gridwire.core.errors import Invalid, Unavailable
from gridwire.core.names import shown
from gridwire.core.tailnet import TAILNET, Login, Member, MemberSeen, TailnetTag, login, tailnet_tag

# Of ipn.Notify: what changes addresses, keys, peers or who they are. Endpoints, traffic and health do not.
_NEWS = ("State", "LoginFinished", "SelfChange", "PeersChanged", "PeersRemoved", "NetMap", "ErrMessage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``addresses``: those that this node was given, also while it is logged out."""

    state: str
    userspace: bool
    own: Member | None
    key_expires: datetime | None
    members: tuple[MemberSeen, ...]


def parse_status(text: bytes) -> Status:
    """GET status; raise Unavailable for what is not understood."""
    try:
        raw = json.loads(text)
        users = {str(key): value for key, value in (raw.get("User") or {}).items()}
        own = raw.get("Self") or {}
        return Status(
            state=str(raw["BackendState"]),
            userspace=raw["TUN"] is False,
            own=_peer(own, users) if own.get("ID") and own.get("TailscaleIPs") else None,
            key_expires=_moment(own.get("KeyExpiry")),
            members=tuple(
                MemberSeen(
                    member=_peer(peer, users),
                    online=bool(peer.get("Online")),
                    expires=_moment(peer.get("KeyExpiry")),
                    latest_handshake=_moment(peer.get("LastHandshake")),
                    received_bytes=int(peer.get("RxBytes") or 0),
                )
                for peer in (raw.get("Peer") or {}).values()
                # tailscaled also lists peers that it has only counters of, and those that others shared.
                if peer.get("ID") and peer.get("TailscaleIPs") and not peer.get("ShareeNode")
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _not_understood("status", error) from None


def parse_whois(text: bytes) -> Member:
    """GET whois?addr=…; raise Unavailable for what is not understood."""
    try:
        raw = json.loads(text)
        node = raw["Node"]
        tags = _tags(node.get("Tags"))
        return Member(
            id=str(node["StableID"]),
            name=_name(node["Name"]),
            login=None if tags else _login(raw["UserProfile"].get("LoginName")),
            tags=tags,
            addresses=_own_addresses(str(ip_interface(address).ip) for address in node["Addresses"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _not_understood("whois", error) from None


def concerns(line: bytes) -> bool:
    """Whether a line of the bus says that this node or a peer is another now, and not only how well somebody is.

    A line that is not understood does: to look once too often costs less than not to look.
    """
    try:
        said = json.loads(line)
        return any(said.get(key) is not None for key in _NEWS)
    except (AttributeError, ValueError):
        return True


def _peer(peer: Mapping[str, Any], users: Mapping[str, Mapping[str, Any]]) -> Member:
    tags = _tags(peer.get("Tags"))
    return Member(
        id=str(peer["ID"]),
        name=_name(peer.get("DNSName") or peer["HostName"]),
        login=None if tags else _login(users.get(str(peer.get("UserID")), {}).get("LoginName")),
        tags=tags,
        addresses=_own_addresses(peer["TailscaleIPs"]),
    )


def _name(text: str) -> str:
    return text.rstrip(".").lower()


def _login(text: str | None) -> Login | None:
    """None for a user that no policy of gridwire's could name: it has no rights by its user, then."""
    try:
        return None if not text else login(text)
    except Invalid:
        return None


def _tags(tags: list[str] | None) -> tuple[TailnetTag, ...]:
    return tuple(tailnet_tag(tag.removeprefix("tag:")) for tag in tags or ())


def _own_addresses(texts: Any) -> tuple[Address, ...]:
    """Those of the tailnet's ranges: what else a node may be given (a service's address) says nothing of who it is."""
    return tuple(a for a in map(ip_address, texts) if any(a.version == p.version and a in p for p in TAILNET))


def _moment(text: str | None) -> datetime | None:
    """Go's zero time is none. Python reads at most microseconds."""
    if not text or text.startswith("0001-"):
        return None
    head, dot, rest = text.partition(".")
    digits = rest.rstrip("Z").partition("+")[0]
    whole = f"{head}.{digits[:6]}" if dot else head.rstrip("Z")
    return datetime.fromisoformat(whole).replace(tzinfo=UTC)


def _not_understood(what: str, error: Exception) -> Unavailable:
    return Unavailable(
        f"tailscaled's {what} is not understood ({type(error).__name__}: {shown(str(error))})",
        fix="run a tailscaled that gridwire is tested with: docs/guides/tailscale.md",
        code="tailscale-not-understood",
    )
