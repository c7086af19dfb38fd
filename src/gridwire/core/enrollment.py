"""Joining: the token that carries an invitation, and which step of a redemption is allowed when.

    invited ──redeem(key)──► redeemed ──confirm──► pending ──approve──► active
       │                        │ └──────────────────(no approval)──────►
       │ expires: revoked       │ expires: revoked
       └── a second key, or a handshake of the ephemeral key after redemption: quarantined

Reading an invitation and writing it later lets one be redeemed twice (TS-2025-007): ``redeem`` here only says
what the one UPDATE of the store must hold; the store's WHERE clause is the judge.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network

from gridwire.core.addressing import Address, Prefix, check_prefix
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Fleet, Invitation, Node, NodeState
from gridwire.core.names import HostName, Interface, NodeName, host_name, interface_name, node_name
from gridwire.core.tailnet import Member
from gridwire.core.wireguard import PeerSeen, PublicKey, decode_key, public_key

_MAGIC = "gw1_"
_CHECKSUM_BYTES = 6
_LONGEST = 8192
LIFETIME_SECONDS = 3600
LONGEST_LIFETIME_SECONDS = 30 * 86_400

# A newcomer whose 202 was lost keeps sending on the ephemeral key, and WireGuard then starts one handshake more
# after 15 s (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT, paper §6.1). That one, from the newcomer's own host, is no leak.
LEAK_GRACE = timedelta(seconds=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayContact:
    """What a newcomer must know of a gateway: where to call it, and by what it is recognised.

    That is its key, or on a tailnet, which knows its keys itself, who it is there.
    """

    node: NodeName
    public_key: PublicKey | None = None
    endpoint: str = ""
    address: Address
    tailnet: Member | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        others = () if self.tailnet is None else self.tailnet.addresses
        return (self.address, *(address for address in others if address != self.address))


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An invitation in the hands of its holder. ``ephemeral_private_key`` makes it a secret."""

    node: NodeName
    role: str
    address: Address
    prefix: Prefix
    interface: Interface
    suffix: HostName
    enrol_port: int
    api_port: int
    routes_port: int
    edge_port: int
    mtu: int
    expires: datetime
    ephemeral_private_key: str
    gateways: tuple[GatewayContact, ...]

    def __repr__(self) -> str:
        return f"Token(node={self.node!r}, expires={self.expires.isoformat()})"


def encode_token(token: Token) -> str:
    """``gw1_`` + base64url(deflate-free JSON + the first 6 bytes of its SHA-256), without padding."""
    body = json.dumps(
        {
            "n": token.node,
            "r": token.role,
            "a": str(token.address),
            "p": str(token.prefix),
            "i": token.interface,
            "s": token.suffix,
            "e": token.enrol_port,
            "c": token.api_port,
            "w": token.routes_port,
            "d": token.edge_port,
            "m": token.mtu,
            "x": int(token.expires.timestamp()),
            "k": token.ephemeral_private_key,
            "g": [[g.node, g.public_key, g.endpoint, str(g.address)] for g in token.gateways],
        },
        separators=(",", ":"),
        sort_keys=True,
    ).encode()
    sealed = body + hashlib.sha256(body).digest()[:_CHECKSUM_BYTES]
    return _MAGIC + base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def decode_token(text: str, field: str = "token") -> Token:
    """Parse what a person pasted; raise Invalid that says whether it is foreign, truncated or altered.

    White space inside (a wrapped line) is ignored. Expiry is judged by the caller, who has a clock.
    """
    compact = "".join(text.split())
    if not compact:
        raise Invalid(field, "it is empty", fix="paste what `gridwire invite` printed")
    if not compact.startswith(_MAGIC):
        raise Invalid(field, "it does not start with gw1_", fix="paste what `gridwire invite` printed, whole")
    if len(compact) > _LONGEST:
        raise Invalid(field, "it is too long", fix="paste one token")
    encoded = compact[len(_MAGIC) :]
    try:
        sealed = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        sealed = b""
    body, checksum = sealed[:-_CHECKSUM_BYTES], sealed[-_CHECKSUM_BYTES:]
    if not body or hashlib.sha256(body).digest()[:_CHECKSUM_BYTES] != checksum:
        raise Invalid(field, "its checksum is wrong: it was cut short or altered", fix="copy it again, whole")
    try:
        raw = json.loads(body)
        prefix = ip_network(raw["p"])
        check_prefix(prefix, shared_on_request=True, field=field)
        decode_key(raw["k"], field)
        token = Token(
            node=node_name(raw["n"], field),
            role=str(raw["r"]),
            address=ip_address(raw["a"]),
            prefix=prefix,
            interface=interface_name(raw["i"], field),
            suffix=host_name(raw["s"], field),
            enrol_port=_port(raw["e"], field),
            api_port=_port(raw["c"], field),
            routes_port=_port(raw["w"], field),
            edge_port=_port(raw["d"], field),
            mtu=int(raw["m"]),
            expires=datetime.fromtimestamp(int(raw["x"]), UTC),
            ephemeral_private_key=raw["k"],
            gateways=tuple(
                GatewayContact(
                    node=node_name(name, field),
                    public_key=public_key(key, field),
                    endpoint=str(endpoint),
                    address=ip_address(address),
                )
                for name, key, endpoint, address in raw["g"]
            ),
        )
    except Invalid:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(field, f"it was made by another version of gridwire ({error})", fix="ask for a new one") from None
    if token.address not in token.prefix or not token.gateways:
        raise Invalid(field, "it names no gateway, or an address outside its mesh", fix="ask for a new one")
    return token


def _port(value: object, field: str) -> int:
    if type(value) is not int or not 1 <= value <= 65535:
        raise Invalid(field, f"{value!r} is not a port", fix="ask for a new one")
    return value


def check_lifetime(seconds: int, field: str = "ttl_seconds") -> timedelta:
    """How long an invitation lives: 1 second to 30 days; raise Invalid."""
    if not 1 <= seconds <= LONGEST_LIFETIME_SECONDS:
        raise Invalid(
            field,
            f"{seconds} s is not from 1 s to {LONGEST_LIFETIME_SECONDS // 86_400} days",
            fix="invite again when it is needed; a long-lived invitation is a key lying about",
        )
    return timedelta(seconds=seconds)


def provisional_name(fleet: Fleet, name: NodeName) -> NodeName:
    """What a replacement is called until it takes the name of the node that it replaces: ``NAME-new``."""
    taken = {node.name for node in fleet.nodes if node.state is not NodeState.REVOKED}
    for number in range(1, len(taken) + 2):
        suffix = "-new" if number == 1 else f"-new-{number}"
        candidate = NodeName(name[: 63 - len(suffix)].rstrip("-") + suffix)
        if candidate not in taken:
            return candidate
    raise AssertionError("more candidates than names that are taken")


def expired(invitation: Invitation, node: Node, now: datetime) -> bool:
    """Whether the invitation is over and its node never came: a node that confirmed in time stays."""
    return invitation.expires <= now and node.state in (NodeState.INVITED, NodeState.REDEEMED)


def leaked(invitation: Invitation, peers: tuple[PeerSeen, ...]) -> bool:
    """Whether the ephemeral key was used again after redemption, as one gateway's device shows it.

    From another host than the node's own key calls from: at once; from the same one: after LEAK_GRACE.
    `wg show dump` cuts handshakes to whole seconds, so one of the second of the redemption never counts.
    """
    by_key = {peer.public_key: peer for peer in peers}
    ephemeral = by_key.get(invitation.ephemeral_key)
    if invitation.redeemed_at is None or ephemeral is None or ephemeral.latest_handshake is None:
        return False
    if ephemeral.latest_handshake <= invitation.redeemed_at:
        return False
    own = by_key.get(invitation.redeemed_key) if invitation.redeemed_key is not None else None
    elsewhere = own is not None and None not in (own.endpoint, ephemeral.endpoint) and _host(own) != _host(ephemeral)
    return elsewhere or ephemeral.latest_handshake > invitation.redeemed_at + LEAK_GRACE


def _host(peer: PeerSeen) -> str:
    return (peer.endpoint or "").rpartition(":")[0]


class WaitsFor(StrEnum):
    """Whose turn it is until a newcomer is in."""

    NEWCOMER = "newcomer"  # somebody has to run `gridwire join` there, or let it go on
    GRID = "grid"  # gateways and control; nobody has to do anything
    OPERATOR = "operator"  # a yes, or a decision
    NOBODY = "nobody"  # it is in, or it is over


def waits_for(state: NodeState, *, gateway_reports: bool) -> WaitsFor:
    if state in (NodeState.PENDING, NodeState.QUARANTINED):
        return WaitsFor.OPERATOR
    if state not in (NodeState.INVITED, NodeState.REDEEMED):
        return WaitsFor.NOBODY
    return WaitsFor.NEWCOMER if gateway_reports and state is NodeState.INVITED else WaitsFor.GRID


def likely_cause(state: NodeState, *, begun: int, packets_arrived: int, handshake: bool, gateway_reports: bool) -> str:
    """Why an invitation is not further than it is, as far as a gateway can tell; empty where nothing is wrong.

    ``begun``: handshakes from where no node is known to be; ``packets_arrived``: all packets, the nodes' own as well.
    """
    if state is NodeState.REVOKED:
        return "the invitation expired or was cancelled: invite again"
    if state is NodeState.QUARANTINED:
        return "the invitation was used twice, so it may have leaked: revoke the node and invite again"
    if state is NodeState.PENDING:
        return "it waits for a yes: gridwire node approve"
    if state is NodeState.REDEEMED:
        return "its key is known, and it has not confirmed yet: is `gridwire join` still running there?"
    if state is not NodeState.INVITED:
        return ""
    if not gateway_reports:
        return "no gateway's agent reports: is `gridwire agent` running on the gateway?"
    if handshake:
        return "the tunnel answers, but join has not finished: is `gridwire join` still running there?"
    if begun:
        return (
            "handshakes are begun from where no node was known to be, and this invitation's is not among those that "
            "succeed: another invitation's token, the newcomer's clock is wrong, or it is a node that moved"
        )
    if packets_arrived:
        return (
            "the gateway's UDP port is open, for packets of others arrive; nobody new has called: "
            "UDP blocked where the newcomer is, or join was not started"
        )
    return (
        "no packet has arrived at the gateway's UDP port: a provider's firewall before the gateway, "
        "UDP blocked where the newcomer is, or join was not started"
    )
