"""Changes to a running grid, made at control and waited for where they count: in the gateway's nginx."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
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
_COUNTED_SECONDS = 0.25  # nginx's workers publish what is under way every 200 ms (lua/gridwire/flight.lua)
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
        self.tables: set[tuple[int, ...]] = set()  # versions of the routing table that were seen served

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

        def served() -> tuple[int, ...]:
            found = self.served()
            return found if found >= version else ()

        self.tables.add(until(served, f"nginx to serve {version}", timeout=SERVED_WITHIN_SECONDS, every=0.005))

    def in_flight(self, service: str, node: str) -> int | None:
        """Requests that the gateway has under way on an endpoint; none: its nginx does not tell."""
        flight = self.state().get("flight")
        return None if flight is None else int(flight.get(f"{service}/{node}", 0))

    def idle(self, service: str, node: str, *, timeout: float) -> None:
        """Wait until nothing is under way on an endpoint that takes nothing new; raise NotFinished."""
        since = time.monotonic()

        def idle() -> bool:
            nonlocal since
            if self.in_flight(service, node) != 0:
                since = time.monotonic()
            return time.monotonic() - since > _COUNTED_SECONDS

        until(idle, f"requests on {node} to end", timeout=timeout, every=0.02)

    def verdict(self, service: str, node: str) -> str | None:
        """What the gateway makes of an endpoint, as its agent handed it to nginx (up, down, unknown); none: nothing."""
        text = Path(f"{self._grid.gateway.root}{paths.NGINX_STATE}/health.json").read_text()
        found: str | None = json.loads(text)["endpoints"].get(f"{service}/{node}")
        return found
