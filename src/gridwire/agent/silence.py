"""Which edges are dead, and not merely slow or without their app: a gateway ends the connections of dead ones only.

An edge is dead when all its endpoints are out, its checks go unanswered, and WireGuard has received nothing of it
since the first of them: the kernel of a living edge acknowledges what it is sent, however busy the edge is. (Seen
without that: 3 of 12 WebSockets cut under load, each on an edge that was well.)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gridwire.core.names import NodeName

SILENT_SECONDS = 1.0  # the least between two readings that are compared: TCP's first retransmission (RFC 6298 §2.1)
# The same where the device has received nothing of a peer since it was made: on a slow machine that tells of our own
# tunnel, which was killed, before it tells of the edge. A handshake that got lost is begun again after 5 s
# (REKEY_TIMEOUT, WireGuard paper §6.1).
UNHEARD_SECONDS = 6.0


@dataclass(slots=True)
class _Silence:
    """``received``: bytes of the peer as first read, at ``since``; none until then. ``asked``: to read it again."""

    received: int | None = None
    since: float = 0.0
    asked: bool = False
    dead: bool = False


class Silences:
    """Fed with the results of checks, in their order, and with readings of the device. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._silent: dict[NodeName, _Silence] = {}

    def keep(self, nodes: Collection[NodeName]) -> None:
        """Forget all others."""
        self._silent = {node: silence for node, silence in self._silent.items() if node in nodes}

    def answered(self, node: NodeName) -> None:
        """The edge said something, if only that it refuses."""
        self._silent.pop(node, None)

    def unanswered(self, node: NodeName, *, began: float, now: float, out: bool) -> bool:
        """A check of the edge that ``began`` then got nothing back; true where the device should be read.

        ``out``: nginx sends nobody to any endpoint of the edge.
        """
        silence = self._silent.get(node)
        if silence is None:
            self._silent[node] = _Silence()
            return True
        if silence.received is None:
            return True
        # What was sent before the first reading may have been acknowledged before it, too.
        least = SILENT_SECONDS if silence.received else UNHEARD_SECONDS
        if silence.dead or not out or began < silence.since or now < silence.since + least:
            return False
        silence.asked = True
        return True

    def read(self, received: Mapping[NodeName, int], now: float) -> tuple[NodeName, ...]:
        """Bytes that the device has received of each peer; gives the edges that are found dead, once each."""
        dead = []
        for node, silence in sorted(self._silent.items()):
            count = received.get(node)
            if count is None:
                continue  # no peer any more: revoking has its own way of ending connections
            if silence.received is None or (silence.asked and count != silence.received):
                silence.received, silence.since = count, now
            elif silence.asked:
                silence.dead = True
                dead.append(node)
            silence.asked = False
        return tuple(dead)
