"""Why a node does not reach its gateways, as the node itself sees it. The gateway's view is ``far_end``.

Each cause has a sign that no other has, looked for in this order; where there is none, what is left is said.

    clash         packets for the gateway's mesh address do not leave by the mesh
    allowed IPs   the device's peers are not those of the spec
    mtu           an echo of 100 bytes is answered through the tunnel, one that fills it is not
    conntrack     this host's table is full
    endpoint      its name leads elsewhere, a router says that nobody is there, or nothing listens at the port
    UDP blocked   the endpoint's host answers an echo, a router says "prohibited", or all is silent but that
    clock         this clock is behind what this host wrote (``machine``), or differs from the gateway's
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gridwire.core.addressing import Address, Clash, Prefix
from gridwire.core.doctor.kinds import found
from gridwire.core.doctor.machine import NEARLY_FULL, Conntrack, Seen, span
from gridwire.core.names import Interface, NodeName
from gridwire.core.observed import Known
from gridwire.core.perimeter import Finding
from gridwire.core.wireguard import STALE_HANDSHAKE_SECONDS, MeshObserved, PeerSeen, PublicKey

CLOCKS_AGREE = timedelta(seconds=60)
LEAST_MTU = 1280  # of IPv6 (RFC 8200 §5), and of network.mtu
_FRESH = timedelta(seconds=STALE_HANDSHAKE_SECONDS + 15)  # a session is renewed by then, or is lost


class Reply(StrEnum):
    """What came back to one datagram for WireGuard's port, which WireGuard itself never answers."""

    SILENT = "nothing"
    REFUSED = "port unreachable"
    NO_HOST = "host unreachable"
    PROHIBITED = "administratively prohibited"
    NO_ROUTE = "no route from here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Echoes:
    """Echoes through the tunnel: ``small`` of 100 bytes, ``full`` of a whole packet of ``mtu``; none: not asked.

    ``largest``: the largest packet that was answered where a full one was not. ``by``: the interface that packets to
    that address leave by.
    """

    small: bool
    full: bool
    mtu: int
    largest: int = 0
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySeen:
    """One gateway from a node. ``endpoint`` as the spec gives it; ``resolved``: that its host leads to now.

    ``before`` and ``after``: the peer as the device had it around the echoes. ``answers``: whether the endpoint's host
    answers an echo outside of the tunnel. ``clock``: what the gateway's clock said, and when by this one; none: it
    could not be asked.
    """

    node: NodeName
    public_key: PublicKey
    address: Address
    endpoint: str
    resolved: tuple[Address, ...]
    allowed_ips: tuple[Prefix, ...]
    before: PeerSeen | None
    after: PeerSeen | None
    echoes: Echoes
    reply: Reply
    answers: bool | None
    clock: tuple[datetime, datetime] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NearEnd:
    """``differences``: what the agent would change of the device now, by its own plan; none on a device without."""

    now: datetime
    interface: Interface
    device: Seen[MeshObserved | None]
    differences: tuple[str, ...]
    clashes: tuple[Clash, ...]
    conntrack: Conntrack | None
    clock_behind: bool
    gateways: tuple[GatewaySeen, ...]


def judge_near_end(seen: NearEnd) -> tuple[Finding, ...]:
    if isinstance(seen.device, Known) and seen.device.value is None:
        return (missing_device(seen.interface),)
    return (
        *judge_device(seen.device, seen.differences),
        *(finding for gateway in seen.gateways for finding in judge_gateway(seen, gateway)),
    )


def missing_device(interface: Interface) -> Finding:
    return found(
        "device-missing",
        f"there is no {interface}: nothing of the mesh runs on this host",
        fix="gridwire install (or gridwire up), and see: journalctl -b -u 'gridwire-*'",
    )


def judge_device(device: Seen[MeshObserved | None], differences: tuple[str, ...]) -> Iterable[Finding]:
    """``differences`` are the agent's to mend within seconds: that they stand means that it does not run, or fails."""
    for difference in differences:
        allowed = "allowed IPs" in difference
        yield found(
            "allowed-ips" if allowed else "device-differs",
            f"the device is not what this node's spec says: {difference}",
            evidence=f"wg show {device.value.interface} dump" if isinstance(device, Known) and device.value else "",
            fix="see why the agent does not mend it: systemctl status gridwire-agent, gridwire status",
        )


def judge_gateway(seen: NearEnd, gateway: GatewaySeen) -> tuple[Finding, ...]:
    """Nothing where a full packet comes back; else one cause, or what it can be."""
    echoes = gateway.echoes
    if echoes.small and echoes.full:
        return tuple(_skew(gateway))
    if echoes.small:
        return (narrow(str(gateway.node), echoes),)
    if echoes.by not in ("", seen.interface):
        return (astray(str(gateway.node), gateway.address, echoes.by, seen.clashes),)
    wrong = gateway.after is not None and gateway.after.allowed_ips != gateway.allowed_ips
    if wrong and not any("allowed IPs" in difference for difference in seen.differences):
        return (_allowed(gateway),)
    if wrong:
        return ()  # said with the device
    handshake = gateway.after.latest_handshake if gateway.after is not None else None
    if handshake is not None and timedelta(0) <= seen.now - handshake <= _FRESH and _heard(gateway):
        return (_carries_nothing(gateway, handshake, seen.now),)
    return (_unanswered(seen, gateway),)


def _heard(gateway: GatewaySeen) -> bool:
    """A handshake of minutes ago says little where nothing came back to what was sent just now."""
    return gateway.before is not None and gateway.after is not None and heard(gateway.before, gateway.after)


def heard(before: PeerSeen, after: PeerSeen) -> bool:
    """Whether anything of the peer came between two readings of the device."""
    return after.latest_handshake != before.latest_handshake or after.received_bytes > before.received_bytes


def _skew(gateway: GatewaySeen) -> Iterable[Finding]:
    if gateway.clock is not None and abs(gateway.clock[0] - gateway.clock[1]) > CLOCKS_AGREE:
        theirs, ours = gateway.clock
        yield found(
            "clock",
            f"this clock and {gateway.node}'s differ by {span(theirs - ours)}",
            evidence=f"{gateway.node} says {theirs:%H:%M:%SZ}, this host {ours:%H:%M:%SZ}",
            fix="set both by NTP (timedatectl set-ntp true): after the wrong one is set back, no handshake is taken",
        )


def narrow(name: str, echoes: Echoes) -> Finding:
    passes = f"up to {echoes.largest} bytes pass" if echoes.largest else "only small ones pass"
    fix = (
        "a link on the way carries less, and its 'fragmentation needed' does not get through: let ICMP type 3 in "
        "(routers, clouds' rules)"
    )
    if echoes.largest >= LEAST_MTU:
        fix += f", or set `network.mtu: {echoes.largest}` on the gateway and restart it"
    return found(
        "mtu",
        f"packets of {echoes.mtu} bytes do not pass the tunnel to {name}, {passes}: transfers hang after they began",
        evidence=f"an echo of 100 bytes is answered, one of {echoes.mtu} is not",
        fix=fix,
    )


def astray(name: str, address: Address, by: str, clashes: tuple[Clash, ...]) -> Finding:
    what = clashes[0].with_what if clashes else f"a route by {by}"
    return found(
        "clash",
        f"packets for {name} ({address}) leave by {by}, not by the mesh: {what} takes them",
        evidence=f"ip route get {address}",
        fix=clashes[0].fix if clashes else f"take that route away, or give {by}'s network other addresses",
    )


def _allowed(gateway: GatewaySeen) -> Finding:
    has = ", ".join(map(str, gateway.after.allowed_ips)) if gateway.after and gateway.after.allowed_ips else "none"
    return found(
        "allowed-ips",
        f"the device takes {has} from {gateway.node}, and should take {', '.join(map(str, gateway.allowed_ips))}",
        evidence="allowed-ips of wg show dump",
        fix="see why the agent does not mend it: systemctl status gridwire-agent",
    )


def _carries_nothing(gateway: GatewaySeen, handshake: datetime, now: datetime) -> Finding:
    return found(
        "not-carrying",
        f"the handshake with {gateway.node} is fresh, and nothing comes back through the tunnel",
        evidence=f"handshake {int((now - handshake).total_seconds())} s ago, 0 of 3 echoes answered",
        fix=(
            "what this node sends is lost, in this order: the gateway's allowed IPs for it are wrong; its guard does "
            "not know the node; a firewall lets only its packets out. There: gridwire doctor NODE"
        ),
    )


def _unanswered(seen: NearEnd, gateway: GatewaySeen) -> Finding:
    called = gateway.after.endpoint if gateway.after is not None and gateway.after.endpoint else gateway.endpoint
    sent = _delta(gateway, "sent_bytes")
    evidence = (
        f"{sent} bytes sent to {called} just now, {_delta(gateway, 'received_bytes')} received; {_replied(gateway)}"
    )
    if seen.conntrack is not None and seen.conntrack.entries >= NEARLY_FULL * seen.conntrack.most:
        table = seen.conntrack
        return found(
            "conntrack",
            f"this host's connection table is full: what it sends to {gateway.node} is dropped before it leaves",
            evidence=f"{table.entries} of {table.most} entries, {table.dropped} dropped",
            fix="sysctl -w net.netfilter.nf_conntrack_max=N, and see whose flows they are: conntrack -L",
        )
    if not gateway.resolved:
        return found(
            "endpoint-unresolved",
            f"{gateway.endpoint} does not resolve here",
            evidence=evidence,
            fix="check DNS on this host (/etc/resolv.conf) and the record",
            where="tunnel",
        )
    moved = _moved(gateway, called)
    if moved:
        return found("endpoint-changed", moved, evidence=evidence, fix=_CALL_ANEW)
    if gateway.reply is Reply.NO_ROUTE:
        return found(
            "no-network",
            f"no network leads to {called}",
            evidence=evidence,
            fix="see this host's own network: ip route get, its cable, its default route",
        )
    if gateway.reply is Reply.PROHIBITED or gateway.answers:
        sign = "its host answers an echo" if gateway.answers else "a router says 'prohibited'"
        return found(
            "udp-blocked",
            f"UDP to {called} does not get through: {sign}, and WireGuard's packets get no answer",
            evidence=evidence,
            fix=(
                "let that UDP port through: this network's router, the gateway's provider and its own firewall. If "
                "`gridwire doctor NODE` on the gateway says that packets of this node arrive, it is a clock instead"
            ),
        )
    rest = "the gateway is off, its address changed, UDP is blocked on the way"
    return found(
        "clock" if seen.clock_behind else "not-answered",
        f"{called} does not answer. Likely, in this order: {'this clock, ' if seen.clock_behind else ''}{rest}",
        evidence=evidence,
        fix="on the gateway: gridwire doctor NODE, which tells them apart",
    )


_CALL_ANEW = (
    "put the gateway's address right in DNS; the agent follows within 15 s. With an endpoint that is an address: a new "
    "`endpoint` in the gateway's settings, and `gridwire invite NAME --replace` for this node"
)


def _moved(gateway: GatewaySeen, called: str) -> str:
    """Why the endpoint is not where it is called any more; empty where nothing says so."""
    host = called.rpartition(":")[0].strip("[]")
    known = gateway.after is not None and gateway.after.endpoint is not None
    if known and gateway.resolved and host not in {str(address) for address in gateway.resolved}:
        leads = ", ".join(map(str, gateway.resolved))
        return f"{gateway.node} is called at {called}, and its name {gateway.endpoint} leads to {leads} now"
    if gateway.reply is Reply.NO_HOST:
        return f"nobody has the address {host} any more, a router there says: {gateway.node} moved, or is off"
    if gateway.reply is Reply.REFUSED:
        return f"{host} is there, and nothing listens at {called}: {gateway.node} moved, or its WireGuard does not run"
    return ""


def _replied(gateway: GatewaySeen) -> str:
    alive = {None: "not asked", True: "answers", False: "does not answer"}[gateway.answers]
    return f"to a datagram: {gateway.reply}; echo to its host: {alive}"


def _delta(gateway: GatewaySeen, counter: str) -> int:
    if gateway.before is None or gateway.after is None:
        return 0
    return int(getattr(gateway.after, counter)) - int(getattr(gateway.before, counter))
