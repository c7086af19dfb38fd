"""One grid on a tailnet for all tests here, in whatever order.

edge-3, edge-4 and guest are one test's each. The stray is on the tailnet and not on the grid, the intruder on neither.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tailnet import Tailnet, make

from gridwire.lab.waiting import until

HOSTS = ("gw", "edge-1", "edge-2", "edge-3", "edge-4", "client", "guest", "stray", "intruder")
ON_TAILNET = {
    "gw": "--advertise-tags=tag:gateway",
    "edge-1": "--advertise-tags=tag:edge",
    "edge-2": "--advertise-tags=tag:edge",
    "edge-3": "--advertise-tags=tag:edge",
    "edge-4": "",
    "client": "",
    "guest": "--advertise-tags=tag:client",
    "stray": "",
}


@pytest.fixture(scope="session")
def programs() -> Path:
    folder = Path(os.environ.get("GRIDWIRE_TAILSCALE", Path.home() / ".cache/gridwire/tailscale"))
    if not all((folder / name).exists() for name in ("tailscaled", "tailscale", "labcontrol")):
        pytest.skip("there is no tailscaled: `make test-tailscale` builds it where Go 1.26 or newer is installed")
    return folder


@pytest.fixture(scope="session")
def tailnet(programs: Path) -> Iterator[Tailnet]:
    """Every host but the intruder is on the tailnet; nobody is part of a grid yet."""
    found = make(programs, HOSTS)
    try:
        for name, option in ON_TAILNET.items():
            found.start_tailscaled(name)
            found.log_in(name, *filter(None, (option,)))
        yield found
    finally:
        found.lab.close()


@pytest.fixture(scope="session")
def grid(tailnet: Tailnet) -> Tailnet:
    """edge-1 to edge-3 came by the rule, edge-4 and the client by a yes; one service on the edges, one route."""
    tailnet.gridwire("gw", "init", "gw", "--mesh", "tailscale", "--approve", "tag:edge", "--yes")
    tailnet.up("gw")
    for edge in ("edge-1", "edge-2", "edge-3", "edge-4"):
        tailnet.start_app(edge)
        tailnet.gridwire(edge, "join", "gw", "--reach", "127.0.0.1:9000")
        tailnet.up(edge)
    tailnet.gridwire("client", "join", "gw", "--role", "client")
    tailnet.up("client")
    for name in ("edge-4", "client"):
        tailnet.gridwire("gw", "node", "approve", name)
    tailnet.gridwire("gw", "service", "publish", "api", "--to", "127.0.0.1:9000", "--on", "role:edge")
    tailnet.gridwire("gw", "route", "add", "--host", "api", "--to", "api", "--allow", "role:client")
    until(lambda: len(tailnet.answering()) == 4, f"four edges that answer: {tailnet.log('gw')}", timeout=40)
    return tailnet
