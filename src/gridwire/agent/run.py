"""``gridwire agent``: waits until this host has joined, then runs the loops until SIGTERM; whatever they made stays."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

import uvloop

from gridwire.adapters.clock import utc_now
from gridwire.adapters.files import Reread
from gridwire.agent.control_link import link_of
from gridwire.agent.host import Host
from gridwire.agent.loop import Agent
from gridwire.agent.state_dir import AgentState
from gridwire.agent.waking import happened
from gridwire.agent.wiring import host_of
from gridwire.core import paths
from gridwire.core.errors import GridwireError
from gridwire.core.joined import JoinedAs, renewed
from gridwire.core.settings import Settings

_LOOK_AGAIN = 0.5  # seconds between looks at who this node is
Log = Callable[..., Any]
Who = tuple[JoinedAs, str | None]  # identity and credential


def run(settings: Settings, settings_file: str = paths.SETTINGS) -> None:
    """Blocks until SIGTERM or SIGINT."""
    _allow_many_sockets()
    uvloop.run(serve(settings, lambda identity: host_of(settings, settings_file, identity), stderr_log()))


def stderr_log() -> Log:
    """JSON lines on stderr, as structlog would write them, which imports rich: 0.4 s of CPU at every start.

    No line holds a key or a credential: nothing that is logged has one.
    """

    def log(event: str, **fields: object) -> None:
        line = {"timestamp": utc_now().isoformat(timespec="milliseconds"), "event": event, **fields}
        sys.stderr.write(json.dumps(line, default=str) + "\n")
        sys.stderr.flush()

    return log


async def serve(settings: Settings, build: Callable[[JoinedAs], Host], log: Log) -> None:
    """One agent after another: joining anew, or a new credential, begins another."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    state = AgentState(settings.paths.agent_state)
    said: str | None = None
    while not stop.is_set():
        who, why = await asyncio.to_thread(_who, state.load_identity, state.load_credential)
        link = None if who is None else link_of(who[0], local_socket=settings.paths.local_socket, credential=who[1])
        if who is None or link is None:
            if why != said:
                log("waiting", why=why or "this node has no credential yet")
                said = why
            await happened(stop, _LOOK_AGAIN)
            continue
        log("started", node=who[0].node, role=str(who[0].role), address=str(who[0].address))
        agent = Agent(who[0], state, build(who[0]), link, log, renewed=renewed(who[0], settings))
        watcher = asyncio.create_task(_until_another(state, who, stop))
        watcher.add_done_callback(lambda _, agent=agent: agent.stop())  # type: ignore[misc]  # bound at once
        try:
            await agent.run()
        finally:
            watcher.cancel()
    log("ended")


async def _until_another(state: AgentState, who: Who, stop: asyncio.Event) -> None:
    """Returns on a stop, or when the files say that this node is another one."""
    identity = Reread(state.path / "joined.json", state.load_identity)
    credential = Reread(state.path / "credential", state.load_credential)
    while not stop.is_set():
        await happened(stop, _LOOK_AGAIN * 4)
        now, _ = _who(identity, credential)  # two stats, unless one of them is another file
        if now is not None and now != who:
            return


def _who(
    identity: Callable[[], JoinedAs | None], credential: Callable[[], str | None]
) -> tuple[Who | None, str | None]:
    """The identity and credential, or why there is none."""
    try:
        found = identity()
        if found is None:
            return None, "this host is not part of a grid yet"
        return (found, credential()), None
    except GridwireError as error:
        return None, str(error)


def _allow_many_sockets() -> None:
    """A check per endpoint holds a socket; the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 16) if hard > 0 else 1 << 16, hard))
