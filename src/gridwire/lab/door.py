"""What a demo's grid shows to a browser of the real host: its routes, its panel, and some traffic to look at."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from gridwire.core import paths
from gridwire.lab.grid import CLIENT, GATEWAY, Grid

OPERATOR_NAME = "demo"
BUSY_SECONDS = 4 * 3600  # somebody who looks longer has seen it
BUSY_RATE = 5  # requests a second: enough for lines that move, next to nothing of a core


def open_routes(grid: Grid, listener: socket.socket) -> None:
    """Connections to ``listener``, which is the real host's, go on from the client to the gateway's routes."""
    _relay(grid, CLIENT, listener, f"{grid.mesh[GATEWAY]}:80")


def open_panel(grid: Grid, listener: socket.socket) -> str:
    """Connections to ``listener`` go on to the gateway's break-glass socket; the URL by which one logs in, once."""
    _relay(grid, GATEWAY, listener, f"unix:{paths.PANEL_SOCKET}")
    link = grid.command(GATEWAY, "operator", "add", OPERATOR_NAME).strip().splitlines()[-1]
    address, port = listener.getsockname()[:2]
    host = f"[{address}]" if listener.family == socket.AF_INET6 else address
    return f"http://{host}:{port}/welcome#{link.rpartition('#')[2]}"


def keep_busy(grid: Grid) -> None:
    """Some requests by the client, so that there is traffic to be seen; ends by itself, or with the grid."""
    argv = [sys.executable, "-m", "gridwire.lab.load", "--to", f"{grid.mesh[GATEWAY]}:80", "--host", "api.grid"]
    argv += ["--rate", str(BUSY_RATE), "--seconds", str(BUSY_SECONDS)]
    grid.host(CLIENT).start(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _relay(grid: Grid, host: str, listener: socket.socket, target: str) -> None:
    os.set_inheritable(listener.fileno(), True)
    argv = [sys.executable, "-m", "gridwire.lab.relay", str(listener.fileno()), target]
    grid.host(host).start(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(listener.fileno(),))
