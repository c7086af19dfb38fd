"""What becomes of a node's identity when a tailnet gives it, or one of its gateways, another address. Pure.

A node that logs out and in is another one to the tailnet. It is known again by who owns it, which the tailnet alone
decides, and a gateway by its name as well; this node itself shows control its credential besides.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from gridwire.core.enrollment import GatewayContact
from gridwire.core.joined import JoinedAs
from gridwire.core.tailnet import Member, MemberSeen

_AGAIN = re.compile(r"-\d+$")  # Tailscale appends a number where the old node of that name is still listed


def readdressed(identity: JoinedAs, own: Member) -> JoinedAs:
    """The identity at the first address of ``own``."""
    return replace(identity, address=own.addresses[0], tailnet=own)


def has_moved(identity: JoinedAs, own: Member) -> bool:
    """Whether this node is at other addresses than those that it joined or was last seen with."""
    return own.addresses != identity.addresses


def with_gateways(identity: JoinedAs, members: tuple[MemberSeen, ...], now: datetime) -> JoinedAs:
    """The identity with its gateways where the tailnet has them now; those that it does not have stay as they were."""
    live = tuple(seen.member for seen in members if not seen.expired(now) and seen.member.addresses)
    return replace(identity, gateways=tuple(_found(contact, live) for contact in identity.gateways))


def _found(contact: GatewayContact, live: tuple[Member, ...]) -> GatewayContact:
    before = contact.tailnet
    if before is None:
        return contact
    same = [member for member in live if member.id == before.id]
    again = [member for member in live if is_of_gateway(before, member)]
    # Of several that could be it none is taken: a guess would be sent this node's credential.
    candidates = same or again
    if len(candidates) != 1 or candidates[0].addresses == before.addresses:
        return contact
    (member,) = candidates
    return replace(contact, address=member.addresses[0], tailnet=member)


def is_of_gateway(known: Member, member: Member) -> bool:
    """Whether a member of the tailnet may be the gateway that was known: it itself, or of its name and owner."""
    return member.id == known.id or (member.same_owner(known) and _stem(member.name) == _stem(known.name))


def _stem(name: str) -> str:
    label, dot, rest = name.partition(".")
    return f"{_AGAIN.sub('', label)}{dot}{rest}"
