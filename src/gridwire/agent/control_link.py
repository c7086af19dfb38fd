"""How the agent reaches control: on a gateway by local.sock, elsewhere through the mesh, one gateway after another."""

from __future__ import annotations

from typing import TypeVar

from gridwire.adapters.control_api import Answer, AsyncControlApi, Call
from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs

T = TypeVar("T")
AWAY = "control-away"
_NO_ANSWER = frozenset({AWAY, "too-large"})


class ControlLink:
    """A client per base; the one that answered last is asked first. For one event loop. ``failures``: of connections,
    after each of which control may be one that was just started."""

    def __init__(self, bases: tuple[str, ...], headers: dict[str, str]) -> None:
        if not bases:
            raise ValueError("nobody to ask")
        self._clients = [AsyncControlApi(base, headers) for base in bases]
        self._current = 0
        self.failures = 0

    async def send(self, call: Call[T]) -> Answer[T]:
        """One try with the current gateway; a failure of the connection makes the next one current."""
        current = self._current
        try:
            return await self._clients[current].send(call)
        except Unavailable:
            self.failures += 1
            if self._current == current:
                self._current = (current + 1) % len(self._clients)
            raise

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


def link_of(identity: JoinedAs, *, local_socket: str, credential: str | None) -> ControlLink | None:
    """None for a node that has no credential yet, so nothing to ask with."""
    if identity.role is Role.GATEWAY:
        return ControlLink((f"unix:{local_socket}",), {"X-Gridwire-Node": identity.node})
    if credential is None or not identity.gateways:
        return None
    bases = []
    for gateway in identity.gateways:
        host = f"[{gateway.address}]" if gateway.address.version == 6 else str(gateway.address)
        bases.append(f"http://{host}:{identity.api_port}")
    return ControlLink(tuple(bases), {"Authorization": f"Bearer {credential}"})


def answered(error: Exception) -> bool:
    """Whether an error came from the other end: then the way there is open."""
    return getattr(error, "code", AWAY) not in _NO_ANSWER
