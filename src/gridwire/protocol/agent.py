"""Between a node's agent and control: the spec goes one way (``NodeSpec`` as it is), reports the other.

    GET  /api/v1/agent/spec?wait=SECONDS   If-None-Match: "EPOCH.REVISION"   → 200 NodeSpec + ETag | 304
    POST /api/v1/agent/report              Report                            → 200 Heard (protocol.heard)

Unknown fields are ignored both ways, so agents two minor versions older keep working.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gridwire.core.certificates import Certificate
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
