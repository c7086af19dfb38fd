"""The perimeter: what agents say of their hosts' sockets, and what people are told of who may reach them.

    POST /api/v1/agent/sockets      SocketsSeen   → 204     when they changed, and now and then
    GET  /api/v1/perimeter          ?node=&owner=&reach=&limit=&cursor=     Perimeter
    GET  /api/v1/nodes/NAME/sockets                                         NodeSockets

Every report carries a ``SocketsMark``: that the sockets are still those of which control was told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gridwire.core.errors import Invalid
from gridwire.core.exposure import Link, Realm, Way
from gridwire.core.listening import Listening
from gridwire.core.names import Interface, NodeName, shown
from gridwire.core.perimeter_verdict import NodePerimeter, PerimeterVerdict

SOCKETS_PATH = "/api/v1/agent/sockets"
MOST_SOCKETS = 256  # of one node; control keeps them in memory
MOST_LINKS = 64
MOST_ADDRESSES = 32  # of one link
MOST_FIREWALLS = 16
LONGEST = 64  # characters of a name: processes have 15, units may have 255


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketsMark:
    """``digest`` of what was sent last, and when the host was last seen to be so, by the node's clock."""

    digest: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketsSeen:
    """At most MOST_SOCKETS and MOST_LINKS of a host, gridwire's own first; ``left_out``: how many more there are.

    ``localnet``: devices with route_localnet. ``firewalls``: others that drop what they do not know.
    """

    node: NodeName
    mark: SocketsMark
    sockets: tuple[Listening, ...]
    left_out: int = 0
    links: tuple[Link, ...] = ()
    localnet: tuple[Interface, ...] = ()
    firewalls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise Invalid: a node that was taken over is not to fill control's memory or to write on people's screens."""
        for field, most in (
            ("sockets", MOST_SOCKETS),
            ("links", MOST_LINKS),
            ("localnet", MOST_LINKS),
            ("firewalls", MOST_FIREWALLS),
        ):
            if len(getattr(self, field)) > most:
                raise Invalid(field, f"there are more than {most}")
        if any(len(link.addresses) > MOST_ADDRESSES for link in self.links):
            raise Invalid("links", f"one has more than {MOST_ADDRESSES} addresses")
        names = [self.mark.digest, *self.localnet, *self.firewalls, *(link.name for link in self.links)]
        for one in self.sockets:
            names += [one.process, one.unit, one.device or ""]
            if not 0 <= one.port <= 65535:
                raise Invalid("sockets", f"{one.port} is not a port")
        for name in names:
            if len(name) > LONGEST or not name.isprintable():
                raise Invalid("sockets", f"{shown(name)} is not a name of at most {LONGEST} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketView:
    """A socket, the widest realm that may reach it, and every way to it."""

    node: NodeName
    socket: Listening
    reach: Realm
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketPage:
    """``next``: the cursor of the page after this one; none for the last. ``total``: of all pages."""

    items: tuple[SocketView, ...]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Perimeter:
    """``nodes``: all that are to have an agent, worst first; ``sockets``: those that were asked for."""

    verdict: PerimeterVerdict
    nodes: tuple[NodePerimeter, ...]
    sockets: SocketPage


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSockets:
    node: NodePerimeter
    sockets: tuple[SocketView, ...]
