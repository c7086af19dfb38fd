"""Changes to a running grid, made at control and waited for where they count: in the gateway's nginx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from gridwire.adapters.control_api import Answer, Call, ControlApi, calls
from gridwire.adapters.nginx import Door
from gridwire.core import paths
from gridwire.core.errors import NotFinished, Stale, Unavailable
from gridwire.core.fleet import Tag
from gridwire.lab.grid import GATEWAY, Grid
from gridwire.lab.processes import named
from gridwire.lab.waiting import until
from gridwire.protocol.api import NodeChange

SERVED_WITHIN_SECONDS = 15.0
_TRIES = 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Generation:
    """Which nginx serves. A reload makes new workers; a push of data does not."""

    workers: tuple[tuple[int, int], ...]  # pid, clock ticks at its start


class Changes:
    """One connection to control and one to the gateway's nginx; use it in one thread, and close it."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._api: ControlApi = grid.api()
        self._etags: dict[str, str | None] = {}
        self._door = Door(f"{grid.gateway.root}{paths.DOOR_SOCKET}")

    def __enter__(self) -> Changes:
        self._api.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._api.__exit__(*raised)

    def state(self) -> dict[str, Any]:
        """What the gateway's nginx serves; empty where it is away for a moment."""
        try:
            return self._door.state()
        except Unavailable:
            return {}

    def served(self) -> tuple[int, ...]:
        """The (epoch, revision) of the routing table that every worker serves; empty while one is behind."""
        routing = self.state().get("documents", {}).get("routing")
        return tuple(routing["version"]) if routing and not routing["behind"] else ()

    def generation(self) -> Generation:
        return Generation(tuple((one.pid, one.started) for one in named(self._grid.host(GATEWAY), "nginx-worker")))

    def send(self, call: Call[T]) -> Answer[T]:
        return self._api.send(call)

    def node(self, name: str, *, drained: bool | None = None, tags: tuple[Tag, ...] | None = None) -> None:
        """Change a node; asked again where another change of it came first. Not waited for (see ``settled``)."""
        change = NodeChange(drained=drained, tags=tags)
        for _ in range(_TRIES):
            etag = self._etags.get(name) or self._api.send(calls.node(name)).etag
            try:
                self._etags[name] = self._api.send(calls.change_node(name, change, if_match=etag)).etag
            except Stale:
                self._etags[name] = None
            else:
                return
        raise NotFinished(f"{name} is changed by somebody else all the time")

    def settled(self) -> None:
        """Wait until every worker of the gateway's nginx serves what control has now; raise NotFinished."""
        wanted = self._api.send(calls.status()).body
        version = (wanted.epoch, wanted.revision)
        until(lambda: self.served() >= version, f"nginx to serve {version}", timeout=SERVED_WITHIN_SECONDS, every=0.005)

    def in_flight(self, service: str, node: str) -> int:
        """Requests that the gateway has under way on an endpoint."""
        flight = self.state().get("flight", {})
        return int(flight.get(f"{service}/{node}", 0))
