"""Between a node of a tailnet and control: no token, for the tailnet says who asks.

    POST /api/v1/enrolments/tailnet   AskIn   → 200 LetIn   | 425 while no gateway's agent has seen the asker
    POST /api/v1/agent/tailnet        Member  → 200 Node    this gateway has another address; local.sock alone

The first is asked on the enrol listener, where all of the tailnet may ask but those that were put out. Asking again is
answered the same, until the credential was used; each repetition replaces it. With a node's credential as bearer it is
that node at a new address: it keeps name, role, tags and credential, where its owner in the tailnet is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.enrollment import GatewayContact
from gridwire.core.fleet import Network, NodeState, Role
from gridwire.core.names import NodeName
from gridwire.core.tailnet import Member

ASK_PATH = "/api/v1/enrolments/tailnet"
MOVED_PATH = "/api/v1/agent/tailnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskIn:
    """What the asker would like to be. The role is approved with the node."""

    name: NodeName
    role: Role = Role.EDGE


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """``credential`` none: the one that the asker showed stays."""

    node: NodeName
    role: Role
    state: NodeState
    tailnet: Member
    network: Network
    gateways: tuple[GatewayContact, ...]
    credential: str | None = None

    def __repr__(self) -> str:
        return f"LetIn(node={self.node!r}, state={self.state!r})"
