"""``gridwire metrics``: all that this host counts, in Prometheus' text format.

nginx's own door is root's alone, and a gateway's control may not open it; so the one who may ask both puts them
together. No name stands in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cyclopts import App

from gridwire.cli import grid
from gridwire.cli.outcome import DONE, UNHEALTHY
from gridwire.cli.output import note
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from
from gridwire.core.errors import NotFound, Unavailable
from gridwire.core.fleet import Role

app = App(name="metrics")


@app.default
def metrics(*, settings: SettingsFile = DEFAULT) -> int:
    """Print what control (on a gateway) and nginx count, for Prometheus. Exit code 3 where one of them is away.

    For a node exporter's textfile collector: gridwire metrics > /var/lib/node_exporter/gridwire.prom
    """
    require_root("read what nginx counts")
    code = DONE
    for ask in _sources(settings):
        try:
            print(ask(), end="")
        except Unavailable as error:
            note(f"{error.what}\n  {error.fix}")
            code = UNHEALTHY
    return code


def _sources(settings: str) -> Iterator[Callable[[], str]]:
    from gridwire.adapters.nginx import Door
    from gridwire.agent.state_dir import AgentState

    where = settings_from(settings).paths
    identity = AgentState(where.agent_state).load_identity()
    if identity is None:
        raise NotFound("this host is no node of a grid yet", fix="`gridwire init` or `gridwire join` make it one")
    if identity.role is Role.GATEWAY:
        yield lambda: _control(settings)
    if identity.role in (Role.GATEWAY, Role.EDGE):
        yield Door(where.door_socket).metrics


def _control(settings: str) -> str:
    with grid.grid(settings) as api:
        return api.request("GET", "/metrics", kind=bytes, timeout=grid.PATIENCE).body.decode()
