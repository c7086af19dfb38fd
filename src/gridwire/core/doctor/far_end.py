"""Why a node does not reach its gateway, as the gateway sees it. The node's view is ``tunnel``.

The gateway knows who calls: a handshake's first message holds the caller's key and the time by its clock, sealed for
the gateway alone (WireGuard paper §5.4.2). So "nothing of it arrives" and "it arrives and is not answered" are told
apart, and of the latter each reason has a sign of its own: a full connection table, a firewall, a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gridwire.core.addressing import Address, Clash, Prefix
from gridwire.core.doctor.kinds import found
from gridwire.core.doctor.machine import NEARLY_FULL, Conntrack, Seen, span
from gridwire.core.doctor.surroundings import Barrier, EndpointSeen
from gridwire.core.doctor.tunnel import CLOCKS_AGREE, Echoes, astray, heard, narrow
from gridwire.core.fleet import NodeState, Role
from gridwire.core.names import Interface, NodeName
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Finding
from gridwire.core.wireguard import PeerSeen

SPOKE_LATELY = timedelta(seconds=30)  # a heartbeat is every 5 s
_STATES = {
    NodeState.INVITED: "its invitation was not redeemed yet: on it, gridwire join",
    NodeState.REDEEMED: "it has not confirmed: on it, gridwire join once more",
    NodeState.PENDING: "it waits for a yes: gridwire node approve {node}",
    NodeState.QUARANTINED: "its invitation was used twice: gridwire node revoke {node}, and invite again",
    NodeState.REVOKING: "it is being cut off: gridwire node revoke {node}, once more",
    NodeState.REVOKED: "it was cut off for good: gridwire invite {node}, and join --anew there",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Initiation:
    """The first message of a handshake that arrived: from where, and stamped when by the caller's clock."""

    source: str
    stamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """``before`` and ``after``: the peer around the echoes and the watch of ``watched`` seconds. ``calls``: of this
    node, in that time; ``others``: handshakes of anybody else. ``reported``: when its agent last spoke, by this clock;
    ``ahead``: how far the node's clock was ahead of this one then."""

    node: NodeName
    role: Role
    state: NodeState
    address: Address
    now: datetime
    interface: Interface
    peers: Seen[bool]
    allowed_ips: tuple[Prefix, ...]
    before: PeerSeen | None
    after: PeerSeen | None
    echoes: Echoes
    calls: Seen[tuple[Initiation, ...]]
    others: int
    watched: float
    reported: datetime | None
    ahead: timedelta | None
    agent_version: str
    endpoint: EndpointSeen | None
    conntrack: Conntrack | None
    barriers: tuple[Barrier, ...]
    clashes: tuple[Clash, ...]


def judge_far_end(seen: FarEnd) -> tuple[Finding, ...]:
    if seen.state is not NodeState.ACTIVE:
        return (
            found(
                "not-in-service",
                f"{seen.node} is {seen.state}, so it gets nothing",
                fix=_STATES[seen.state].format(node=seen.node),
            ),
        )
    if isinstance(seen.peers, Unknown):
        return ()
    if seen.after is None:
        return (
            found(
                "peer-missing",
                f"{seen.interface} has no peer for {seen.node}: nothing that it sends is understood",
                evidence=f"wg show {seen.interface} dump",
                fix="see why the agent does not add it: systemctl status gridwire-agent, gridwire status",
            ),
        )
    wrong = tuple(_allowed(seen, seen.after))
    if wrong or (seen.echoes.small and seen.echoes.full):
        return (*wrong, *_beside(seen))
    if seen.echoes.small:
        return (narrow(str(seen.node), seen.echoes),)
    if seen.echoes.by not in ("", seen.interface):
        return (astray(str(seen.node), seen.address, seen.echoes.by, seen.clashes),)
    if isinstance(seen.calls, Unknown):
        return (_carries_nothing(seen, seen.after),) if _fresh(seen, seen.after) else ()
    if seen.calls.value and not _taken(seen, seen.after):
        return (_refused(seen, seen.calls.value[-1]),)
    if _fresh(seen, seen.after):
        return (_carries_nothing(seen, seen.after),)
    return (_absent(seen, seen.after),)


def _allowed(seen: FarEnd, peer: PeerSeen) -> Iterable[Finding]:
    if peer.allowed_ips != seen.allowed_ips:
        has = ", ".join(map(str, peer.allowed_ips)) or "none"
        yield found(
            "allowed-ips",
            f"{seen.interface} takes {has} from {seen.node}, and should take {', '.join(map(str, seen.allowed_ips))}: "
            "what the node sends is dropped after it was decrypted",
            evidence="allowed-ips of wg show dump, beside this gateway's spec",
            fix="see why the agent does not mend it: systemctl status gridwire-agent, gridwire status",
        )


def _beside(seen: FarEnd) -> Iterable[Finding]:
    """What is left to say of a node whose tunnel carries."""
    has_agent = seen.agent_version or seen.role in (Role.EDGE, Role.GATEWAY)
    if seen.echoes.small and has_agent and (seen.reported is None or seen.now - seen.reported > SPOKE_LATELY):
        last = "never" if seen.reported is None else f"{span(seen.now - seen.reported)} ago"
        yield found(
            "agent-silent",
            f"{seen.node} answers through the tunnel, and its agent says nothing",
            evidence=f"last heard: {last}",
            fix=f"on {seen.node}: systemctl status gridwire-agent, or gridwire up",
        )
    if seen.ahead is not None and abs(seen.ahead) > CLOCKS_AGREE:
        yield _clock(seen, f"its agent's last report was stamped {span(seen.ahead)} {_side(seen.ahead)} this clock")


def _fresh(seen: FarEnd, peer: PeerSeen) -> bool:
    """Whether a session lives: data or a handshake came while this looked on."""
    return seen.before is not None and heard(seen.before, peer)


def _taken(seen: FarEnd, peer: PeerSeen) -> bool:
    """Whether a handshake was finished while this looked on."""
    return seen.before is not None and peer.latest_handshake != seen.before.latest_handshake


def _refused(seen: FarEnd, call: Initiation) -> Finding:
    """Its handshakes arrive, and this host's WireGuard does not answer them."""
    evidence = (
        f"{len(seen.calls.value) if isinstance(seen.calls, Known) else 0} handshakes of {seen.node} arrived from "
        f"{call.source} in {seen.watched:.0f} s, the last stamped {call.stamp:%Y-%m-%dT%H:%M:%SZ}; none was answered"
    )
    if fault := _own_fault(seen, evidence):
        return fault
    off = call.stamp - seen.now
    if abs(off) > CLOCKS_AGREE:
        return _clock(seen, f"its handshakes are stamped {span(off)} {_side(off)} this clock", evidence)
    return _clock(
        seen, "its clock is right now, and was ahead when it last shook hands: no older stamp is taken", evidence
    )


def _own_fault(seen: FarEnd, evidence: str) -> Finding | None:
    """What of this host is enough to keep the node out, whether or not it called just now."""
    table = seen.conntrack
    if table is not None and table.entries >= NEARLY_FULL * table.most:
        return found(
            "conntrack",
            f"packets of {seen.node} are lost in this host's connection table, which is full",
            evidence=f"{table.entries} of {table.most} entries, {table.dropped} flows dropped; {evidence}",
            fix="sysctl -w net.netfilter.nf_conntrack_max=N, and see whose flows they are: conntrack -L",
        )
    for barrier in seen.barriers:
        if any(drop.endswith("/udp") for drop in barrier.drops):
            return found(
                "udp-blocked",
                f"what {seen.node} sends is not let in: {barrier.firewall} on this host drops "
                f"{' and '.join(barrier.drops)}",
                evidence=evidence,
                fix="\n".join(barrier.commands),
            )
    return None


def _clock(seen: FarEnd, what: str, evidence: str = "") -> Finding:
    return found(
        "clock",
        f"{seen.node}: {what}",
        evidence=evidence,
        fix=(
            f"set both clocks by NTP (timedatectl set-ntp true). The agent forgets the old stamp by itself after three "
            f"minutes of silence; at once: systemctl restart gridwire-wg@{seen.interface} on this gateway"
        ),
    )


def _side(length: timedelta) -> str:
    return "ahead of" if length > timedelta(0) else "behind"


def _carries_nothing(seen: FarEnd, peer: PeerSeen) -> Finding:
    return found(
        "not-carrying",
        f"WireGuard of {seen.node} is there, and nothing comes back through the tunnel",
        evidence=f"handshake with {peer.endpoint}, 0 of 3 echoes answered",
        fix=(
            f"on {seen.node}, in this order: its own network clashes with the mesh's addresses; its device's allowed "
            "IPs are wrong; its guard does not stand. There: gridwire doctor"
        ),
    )


def _absent(seen: FarEnd, peer: PeerSeen) -> Finding:
    """Nothing of it arrives."""
    last = f", last seen at {peer.endpoint}" if peer.endpoint else ""
    evidence = f"0 handshakes of {seen.node} in {seen.watched:.0f} s{last}; {seen.others} of others"
    if fault := _own_fault(seen, evidence):
        return fault
    if seen.endpoint is not None and not seen.endpoint.here:
        own = ", ".join(map(str, seen.endpoint.addresses)) or "nothing"
        return found(
            "endpoint-changed",
            f"nothing of {seen.node} arrives: nodes call {seen.endpoint.endpoint}, which is no address of this host",
            evidence=f"{evidence}; the endpoint leads to {own}",
            fix=(
                "put the name's record right, and nodes follow by themselves; with an address: a new `endpoint` in the "
                f"settings, a restart, and `gridwire invite {seen.node} --replace` for nodes that do not follow"
            ),
        )
    reachable = "; others get through, so this host's port is open" if seen.others else ""
    return found(
        "not-arriving",
        f"nothing of {seen.node} arrives{reachable}",
        evidence=evidence,
        fix=(
            f"it is off or its WireGuard does not run; UDP is blocked on its way; or it calls an old endpoint. "
            f"On {seen.node}, gridwire doctor tells them apart"
        ),
    )
