"""The endpoints that the node checks, and what a gateway's nginx and sockets are told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gridwire.agent.health import EdgeHealth, GatewayHealth
from gridwire.agent.host import Host, Pace
from gridwire.core.addressing import Address
from gridwire.core.errors import GridwireError
from gridwire.core.fleet import Role
from gridwire.core.health import EndpointHealth
from gridwire.core.joined import JoinedAs
from gridwire.core.spec import NodeSpec
from gridwire.core.targets import Reach


class Endpoints:
    """``turned`` is called when what ``seen`` gives has changed; ``log`` takes an event and its fields."""

    def __init__(
        self, identity: JoinedAs, host: Host, pace: Pace, log: Callable[..., object], turned: Callable[[], None]
    ) -> None:
        self._host = host
        self._pace = pace
        self._log = log
        self._turned = turned
        self._checked: tuple[NodeSpec, tuple[Reach, ...]] | None = None
        self._wake = asyncio.Event()
        self._due = False  # verdicts that nginx does not have yet
        self._suspects = False  # edges that may be dead
        self._killing: asyncio.Task[None] | None = None  # a task that nobody holds may be collected
        self._edge = EdgeHealth(identity.node, lambda: self.reach, turned, host.door)
        self._gateway = GatewayHealth(identity.node, self._verdict, self._suspect)
        self._of_gateway = identity.role is Role.GATEWAY
        self.reach: tuple[Reach, ...] = ()

    def check(self, spec: NodeSpec | None) -> None:
        """Follow the spec that is followed, and the reach list, which the node's owner may change at any time."""
        self.reach = self._host.reach()
        if spec is None or self._checked == (spec, self.reach):
            return
        self._checked = (spec, self.reach)
        if self._of_gateway:
            self._gateway.watch(spec)
            self._push_soon()
        else:
            self._edge.watch(spec)

    def seen(self) -> tuple[EndpointHealth, ...]:
        return self._gateway.seen() if self._of_gateway else self._edge.seen()

    def close(self) -> None:
        self._edge.close()
        self._gateway.close()

    async def push(self, went_round: Callable[[], object]) -> None:
        """For ever, on a gateway. First nginx sends nobody there any more, then requests that hang there end."""
        assert self._host.push_health is not None
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._due:
                self._due = False
                try:
                    await asyncio.to_thread(self._host.push_health, self._gateway.verdicts())
                    went_round()
                except GridwireError:  # nginx is not up yet; what it starts with is on disk
                    self._push_soon()
                    await asyncio.sleep(self._pace.waiting)
            if self._suspects and self._host.received is not None:
                self._suspects = False
                await self._bury(self._host.received)

    async def _bury(self, received: Callable[[], dict[Address, int]]) -> None:
        """A device that cannot be read says nothing; the next unanswered check asks again."""
        with suppress(GridwireError):
            dead = self._gateway.read(await asyncio.to_thread(received))
            if dead and self._host.kill_sockets is not None:
                self._log("dead", addresses=[str(address) for address in dead])
                self._killing = asyncio.create_task(self._kill(self._host.kill_sockets, dead))

    async def _kill(self, kill: Callable[[tuple[Address, ...]], object], dead: tuple[Address, ...]) -> None:
        """Our own checks open new connections all the while, so that none is left is not to be expected."""
        with suppress(GridwireError):
            await asyncio.to_thread(kill, dead)

    def _verdict(self) -> None:
        self._push_soon()
        self._turned()

    def _push_soon(self) -> None:
        self._due = True
        self._wake.set()

    def _suspect(self) -> None:
        self._suspects = True
        self._wake.set()
