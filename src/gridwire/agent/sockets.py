"""Control is told of the host's sockets when they changed, and now and then."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from gridwire.adapters.control_api import calls
from gridwire.agent.control_link import ControlLink
from gridwire.agent.listening import HostSockets, Looked
from gridwire.agent.reconcile import Reconciler
from gridwire.agent.section import Observed
from gridwire.core.errors import GridwireError
from gridwire.core.names import NodeName
from gridwire.core.observed import Known
from gridwire.core.perimeter import Finding
from gridwire.core.perimeter_verdict import unread_sockets
from gridwire.core.spec import NodeSpec
from gridwire.core.wireguard import MeshObserved
from gridwire.protocol.perimeter import SocketsMark, SocketsSeen

REFRESH_SECONDS: Final = 60.0  # all is told again
THOROUGH_SECONDS: Final = 300.0  # a look through every process's files costs 10 ms and more
_LOOKED: Final = TypeAdapter(Looked)


class SocketTeller:
    """``mark``: what control was told, and when it last was so. ``spec``: the agent's, as it is now; ``every`` in
    seconds. ``sockets`` none: there is nothing to tell."""

    def __init__(
        self,
        node: NodeName,
        link: ControlLink,
        sockets: HostSockets | None,
        spec: Callable[[], NodeSpec | None],
        reconciler: Reconciler,
        now: Callable[[], datetime],
        every: float,
    ) -> None:
        self._node, self._link, self._sockets = node, link, sockets
        self._spec, self._reconciler, self._now, self._every = spec, reconciler, now, every
        self._told: Looked | None = None
        self._failures = 0
        self.mark: SocketsMark | None = None
        self.findings: tuple[Finding, ...] = ()

    async def tell(self) -> None:
        """For ever."""
        assert self._sockets is not None
        loop = asyncio.get_running_loop()
        refresh = thorough = float("-inf")
        while True:
            began = loop.time()
            await self._step(self._sockets, refresh=began >= refresh, thorough=began >= thorough)
            refresh = began + REFRESH_SECONDS if began >= refresh else refresh
            thorough = began + THOROUGH_SECONDS if began >= thorough else thorough
            await asyncio.sleep(self._every)

    async def _step(self, sockets: HostSockets, *, refresh: bool, thorough: bool) -> None:
        at, port = self._now(), _own_port(self._reconciler.observed)
        try:
            seen = await asyncio.to_thread(sockets.look, self._spec(), port, thorough=thorough)
        except (GridwireError, OSError) as error:
            self.findings = (unread_sockets(str(error)),)
            return
        self.findings = ()
        # A control that started anew knows nothing any more: whoever asked it meanwhile was not answered.
        lost = self._link.failures != self._failures
        if seen == self._told and not refresh and not lost and self.mark is not None:
            self.mark = replace(self.mark, at=at)
            return
        mark = SocketsMark(digest=hashlib.sha256(_LOOKED.dump_json(seen)).hexdigest()[:16], at=at)
        failures = self._link.failures
        with suppress(GridwireError):  # the next look says it again
            await self._link.send(calls.tell_sockets(_message(self._node, mark, seen)))
            self._told, self.mark, self._failures = seen, mark, failures


def _own_port(observed: Mapping[str, Observed]) -> int:
    """WireGuard's on this host, which is any that was free where nobody calls it; 0 where it is not known."""
    mesh = observed.get("mesh")
    return mesh.value.listen_port if isinstance(mesh, Known) and isinstance(mesh.value, MeshObserved) else 0


def _message(node: NodeName, mark: SocketsMark, seen: Looked) -> SocketsSeen:
    return SocketsSeen(
        node=node,
        mark=mark,
        sockets=seen.sockets,
        left_out=seen.left_out,
        links=seen.links,
        localnet=seen.localnet,
        firewalls=seen.firewalls,
    )
