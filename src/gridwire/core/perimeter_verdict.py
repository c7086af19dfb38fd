"""What is wrong with a node's perimeter, and the one line about the whole grid.

Well is what was seen to be so lately. A node that is silent, or whose guard could not be read, is unknown, and so is
the grid with it: no colour of a time before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gridwire.core.doctor.kinds import BY_ID as DOCTORS
from gridwire.core.doctor.kinds import CRITICAL, INFO, WARNING, Kind
from gridwire.core.doctor.listeners import fix_of, judge_listeners
from gridwire.core.exposure import Exposure, Link, Realm, Standpoint
from gridwire.core.fleet import Role
from gridwire.core.guard import GuardSpec
from gridwire.core.listening import Listening, Owner, Protocol
from gridwire.core.names import NodeName
from gridwire.core.perimeter import Finding

Version = tuple[int, int]
LATE_AFTER = timedelta(seconds=30)  # three heartbeats; a spec is in force within a second
REPAIRED_SHOWN = timedelta(hours=1)

KINDS: tuple[Kind, ...] = (
    Kind(
        id="public-socket",
        severity=CRITICAL,
        where="sockets",
        meaning="A socket of gridwire's is open to others than the mesh, beside its one UDP port.",
    ),
    Kind(
        id="mesh-listener",
        severity=WARNING,
        where="sockets",
        meaning="Another program listens on the node's mesh address.",
    ),
    Kind(
        id="sockets-left-out",
        severity=WARNING,
        where="sockets",
        meaning="The node has more sockets than are told, so not all of them were judged.",
    ),
    Kind(
        id="sockets-unread",
        severity=WARNING,
        where="sockets",
        meaning="The node's agent cannot read its sockets.",
    ),
    Kind(
        id="guard-unread",
        severity=WARNING,
        where="guard",
        meaning="The guard could not be read back, so nobody knows whether it stands.",
    ),
    Kind(
        id="guard-late",
        severity=WARNING,
        where="guard",
        meaning="The guard stands by an older spec than the node is to have.",
    ),
    Kind(
        id="guard-repaired",
        severity=WARNING,
        where="guard",
        meaning="Somebody changed the guard within the last hour; it was put back.",
    ),
    Kind(
        id="sysctl-missing",
        severity=WARNING,
        where="guard",
        meaning="A kernel setting that the guard wants can only be made on the host, outside of the container.",
    ),
    *(DOCTORS[id_] for id_ in ("guard-missing", "port-held", "wildcard-listener", "wildcard-expected")),
    DOCTORS["route-localnet"],
)
BY_ID = {kind.id: kind for kind in KINDS}
# What an agent finds of its guard by itself and the perimeter shows.
_OF_AGENTS = frozenset({"route-localnet", "sysctl-missing", "sockets-unread"})


class GuardState(StrEnum):
    STANDS = "stands"
    LATE = "late"
    MISSING = "missing"
    UNREAD = "unread"
    UNKNOWN = "unknown"


class State(StrEnum):
    WELL = "well"
    FINDINGS = "findings"
    UNKNOWN = "unknown"


class Proof(StrEnum):
    """``read-back``: rules and sockets as the kernel listed them; nobody tried them from outside."""

    NONE = "none"
    READ_BACK = "read-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSeen:
    """The guard as an agent last read it, by the node's clock. ``version``: of the spec that it is kept by.

    ``stands``: read back equal to that spec; none: it could not be read. ``since``: since when it has stood without
    anybody's change; none while it does not. ``detail``: why not. ``repaired``: what was last put back, and when.
    """

    version: Version
    read_at: datetime
    stands: bool | None
    since: datetime | None = None
    detail: str = ""
    repaired_at: datetime | None = None
    repaired: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardView:
    """As GuardSeen, by control's clock."""

    state: GuardState
    version: Version | None = None
    read_at: datetime | None = None
    since: datetime | None = None
    detail: str = ""
    repaired_at: datetime | None = None
    repaired: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePerimeter:
    """One node. ``why``: what of it is not known, where ``state`` is that.

    ``public``: ports of gridwire's own that others than the mesh may reach; ``foreign``: of other programs.
    ``left_out``: sockets that are not told. ``seen_at``: when the sockets were last seen to be these.
    """

    node: NodeName
    role: Role
    state: State
    why: str
    guard: GuardView
    sockets: int
    public: int
    foreign: int
    left_out: int
    seen_at: datetime | None
    links: tuple[Link, ...]
    firewalls: tuple[str, ...]
    findings: tuple[Finding, ...]
    proof: Proof
    proved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerimeterVerdict:
    """The grid. ``public``: the most that one node has; ``findings``: above information. ``proved_at``: the oldest of
    what it goes by. ``unseen``: devices without an agent, whose sockets nobody tells."""

    state: State
    say: str
    nodes: int
    unknown: tuple[NodeName, ...]
    unseen: int
    public: int
    findings: int
    proof: Proof
    proved_at: datetime | None


def guard_view(seen: GuardSeen | None, wanted: Version | None, behind: timedelta) -> GuardView:
    """``wanted``: the first version of the spec that the node is to have, where known. ``behind``: what to add to the
    node's times to have control's."""
    if seen is None:
        return GuardView(state=GuardState.UNKNOWN, detail="its agent says nothing of the guard")
    if seen.stands is None:
        state = GuardState.UNREAD
    elif not seen.stands:
        state = GuardState.MISSING
    else:
        state = GuardState.LATE if wanted is not None and seen.version < wanted else GuardState.STANDS
    return GuardView(
        state=state,
        version=seen.version,
        read_at=seen.read_at + behind,
        since=None if seen.since is None else seen.since + behind,
        detail=seen.detail,
        repaired_at=None if seen.repaired_at is None else seen.repaired_at + behind,
        repaired=seen.repaired,
    )


def public_ports(sockets: Iterable[tuple[Listening, Exposure]], owner: Owner) -> tuple[tuple[Protocol, int], ...]:
    """One for each port: a program has a socket for IPv4 and one for IPv6."""
    return tuple(
        sorted({(one.protocol, one.port) for one, exposure in sockets if one.owner is owner and exposure.public})
    )


def judge_sockets(
    sockets: tuple[tuple[Listening, Exposure], ...], guard: GuardSpec, *, ports: Iterable[int], left_out: int
) -> tuple[Finding, ...]:
    """``ports``: TCP ports of gridwire's listeners on this node."""
    needed: set[tuple[Protocol, int]] = {("tcp", port) for port in ports}
    if guard.listen_port:
        needed.add(("udp", guard.listen_port))
    listed = tuple(one for one, _ in sockets if one.protocol in ("tcp", "udp") and one.owner is Owner.FOREIGN)
    found = [*_too_many(sockets, guard)]
    mesh = guard.address
    found += [
        _found(
            "mesh-listener",
            f"{one.process or 'a process that cannot be seen'} listens on this node's mesh address",
            evidence=one.place,
            fix=fix_of(one),
        )
        for one in listed
        if one.address == mesh and (one.protocol, one.port) not in needed
    ]
    found += judge_listeners(listed, needed=needed, mesh=mesh, own=(), root=True)
    if left_out:
        what = f"{left_out} more sockets are not told, and were not judged"
        found.append(_found("sockets-left-out", what, fix="see `ss -lntup` on the node for what opens so many"))
    return tuple(dict.fromkeys(found))


def _too_many(sockets: tuple[tuple[Listening, Exposure], ...], guard: GuardSpec) -> Iterable[Finding]:
    public = public_ports(sockets, Owner.OURS)
    udp = [(protocol, port) for protocol, port in public if protocol == "udp"]
    meant = next((one for one in udp if one[1] == guard.listen_port), udp[0] if udp else None)
    for protocol, port in public:
        if (protocol, port) != meant:
            places = ", ".join(
                one.place for one, _ in sockets if (one.protocol, one.port, one.owner) == (protocol, port, Owner.OURS)
            )
            yield _found(
                "public-socket",
                f"gridwire's own {protocol} port {port} is open to others than the mesh",
                evidence=places,
                fix="nothing of gridwire's is to do so: stop it on this node (`gridwire uninstall`)",
            )


def judge_guard(view: GuardView, wanted: Version | None, *, late_for: timedelta, now: datetime) -> tuple[Finding, ...]:
    """``late_for``: how long it has been late."""
    found = []
    if view.state is GuardState.MISSING:
        what = "the perimeter does not stand: whoever shares a link with this host reaches its mesh address"
        fix = "gridwire guard load, on the node; then see what takes it away"
        found.append(_found("guard-missing", what, evidence=view.detail, fix=fix))
    elif view.state is GuardState.UNREAD:
        what = "the guard could not be read back"
        found.append(_found("guard-unread", what, evidence=view.detail, fix="see `nft list table inet gridwire` there"))
    elif view.state is GuardState.LATE and late_for >= LATE_AFTER:
        what = f"the guard stands by {_shown(view.version)}, and the node is to have {_shown(wanted)}"
        found.append(_found("guard-late", what, fix="see `gridwire status` for what keeps its agent from applying it"))
    if view.repaired_at is not None and now - view.repaired_at <= REPAIRED_SHOWN:
        what = f"somebody changed the guard at {view.repaired_at:%Y-%m-%d %H:%M:%S} UTC; it was put back"
        fix = "see what changes packet or routing rules on that node (a firewall's reload, a container engine)"
        found.append(_found("guard-repaired", what, evidence=view.repaired, fix=fix))
    return tuple(found)


def unread_sockets(why: str) -> Finding:
    """Found by an agent."""
    fix = "modprobe inet_diag tcp_diag udp_diag; in a container the host has to"
    return _found("sockets-unread", f"the host's sockets cannot be read: {why}", fix=fix)


def of_agent(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What an agent found of its guard that is shown with the perimeter."""
    return tuple(finding for finding in findings if finding.id in _OF_AGENTS)


def counted(findings: Iterable[Finding]) -> int:
    """Those above information."""
    return sum(1 for finding in findings if finding.severity is not INFO)


def state_of(why: str, findings: Iterable[Finding]) -> State:
    return State.UNKNOWN if why else State.FINDINGS if counted(findings) else State.WELL


def why_unknown(seen: Standpoint, guard: GuardView, sockets: Iterable[tuple[Listening, Exposure]]) -> str:
    """What keeps the node from being known; empty where all of it is."""
    if seen.unknown:
        return seen.unknown
    if guard.state in (GuardState.UNREAD, GuardState.UNKNOWN):
        return guard.detail or "the guard could not be read"
    hidden = [one for one, exposure in sockets if exposure.reach is Realm.UNKNOWN]
    return f"who may reach {hidden[0].place} is not known" if hidden and guard.state is GuardState.STANDS else ""


def grid_verdict(nodes: tuple[NodePerimeter, ...], *, unseen: int, now: datetime) -> PerimeterVerdict:
    """Worst first: what was found speaks before what is not known."""
    unknown = tuple(node.node for node in nodes if node.state is State.UNKNOWN)
    findings = sum(counted(node.findings) for node in nodes)
    state = State.FINDINGS if findings else State.UNKNOWN if unknown or not nodes else State.WELL
    times = [node.proved_at for node in nodes if node.proved_at is not None]
    proved = len(times) == len(nodes) > 0
    public = max((node.public for node in nodes), default=0)
    at = min(times) if proved else None
    return PerimeterVerdict(
        state=state,
        say=_said(len(nodes), public, findings, unknown, None if at is None else now - at),
        nodes=len(nodes),
        unknown=unknown,
        unseen=unseen,
        public=public,
        findings=findings,
        proof=Proof.READ_BACK if proved else Proof.NONE,
        proved_at=at,
    )


def _said(nodes: int, public: int, findings: int, unknown: tuple[NodeName, ...], age: timedelta | None) -> str:
    """``1 public socket, 0 findings, read back 12 s ago``."""
    if not nodes:
        return "no node has an agent yet"
    sockets = f"{public} public socket{'' if public == 1 else 's'}{' a node' if nodes > 1 and public else ''}"
    parts = [sockets, f"{findings} finding{'' if findings == 1 else 's'}"]
    if unknown:
        names = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
        parts.append(f"unknown: {names}")
    elif age is not None:
        parts.append(f"read back {max(0, round(age.total_seconds()))} s ago")
    return ", ".join(parts)


def _shown(version: Version | None) -> str:
    return "no spec" if version is None else f"revision {version[1]}"


def _found(id_: str, what: str, *, evidence: str = "", fix: str = "") -> Finding:
    kind = BY_ID[id_]
    return Finding(id=id_, severity=kind.severity, where=kind.where, what=what, evidence=evidence, fix=fix)
