"""The app that the demo publishes: it stores records, and answers only when they are committed.

    POST /ingest    JSON lines, each an object with an "id"   → {"edge", "stored": n, "request": X-Request-Of-Load}
    GET  /          who answered                              → {"edge", "request"}
    GET  /healthz   200
    WS   /stream    one message every quarter of a second (?every=SECONDS); what is sent comes back

A record that arrives again is kept once and counted (``arrivals``), so that doubles can be seen.

    python -m gridwire.lab.ingest --name edge-1 --db /var/lib/ingest/records.db --port 9000
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import socket
import sqlite3
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Request, WebSocket, WebSocketDisconnect

from gridwire.lab.records import Record, parse_lines

_LONGEST_BODY = 8 << 20
_TICK_SECONDS = 0.25
_SHORTEST_TICK_SECONDS = 0.01


class Records:
    """An edge's own records. Writes are committed and synced before they return."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, line TEXT NOT NULL, arrivals INTEGER NOT NULL)"
        )

    def store(self, records: Iterable[Record]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(
                "INSERT INTO records VALUES (?, ?, 1) ON CONFLICT (id) DO UPDATE SET arrivals = arrivals + 1", records
            )
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def close(self) -> None:
        self._database.close()


def create_app(name: str, records: Records) -> FastAPI:
    app = FastAPI(title=f"ingest on {name}", openapi_url=None)

    @app.get("/")
    async def who(x_request_of_load: Annotated[str, Header()] = "") -> dict[str, str]:
        return {"edge": name, "request": x_request_of_load}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"edge": name}

    @app.post("/ingest")
    async def ingest(request: Request, x_request_of_load: Annotated[str, Header()] = "") -> dict[str, str | int]:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_BODY:
                raise HTTPException(413, f"more than {_LONGEST_BODY} bytes")
        try:
            parsed = parse_lines(body)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        records.store(parsed)
        return {"edge": name, "stored": len(parsed), "request": x_request_of_load}

    @app.websocket("/stream")
    async def stream(websocket: WebSocket, every: float = _TICK_SECONDS) -> None:
        await websocket.accept()

        async def tick() -> None:
            number = 0
            while True:
                await websocket.send_json({"edge": name, "tick": number})
                number += 1
                await asyncio.sleep(max(every, _SHORTEST_TICK_SECONDS))

        ticking = asyncio.create_task(tick())
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await ticking

    return app


def listening(port: int | None, path: Path | None, patience: float, address: str = "127.0.0.1") -> socket.socket:
    """A listening socket on ``address`` or at a path; waits up to ``patience`` seconds for a port still held."""
    if path is not None:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(str(path))
        path.chmod(0o666)  # the edge's nginx connects as a user of its own
        unix.listen(1024)
        return unix
    deadline = time.monotonic() + patience
    while True:
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind((address, port or 0))
        except OSError as error:
            tcp.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        tcp.listen(1024)
        return tcp


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gridwire.lab.ingest", description="Store records, say who did.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--db", type=Path, required=True)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int)
    where.add_argument("--uds", type=Path)
    parser.add_argument("--address", default="127.0.0.1", help="where to listen; a name of this host's will do")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for a port still held")
    given = parser.parse_args(argv)
    records = Records(given.db)
    app = create_app(given.name, records)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, proxy_headers=False, timeout_graceful_shutdown=3, lifespan="off"
    )
    bound = listening(given.port, given.uds, given.patience, given.address)
    uvicorn.Server(config).run(sockets=[bound])
    records.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
