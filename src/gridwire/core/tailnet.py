"""A tailnet as gridwire sees it: who is on it, who this node is there, and what stands between it and serving.

A tailnet gives addresses itself, one of each family, of two ranges that are the same everywhere. Its device is
tailscaled's, not gridwire's: gridwire reads it and changes nothing of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import NewType

from gridwire.core.addressing import Address, Prefix
from gridwire.core.errors import Conflict, GridwireError, Invalid, Unavailable
from gridwire.core.names import Interface, shown
from gridwire.core.perimeter import Finding, Severity

TAILNET4 = IPv4Network("100.64.0.0/10")  # https://tailscale.com/kb/1015/100.x-addresses
TAILNET6 = IPv6Network("fd7a:115c:a1e0::/48")  # https://tailscale.com/kb/1033/ip-and-dns-addresses
TAILNET: tuple[Prefix, ...] = (TAILNET4, TAILNET6)
DEVICE = Interface("tailscale0")
SOCKET = "/run/tailscale/tailscaled.sock"

Login = NewType("Login", str)
TailnetTag = NewType("TailnetTag", str)
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,180}@[A-Za-z0-9.-]{1,63}")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")


class Provider(StrEnum):
    """Who makes the mesh: gridwire with WireGuard, or a tailnet that is there already."""

    WIREGUARD = "wireguard"
    TAILSCALE = "tailscale"


def login(text: str, field: str = "user") -> Login:
    """A user as the tailnet knows it, ``alice@example.com`` or ``alice@github``; raise Invalid."""
    if _LOGIN.fullmatch(text) is None:
        raise Invalid(field, f"{shown(text)} is not a user of a tailnet", fix="write it like alice@example.com")
    return Login(text)


def tailnet_tag(text: str, field: str = "tag") -> TailnetTag:
    """A tag of the tailnet's policy file, without ``tag:``; raise Invalid."""
    if _TAG.fullmatch(text) is None:
        raise Invalid(field, f"{shown(text)} is not a tag of a tailnet", fix="use letters, digits and '-'")
    return TailnetTag(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A node of the tailnet, as whois tells it. ``id`` is its own for as long as it stays logged in.

    ``name``: its MagicDNS name, without the dot at the end. A node with ``tags`` belongs to no user.
    """

    id: str
    name: str
    login: Login | None
    tags: tuple[TailnetTag, ...]
    addresses: tuple[Address, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", tuple(sorted(set(self.tags))))
        object.__setattr__(self, "addresses", tuple(sorted(set(self.addresses), key=lambda a: (a.version, int(a)))))

    def same_owner(self, other: Member) -> bool:
        """Whether both are the same user's, or have the same tags: only the tailnet decides that."""
        return bool(self.tags or self.login) and (self.tags, self.login) == (other.tags, other.login)

    def owner(self) -> str:
        return ", ".join(f"tag:{tag}" for tag in self.tags) or str(self.login or "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSeen:
    """``online``: connected to the tailnet's control plane. ``expires``: its key. Bytes since tailscaled knows it."""

    member: Member
    online: bool
    expires: datetime | None
    latest_handshake: datetime | None
    received_bytes: int

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class TailnetObserved:
    """``state``: tailscaled's own word, ``Running`` where all is well. ``held``: the addresses of this node that the
    kernel has on tailscaled's device: what tailscaled says it was given outlives a logout and an expired key.
    """

    state: str
    userspace: bool
    interface: Interface
    own: Member | None
    held: tuple[Address, ...]
    key_expires: datetime | None
    members: tuple[MemberSeen, ...]


def standing(seen: TailnetObserved, now: datetime) -> GridwireError | None:
    """What keeps this node from serving on the tailnet, with what to do; none where nothing does.

    Unavailable for what passes by itself or by logging in, Conflict for what the operator has to change.
    """
    if seen.userspace:
        return Conflict(
            "tailscaled runs in userspace mode: it hands what peers send to this host's 127.0.0.1, past every guard",
            fix="start tailscaled without --tun=userspace-networking (in a container: TS_USERSPACE=false, with"
            " /dev/net/tun and NET_ADMIN)",
            code="tailscale-userspace",
        )
    if seen.key_expires is not None and seen.key_expires <= now:
        return Unavailable(
            f"this node's Tailscale key expired at {seen.key_expires:%Y-%m-%d %H:%M} UTC",
            fix="tailscale up --force-reauth; for a server, disable key expiry in Tailscale's admin console",
            code="tailscale-expired",
        )
    if seen.state != "Running":
        return Unavailable(
            f"tailscaled is in the state {shown(seen.state)}", fix="tailscale up", code="tailscale-not-running"
        )
    if not seen.held:
        return Unavailable(
            f"no Tailscale address is on {seen.interface} yet",
            fix="where tailscaled runs with --tun=NAME, write network.interface: NAME",
            code="tailscale-no-address",
        )
    return None


def check_host(seen: TailnetObserved, now: datetime) -> Member:
    """This node on its tailnet; raise what keeps the host from being a node of a grid."""
    error = standing(seen, now)
    if error is not None:
        raise error
    if seen.own is None or not any(address.version == 4 for address in seen.held):
        raise Conflict(
            "this node has no IPv4 address on the tailnet",
            fix="gridwire calls nodes by it: take the attribute disable-ipv4 from this node",
            code="tailscale-no-ipv4",
        )
    return seen.own


def carrier_grade(others: tuple[tuple[str, Address], ...]) -> tuple[Finding, ...]:
    """A provider's carrier-grade NAT in the range that Tailscale uses. ``others``: (interface, address) of the host's
    other devices. The guard is of this node's own addresses alone, so it is only Tailscale's own rule that bites."""
    found = [f"{interface} has {address}" for interface, address in others if address in TAILNET4]
    if not found:
        return ()
    finding = Finding(
        id="tailscale-cgnat",
        severity=Severity.INFO,
        where="mesh",
        what=f"{', '.join(found)}: carrier-grade NAT of the provider's (RFC 6598), in the range that Tailscale gives"
        " addresses from. Tailscale drops what hosts of that range send by any other device than its own",
        fix="nothing where this host only calls out; else give the tailnet an IP pool that the provider does not use"
        " (https://tailscale.com/kb/1304/ip-pool)",
    )
    return (finding,)
