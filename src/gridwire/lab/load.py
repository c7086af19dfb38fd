"""An open-loop client that never retries: what was sent, answered once, answered twice, lost.

Requests start when they are due, whatever became of the earlier ones, over keep-alive connections. Each carries
an id which the ingestion app gives back, so that an answer to another request, or a second one, is seen. (wrk
misreports losses under reload, and closed-loop clients stop asking just when it hurts.)

    python -m gridwire.lab.load --to 10.85.0.1:80 --host api.grid --rate 200 --seconds 5

It prints ``started`` when the first connection stands, then a report as one line of JSON. It ends after
``--seconds``, or before, when its standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gridwire.lab.readings import readings
from gridwire.lab.records import REQUEST_HEADER
from gridwire.lab.websockets import Listeners
from gridwire.lab.wire import Answer, Exchange, Lost

REQUEST_TIMEOUT_SECONDS = 10.0
_MOST_REQUESTS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``rate``: requests per second, ``post_share`` of them POSTs of ``batch`` records each.

    ``slow``: connections beside the others, each with one GET every ``slow_seconds``.
    """

    address: str
    port: int
    host: str
    rate: float = 100
    seconds: float = 5
    post_share: float = 0.5
    batch: int = 1
    connections: int = 32
    slow: int = 0
    slow_seconds: float = 2.0
    websockets: int = 0
    stream: str = "/stream"
    prefix: str = "r"
    seed: int = 1
    source: Path | None = None


@dataclass(slots=True)
class Row:
    """One request: times in seconds of the monotonic clock, which all hosts of the lab share."""

    id: str
    method: str
    due: float
    done: float = 0.0
    status: int = 0
    edge: str = ""
    error: str = ""
    records: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Report:
    """``acknowledged``: ids of the records that a 2xx answer covers. Latencies in ms, from when a request was due.

    ``ran_out``: it ended by its plan, not when it was told to; what happened after that was under no load.
    """

    sent: int = 0
    answered_once: int = 0
    answered_twice: int = 0
    lost: int = 0
    idempotent_failed: int = 0
    posts_failed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    unacknowledged: list[str] = field(default_factory=list)
    websockets_opened: int = 0
    websockets_dropped: int = 0
    websockets_silent: int = 0
    websocket_messages: int = 0
    ran_out: bool = False
    timeline: list[tuple[float, float, str, str, int]] = field(default_factory=list)  # due, done, method, edge, status


def percentile(ordered: list[float], share: float) -> float:
    """The nearest-rank percentile of sorted values; 0 where there are none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def report(rows: list[Row], doubled: int) -> Report:
    """Add up what became of every request that was sent."""
    answered = [row for row in rows if row.status]
    times = sorted((row.done - row.due) * 1000 for row in answered)
    return Report(
        sent=len(rows),
        answered_once=len(answered) - doubled,
        answered_twice=doubled,
        lost=len(rows) - len(answered),
        idempotent_failed=sum(1 for row in rows if row.method == "GET" and not row.ok),
        posts_failed=sum(1 for row in rows if row.method == "POST" and not row.ok),
        statuses=dict(Counter(str(row.status) for row in answered)),
        errors=dict(Counter(row.error for row in rows if row.error)),
        shares=dict(sorted(Counter(row.edge for row in rows if row.ok and row.edge).items())),
        latency_ms={
            "p50": round(percentile(times, 0.50), 2),
            "p99": round(percentile(times, 0.99), 2),
            "max": round(times[-1], 2) if times else 0.0,
        },
        acknowledged=[record for row in rows if row.ok for record in row.records],
        unacknowledged=[record for row in rows if not row.ok for record in row.records],
        timeline=[(round(row.due, 4), round(row.done, 4), row.method, row.edge, row.status) for row in rows],
    )


class Load:
    """One run of a plan. ``rows`` grow as requests are sent; nothing is sent twice."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rows: list[Row] = []
        self.doubled = 0
        self._free: deque[Exchange] = deque()
        self._open = 0
        self._returned = asyncio.Condition()
        self._records = readings(plan.source, plan.seed, plan.prefix)
        self._exhausted = False

    async def run(self, stop: asyncio.Event) -> Report:
        plan = self.plan
        listeners = Listeners(plan.address, plan.port, plan.host, plan.websockets, path=plan.stream)
        await listeners.open()
        for _ in range(min(4, self.plan.connections)):
            with suppress(OSError, TimeoutError):
                self._free.append(await self._connect())
        print("started", flush=True)
        slow = [asyncio.create_task(self._slow(number, stop)) for number in range(self.plan.slow)]
        running: set[asyncio.Task[None]] = set()
        for due in self._schedule():
            delay = due - time.monotonic()
            if delay > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), delay)
            if stop.is_set():
                break
            task = asyncio.create_task(self._send(self._next_row(due)))
            running.add(task)
            task.add_done_callback(running.discard)
        ran_out = not stop.is_set()
        stop.set()
        await asyncio.gather(*running, *slow)
        kept = await listeners.close()
        for exchange in self._free:
            self.doubled += exchange.strays
            exchange.close()
        done = report(self.rows, self.doubled)
        done.ran_out = ran_out
        done.websockets_opened, done.websockets_dropped = kept.opened, kept.dropped
        done.websockets_silent, done.websocket_messages = kept.silent, kept.messages
        return done

    def _schedule(self) -> Iterator[float]:
        start = time.monotonic()
        for number in range(min(int(self.plan.rate * self.plan.seconds), _MOST_REQUESTS)):
            if self._exhausted:
                return
            yield start + number / self.plan.rate

    def _next_row(self, due: float) -> Row:
        number = len(self.rows)
        posts = int((number + 1) * self.plan.post_share) - int(number * self.plan.post_share)
        row = Row(id=f"{self.plan.prefix}-{number}", method="POST" if posts else "GET", due=due)
        self.rows.append(row)
        return row

    async def _connect(self) -> Exchange:
        exchange = await Exchange.open(self.plan.address, self.plan.port, REQUEST_TIMEOUT_SECONDS)
        self._open += 1
        return exchange

    async def _take(self) -> Exchange:
        async with self._returned:
            while True:
                while self._free:
                    exchange = self._free.popleft()
                    if exchange.usable:
                        return exchange
                    self._retire(exchange)
                if self._open < self.plan.connections:
                    return await self._connect()
                await self._returned.wait()

    def _retire(self, exchange: Exchange) -> None:
        self.doubled += exchange.strays
        self._open -= 1
        exchange.close()

    async def _give_back(self, exchange: Exchange) -> None:
        async with self._returned:
            if exchange.usable:
                self._free.append(exchange)
            else:
                self._retire(exchange)
            self._returned.notify()

    def _request(self, row: Row) -> bytes:
        head = f"Host: {self.plan.host}\r\n{REQUEST_HEADER}: {row.id}\r\n"
        if row.method == "GET":
            return f"GET / HTTP/1.1\r\n{head}\r\n".encode()
        lines = []
        for _ in range(self.plan.batch):
            record = next(self._records, None)
            if record is None:
                self._exhausted = True
                break
            row.records += (record[0],)
            lines.append(record[1])
        body = ("\n".join(lines) + "\n").encode()
        kind = "Content-Type: application/x-ndjson\r\n"
        return f"POST /ingest HTTP/1.1\r\n{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def _send(self, row: Row) -> None:
        request = self._request(row)
        try:
            exchange = await self._take()
        except (OSError, TimeoutError) as error:
            row.error, row.done = f"connect: {type(error).__name__}", time.monotonic()
            return
        await self._exchange(exchange, row, request)
        await self._give_back(exchange)

    async def _exchange(self, exchange: Exchange, row: Row, request: bytes) -> None:
        try:
            self._judge(row, await exchange.ask(request, REQUEST_TIMEOUT_SECONDS))
        except Lost as error:
            row.error = str(error)
        row.done = time.monotonic()

    def _judge(self, row: Row, answer: Answer) -> None:
        row.status = answer.status
        with suppress(ValueError):
            said = json.loads(answer.body)
            if isinstance(said, dict):
                row.edge = str(said.get("edge", ""))
                if row.ok and said.get("request") != row.id:
                    row.error = "answered with another request's answer"
                    self.doubled += 1

    async def _slow(self, number: int, stop: asyncio.Event) -> None:
        """One connection that speaks every ``slow_seconds``; the first request is spread over the first period."""
        exchange: Exchange | None = None
        due = time.monotonic() + self.plan.slow_seconds * number / max(1, self.plan.slow)
        ends = time.monotonic() + self.plan.seconds
        turn = 0
        while due < ends:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, due - time.monotonic()))
            if stop.is_set():
                break
            row = Row(id=f"{self.plan.prefix}-slow{number}-{turn}", method="GET", due=due)
            self.rows.append(row)
            try:
                if exchange is None or not exchange.usable:
                    exchange = await Exchange.open(self.plan.address, self.plan.port, REQUEST_TIMEOUT_SECONDS)
            except (OSError, TimeoutError) as error:
                row.error, row.done = f"connect: {type(error).__name__}", time.monotonic()
            else:
                await self._exchange(exchange, row, self._request(row))
            turn, due = turn + 1, due + self.plan.slow_seconds
        if exchange is not None:
            self.doubled += exchange.strays
            exchange.close()


def parse(argv: list[str] | None) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m gridwire.lab.load", description="Open-loop load, no retries.")
    parser.add_argument("--to", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--host", required=True)
    for name, kind, default in (
        ("rate", float, 100.0),
        ("seconds", float, 5.0),
        ("post-share", float, 0.5),
        ("batch", int, 1),
        ("connections", int, 32),
        ("slow", int, 0),
        ("slow-seconds", float, 2.0),
        ("websockets", int, 0),
        ("seed", int, 1),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default)
    parser.add_argument("--prefix", default="r")
    parser.add_argument("--stream", default="/stream", help="path of the WebSockets")
    parser.add_argument("--source", type=Path, help="JSON lines to send instead of generated readings")
    given = vars(parser.parse_args(argv))
    address, _, port = given.pop("to").rpartition(":")
    return Plan(address=address.strip("[]"), port=int(port), **given)


async def _until_told(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop.set()


async def _main(plan: Plan, *, heed_stdin: bool) -> Report:
    stop = asyncio.Event()
    told = asyncio.create_task(_until_told(stop)) if heed_stdin else None
    done = await Load(plan).run(stop)
    if told is not None:
        told.cancel()
    return done


def _allow_files(wanted: int) -> None:
    """A connection is an open file, and shells allow 1,024 of them unless asked for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    heed_stdin = "--heed-stdin" in arguments
    plan = parse([argument for argument in arguments if argument != "--heed-stdin"])
    _allow_files(plan.connections + plan.slow + plan.websockets + 100)
    print(json.dumps(asdict(asyncio.run(_main(plan, heed_stdin=heed_stdin)))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
