"""Whether this node is what its spec says: what `gridwire install` waits for after it started the services."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

from gridwire.core.errors import GridwireError
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.settings import Settings

PATIENCE_SECONDS: Final = 60.0
_POLL = 0.2


def await_in_step(identity: JoinedAs, settings: Settings, settings_file: str) -> bool:
    """False where it is not so within PATIENCE_SECONDS, which is long: a start is seconds, on a small machine more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(GridwireError):  # control is starting, or the first spec is on its way
            if _in_step(identity, settings, settings_file):
                return True
        time.sleep(_POLL)
    return False


def _in_step(identity: JoinedAs, settings: Settings, settings_file: str) -> bool:
    if identity.role is Role.GATEWAY:
        return _as_control_sees_it(identity, settings_file)
    from gridwire.agent.state_dir import AgentState

    state = AgentState(settings.paths.agent_state)
    kept, newest = state.load_committed(), state.load_spec().spec
    return kept is not None and newest is not None and kept.version == newest.version


def _as_control_sees_it(identity: JoinedAs, settings_file: str) -> bool:
    from gridwire.cli import grid
    from gridwire.protocol.agent import ApplyState
    from gridwire.protocol.api import Status

    for view in grid.get("/status", Status, settings_file).nodes:
        if view.node.name == identity.node:
            return view.state is ApplyState.IN_SYNC and not view.behind and view.connected is not False
    return False
