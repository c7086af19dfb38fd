"""Between a node's agent and control: the spec goes one way (``NodeSpec`` as it is), reports the other.

    GET  /api/v1/agent/spec?wait=SECONDS   If-None-Match: "EPOCH.REVISION"   → 200 NodeSpec + ETag | 304
    POST /api/v1/agent/report              Report                            → 200 Heard (protocol.heard)

Unknown fields are ignored both ways, so agents two minor versions older keep working.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gridwire.core.certificates import Certificate
from gridwire.core.errors import Invalid
from gridwire.core.health import EndpointHealth
from gridwire.core.names import NodeName
from gridwire.core.perimeter import Finding
from gridwire.core.perimeter_verdict import GuardSeen
from gridwire.core.tailnet import MemberSeen
from gridwire.core.targets import Reach
from gridwire.core.wireguard import PeerSeen
from gridwire.protocol.perimeter import SocketsMark

SPEC_PATH = "/api/v1/agent/spec"
REPORT_PATH = "/api/v1/agent/report"
_YEARS: Final = range(1970, 2200)  # what is reckoned with stays far from where datetime ends


class ApplyState(StrEnum):
    IN_SYNC = "in-sync"
    APPLYING = "applying"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an agent says of its node, every heartbeat and after every apply.

    ``version`` is the (epoch, revision) that is in force and verified, not the one last seen.
    ``handshake_packets``: UDP packets counted on the WireGuard port since the guard was loaded; all peers' data is
    among them. ``newcomer_packets``: those that begin a handshake and come from no endpoint that was answered lately.
    ``members``: the peers of a gateway on a tailnet. ``guard`` and ``sockets``: as last looked at; none: not yet.
    ``certificates``: a gateway's authority and what its nginx shows.
    """

    node: NodeName
    at: datetime
    agent_version: str
    version: tuple[int, int]
    state: ApplyState
    detail: str = ""
    peers: tuple[PeerSeen, ...] = ()
    members: tuple[MemberSeen, ...] = ()
    endpoints: tuple[EndpointHealth, ...] = ()
    findings: tuple[Finding, ...] = ()
    reach: tuple[Reach, ...] = ()
    handshake_packets: int = 0
    newcomer_packets: int = 0
    guard: GuardSeen | None = None
    sockets: SocketsMark | None = None
    certificates: tuple[Certificate, ...] = ()

    def __post_init__(self) -> None:
        """Raise Invalid: one node that was taken over is not to spoil what is told of all."""
        for field, moment in self._moments():
            if moment is not None and moment.tzinfo is None:
                raise Invalid(field, "it has no time zone")
        guard = () if self.guard is None else (self.guard.read_at, self.guard.since, self.guard.repaired_at)
        marked = () if self.sockets is None else (self.sockets.at,)
        turned = (check.since for check in self.endpoints)
        for moment in (self.at, *guard, *marked, *turned):
            if moment is not None and moment.year not in _YEARS:
                raise Invalid("at", f"{moment.isoformat()} is no time of a node's", fix="set the node's clock")

    def _moments(self) -> Iterator[tuple[str, datetime | None]]:
        yield "at", self.at
        if self.guard is not None:
            yield from (("guard", one) for one in (self.guard.read_at, self.guard.since, self.guard.repaired_at))
        if self.sockets is not None:
            yield "sockets", self.sockets.at
        yield from (("endpoints", check.since) for check in self.endpoints)
        yield from (("peers", peer.latest_handshake) for peer in self.peers)
        yield from (("members", one) for seen in self.members for one in (seen.expires, seen.latest_handshake))
        yield from (("certificates", one) for shown in self.certificates for one in (shown.not_before, shown.not_after))
