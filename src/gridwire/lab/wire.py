"""One keep-alive HTTP/1.1 connection of the load client: ask, and see every byte that comes back.

Libraries retry, pool and forgive; this one counts. A byte that arrives when nothing was asked is a *stray*.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


class Lost(Exception):
    """A request was sent, wholly or in part, and no answer came; the message says how it ended."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    keep: bool


def parse_answer(raw: bytes, *, ended: bool = False) -> tuple[Answer, int] | None:
    """The first complete answer in ``raw`` and its length; none while more must come (RFC 9112 §6).

    ``ended``: the connection closed, which completes an answer without a length. Raise ValueError for what is
    no HTTP. 1xx answers are skipped.
    """
    start = 0
    while True:
        head_end = raw.find(b"\r\n\r\n", start)
        if head_end < 0:
            return None
        lines = raw[start:head_end].decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise ValueError(f"not an HTTP answer: {lines[0][:60]!r}")
        status, body_start = int(rest[:3]), head_end + 4
        if status >= 200 or status == 101:
            break
        start = body_start
    headers = {name.strip().lower(): value.strip().lower() for name, _, value in (x.partition(":") for x in lines[1:])}
    keep = headers.get("connection", "keep-alive") != "close"
    if headers.get("transfer-encoding") == "chunked":
        parsed = _chunked(raw, body_start)
        return None if parsed is None else (Answer(status, parsed[0], keep), parsed[1])
    if "content-length" in headers:
        end = body_start + int(headers["content-length"])
        return (Answer(status, raw[body_start:end], keep), end) if len(raw) >= end else None
    if status in (101, 204, 304):
        return Answer(status, b"", keep), body_start
    return (Answer(status, raw[body_start:], False), len(raw)) if ended else None


def _chunked(raw: bytes, at: int) -> tuple[bytes, int] | None:
    body = b""
    while True:
        line_end = raw.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(raw[at:line_end].partition(b";")[0], 16)
        chunk_end = line_end + 2 + size + 2
        if len(raw) < chunk_end:
            return None
        if size == 0:
            return body, chunk_end
        body += raw[line_end + 2 : chunk_end - 2]
        at = chunk_end


class Exchange(asyncio.Protocol):
    """A connection: one request at a time. ``strays`` counts arrivals that nobody had asked for."""

    def __init__(self) -> None:
        self.strays = 0
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiting: asyncio.Future[Answer] | None = None
        self._done = False

    @classmethod
    async def open(cls, address: str, port: int, timeout: float) -> Exchange:
        """Connect; raise OSError, or TimeoutError after ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        _, protocol = await asyncio.wait_for(loop.create_connection(cls, address, port), timeout)
        return protocol

    @property
    def usable(self) -> bool:
        return not self._done

    async def ask(self, request: bytes, timeout: float) -> Answer:
        """Send and wait; raise Lost where the connection ends, or after ``timeout`` seconds, without an answer."""
        if self._transport is None or self._done:
            raise Lost("closed before it was sent")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            answer = await asyncio.wait_for(self._waiting, timeout)
        except TimeoutError:
            self.close()
            raise Lost("timeout") from None
        finally:
            self._waiting = None
        if not answer.keep:
            self.close()
        return answer

    def close(self) -> None:
        self._done = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._waiting is None or self._waiting.done():
            self.strays += 1
            self.close()
            return
        self._buffer += data
        self._parse(ended=False)

    def eof_received(self) -> bool:
        self._end("closed by the other side")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("reset" if exc is not None else "closed")

    def _end(self, how: str) -> None:
        self._done = True
        if self._waiting is not None and not self._waiting.done():
            self._parse(ended=True)
            if not self._waiting.done():
                self._waiting.set_exception(Lost(how))

    def _parse(self, *, ended: bool) -> None:
        assert self._waiting is not None
        try:
            parsed = parse_answer(self._buffer, ended=ended)
        except ValueError as error:
            self._done = True
            self._waiting.set_exception(Lost(str(error)))
            return
        if parsed is None:
            return
        answer, used = parsed
        if len(self._buffer) > used:
            self.strays += 1
            self._done = True
        self._buffer = b""
        self._waiting.set_result(answer)
