"""All agents of a large grid in one process: each waits for its spec and reports, as real ones do, by control's socket.

usage: agents.py SOCKET DATABASE SECONDS, the seconds from one report of a node to its next. It prints a line when all
have their spec and have reported once, and on SIGTERM how many reports it sent and how long their answers took.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime

from pydantic import TypeAdapter
from tests import large

from gridwire.adapters.store import Snapshot, open_store
from gridwire.core.fleet import Node, Role
from gridwire.protocol.agent import REPORT_PATH, SPEC_PATH, Report

REPORT = TypeAdapter(Report)
AT_ONCE = 8  # reports


class Line:
    """One connection that stays open."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, head: str, body: bytes = b"") -> tuple[int, dict[str, str]]:
        """Status and headers; the body is read and forgotten."""
        if self._ends is None:
            self._ends = await asyncio.open_unix_connection(self._socket)
        reader, writer = self._ends
        writer.write(f"{head}\r\nHost: gridwire\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        status = int((await reader.readline()).split()[1])
        headers = {}
        while (line := await reader.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        await reader.readexactly(int(headers.get("content-length", 0)))
        return status, headers


class Agents:
    def __init__(self, socket: str, snapshot: Snapshot, seconds: float) -> None:
        self._socket, self._snapshot, self._seconds = socket, snapshot, seconds
        self._took: list[float] = []
        self._served: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._opening = asyncio.Semaphore(AT_ONCE)  # a socket's queue holds only so many who come at once

    async def run(self) -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        nodes = [node for node in self._snapshot.fleet.active() if node.role in (Role.GATEWAY, Role.EDGE)]
        tasks = [asyncio.create_task(self._wait(node)) for node in nodes if large.is_grown(node)]
        await self._round(0)
        await asyncio.gather(*(self._served[node.name].wait() for node in nodes if large.is_grown(node)))
        print(json.dumps({"agents": len(tasks)}), flush=True)
        self._took.clear()
        tasks.append(asyncio.create_task(self._report()))
        await ended.wait()
        for task in tasks:
            task.cancel()
        took = sorted(self._took) or [0.0]
        told = {"reports": len(self._took), "p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100]}
        print(json.dumps(told), flush=True)

    async def _wait(self, node: Node) -> None:
        """For its spec, for ever."""
        line, tag = Line(self._socket), ""
        while True:
            known = f"\r\nIf-None-Match: {tag}" if tag else ""
            head = f"GET {SPEC_PATH}?wait=60 HTTP/1.1\r\nX-Gridwire-Node: {node.name}{known}"
            async with nullcontext() if tag else self._opening:
                status, headers = await line.ask(head)
            assert status in (200, 304), status
            tag = headers["etag"]
            self._served[node.name].set()

    async def _report(self) -> None:
        while True:
            await self._round(self._seconds)

    async def _round(self, seconds: float) -> None:
        """Each agent once, spread over so many seconds."""
        began, reports = time.monotonic(), self._reports()
        count = sum(node.role is Role.EDGE for node in self._snapshot.fleet.nodes)
        sent = 0

        async def some() -> None:
            nonlocal sent
            line = Line(self._socket)
            for report in reports:
                sent += 1
                await asyncio.sleep(max(0.0, began + seconds * sent / count - time.monotonic()))
                asked = time.perf_counter()
                head = (
                    f"POST {REPORT_PATH} HTTP/1.1\r\nX-Gridwire-Node: {report.node}\r\nContent-Type: application/json"
                )
                status, _ = await line.ask(head, REPORT.dump_json(report))
                assert status == 200, (status, report.node)
                self._took.append(time.perf_counter() - asked)

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))

    def _reports(self) -> Iterator[Report]:
        now = datetime.now(UTC)
        return large.reports(self._snapshot.fleet, self._snapshot.version, now)


def main(socket: str, database: str, seconds: str) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    store = open_store(database)
    snapshot = store.snapshot()
    store.close()
    asyncio.run(Agents(socket, snapshot, float(seconds)).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
