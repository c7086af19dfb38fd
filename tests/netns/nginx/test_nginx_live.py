"""A request through a real nginx is on the stream of a real control a second or two later, as its agent carries it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gridwire.adapters.nginx import Counts
from gridwire.agent.control_link import ControlLink
from gridwire.agent.traffic import Courier
from gridwire.lab.nginx_pair import until

pytestmark = pytest.mark.netns
SERVE = Path(__file__).parents[2] / "cli" / "serve_control.py"


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "run").mkdir()
    process = subprocess.Popen([sys.executable, SERVE, str(tmp_path)])
    path = tmp_path / "run" / "local.sock"
    try:
        until(lambda: process.poll() is None and _ready(path), "control", 60)
        yield path
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def _ready(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


async def _first(client: httpx2.AsyncClient, grid: Any, asked: int) -> tuple[float, dict[str, Any]]:
    """Seconds from so many requests until the stream tells of any, and what it tells."""
    async with client.stream("GET", "/api/v1/stream?watch=route:api&watch=node:e0") as answer:
        lines = answer.aiter_lines()
        while "event: revision" not in await anext(lines):
            pass
        await asyncio.to_thread(lambda: [grid.ask() for _ in range(asked)])
        began = time.monotonic()
        async for line in lines:
            if line.startswith("data: ") and '"totals"' in line:
                now = json.loads(line[6:])
                if now["watched"][0]["figures"]["requests"]:
                    return time.monotonic() - began, now
    raise AssertionError("the stream ended")


async def _shown(client: httpx2.AsyncClient, asked: int) -> list[dict[str, Any]]:
    """Endpoints, once all that was asked is among them."""
    while True:
        items: list[dict[str, Any]] = (await client.get("/api/v1/traffic/top?of=endpoint")).json()["items"]
        if sum(item["figures"]["requests"] for item in items) >= asked:
            return items


async def _live(path: Path, grid: Any) -> None:
    link = ControlLink((f"unix:{path}",), {"X-Gridwire-Node": "gw"})
    riding = asyncio.create_task(Courier(Counts(grid.gateway.launch.door_socket), link).traffic())
    transport = httpx2.AsyncHTTPTransport(uds=str(path))
    try:
        async with (
            asyncio.timeout(60),
            httpx2.AsyncClient(transport=transport, base_url="http://gridwire", timeout=30) as client,
        ):
            seconds, now = await _first(client, grid, 30)
            assert seconds < 5  # a flush, a ride and a second of the stream's
            assert now["totals"]["p99"] is not None
            assert now["totals"]["sent"] > 100
            assert now["watched"][0]["figures"] == now["totals"]
            assert {item["name"] for item in await _shown(client, 30)} == {"api/e0", "api/e1", "api/e2"}
            series = (await client.get("/api/v1/traffic?of=route&name=api&step=1")).json()
            assert sum(point["figures"]["requests"] for point in series["points"]) == 30
    finally:
        riding.cancel()
        await asyncio.gather(riding, return_exceptions=True)
        await link.close()


def test_from_a_request_to_the_panel(grid: Any, control: Path) -> None:
    asyncio.run(_live(control, grid))
