"""``gridwire panel``: where the control panel is, and whether somebody can open it now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cyclopts import App

from gridwire.cli import grid
from gridwire.cli.outcome import DONE, UNHEALTHY
from gridwire.cli.output import Format, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core import paths
from gridwire.core.fleet import Network, NodeState, Role, Tls
from gridwire.core.origins import panel_origin, port_of
from gridwire.core.panel import host_of
from gridwire.core.settings import endpoint_host
from gridwire.protocol.api import NodeView

app = App(name="panel")
_LOCAL_PORT = 8443


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """``devices``: operators' devices with a fresh tunnel; ``why_not``: why nobody can open the panel on the mesh now,
    empty where one can. ``ssh``: the way that needs no mesh, and ``at``, what to open then."""

    urls: tuple[str, ...]
    devices: tuple[str, ...]
    why_not: str
    ssh: str
    at: str


@app.default
def panel(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> int:
    """Print the panel's addresses, whether a device can reach it now, and the way by ssh when the mesh is down."""
    from gridwire.adapters.nginx import find_panel

    network = grid.get("/network", Network, settings)
    nodes = grid.listing("/nodes", NodeView, settings)
    where = where_of(network, nodes, built=find_panel() is not None)
    show(where, output, lambda: _print(where))
    return UNHEALTHY if where.why_not else DONE


def where_of(network: Network, nodes: Iterable[NodeView], *, built: bool) -> Where:
    """Pure. ``built``: whether this installation has the panel's files."""
    views = tuple(nodes)
    gateways = [view.node for view in views if view.node.role is Role.GATEWAY and view.node.state is NodeState.ACTIVE]
    operators = [view for view in views if view.node.role is Role.OPERATOR and view.node.state is NodeState.ACTIVE]
    devices = tuple(view.node.name for view in operators if view.connected)
    if not built:
        why = "this installation has no panel: install the wheel, or run `make panel` in the checkout"
    elif not operators:
        why = "no operator's device is in the grid: gridwire invite laptop --role operator"
    elif not devices:
        why = f"no operator's device is on the mesh now ({', '.join(view.node.name for view in operators)})"
    else:
        why = ""
    urls = [f"{panel_origin(network, 'http')}/"]
    urls += [f"http://{host_of(node.address)}:{port_of(network, 'http')}/" for node in gateways]
    if network.tls is not Tls.OFF:
        urls.append(f"{panel_origin(network, 'https')}/")
    host = next((endpoint_host(node.endpoint) for node in gateways if node.endpoint), "GATEWAY")
    return Where(
        urls=tuple(urls),
        devices=devices,
        why_not=why,
        ssh=f"ssh -N -L {_LOCAL_PORT}:{paths.PANEL_SOCKET} root@{host}",
        at=f"http://localhost:{_LOCAL_PORT}/",
    )


def _print(where: Where) -> None:
    for url in where.urls:
        say(url)
    say(f"on the mesh now: {', '.join(where.devices)}" if where.devices else f"nobody can open it now: {where.why_not}")
    say(f"without the mesh: {where.ssh}   and then {where.at}")
