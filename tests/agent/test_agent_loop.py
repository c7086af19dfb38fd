"""The whole loop over sections in memory, against a control that a test switches on, off and to other specs."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import TypeAdapter

from gridwire.agent.control_link import ControlLink
from gridwire.agent.host import Host, Pace
from gridwire.agent.loop import Agent
from gridwire.agent.state_dir import AgentState
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.fleet import Invitation, Node, NodeState, Role
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.spec import NodeSpec
from gridwire.core.wireguard import public_key
from gridwire.protocol.agent import ApplyState, Report
from gridwire.protocol.audit import START, Event, Head, chained

SPEC, REPORT = TypeAdapter(NodeSpec), TypeAdapter(Report)
EVENT_AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
QUICK = Pace(
    heal=0.05, waiting=0.02, failed=0.02, report=0.1, heartbeat=0.2, poll=30.0, away=0.02, longest_away=0.05, hold=0.1
)


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to that in time"
        await asyncio.sleep(0.005)


@dataclass
class FakeControl:
    """Long polls and reports over a Unix socket, as the protocol says."""

    path: Path
    spec: NodeSpec | None = None
    mute: bool = False
    reports: list[Report] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def last(self) -> Report | None:
        return self.reports[-1] if self.reports else None

    @property
    def etag(self) -> str | None:
        return None if self.spec is None else f'"{self.spec.epoch}.{self.spec.revision}"'

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                request, *lines = head.strip().split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                await until(lambda: not self.mute, 60)
                writer.write(await self._answer(request.split()[1], headers, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, target: str, headers: dict[str, str], body: bytes) -> bytes:
        if target.startswith("/api/v1/agent/report"):
            self.reports.append(REPORT.validate_json(body))
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        if target.startswith("/api/v1/events"):
            asked = {k: int(v[0]) for k, v in parse_qs(target.partition("?")[2]).items()}
            above = [e for e in self.events if e["number"] > asked.get("after", -1)]
            items = above[: asked["limit"]] if "after" in asked else above[-asked["limit"] :]
            content = json.dumps({"items": items}).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)
        seen = headers.get("if-none-match")
        self.asked.append(seen)
        wait = float(target.partition("wait=")[2])
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await until(lambda: not self.mute and self.spec is not None and self.etag != seen, 60)
        if self.spec is None:
            content = json.dumps({"code": "unavailable", "detail": "not yet"}).encode()
            return b"HTTP/1.1 503 x\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)
        if self.etag == seen:
            return b"HTTP/1.1 304 Not Modified\r\n\r\n"
        content = SPEC.dump_json(self.spec)
        return f"HTTP/1.1 200 OK\r\nETag: {self.etag}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


class Scene:
    """One agent, its host in memory, and its control."""

    def __init__(self, specs: Any, host: Any, state: AgentState, control: FakeControl, pace: Pace) -> None:
        self.specs, self.host, self.state, self.control, self.pace = specs, host, state, control, pace
        self.logged: list[tuple[str, dict[str, Any]]] = []
        self.more: dict[str, Any] = {}

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[Agent]:
        host = Host(sections=self.host.sections, **self.more)
        link = ControlLink((f"unix:{self.control.path}",), {})
        agent = Agent(
            self.specs.identity,
            self.state,
            host,
            link,
            lambda event, **fields: self.logged.append((event, fields)),
            pace=self.pace,
        )
        task = asyncio.create_task(agent.run())
        try:
            yield agent
            assert not task.done(), "the agent ended by itself"
        finally:
            agent.stop()
            await asyncio.wait_for(task, 5)

    def in_force(self) -> tuple[int, int]:
        return self.control.last.version if self.control.last else (0, 0)


Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


@pytest.fixture
def play(tmp_path: Path, host: Any, state: AgentState) -> Callable[..., None]:
    def run(specs: Any, scene: Callable[[Scene], Awaitable[None]], *, pace: Pace = QUICK) -> None:
        async def main() -> None:
            control = FakeControl(tmp_path / "c.sock")
            await control.start()
            try:
                await scene(Scene(specs, host, state, control, pace))
            finally:
                await control.stop()

        asyncio.run(main())

    return run


def test_a_spec_is_fetched_applied_reported_and_saved(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            assert on.host.is_as(gateway.at(1))
            assert on.control.last is not None
            assert on.control.last.state is ApplyState.IN_SYNC
            assert on.state.load_spec().spec == gateway.at(1)

    play(gateway, scene)


def test_a_report_tells_newcomers_from_all_that_arrives(play: Any, gateway: Any) -> None:
    async def scene(s: Scene) -> None:
        s.more = {"counters": lambda: {"arrived": (126, 9000), "newcomers": (3, 444)}}
        s.control.spec = gateway.at(1)
        async with s.agent():
            await until(lambda: s.control.last is not None)
            assert s.control.last is not None
            assert (s.control.last.handshake_packets, s.control.last.newcomer_packets) == (126, 3)

    play(gateway, scene)


def test_a_new_revision_is_applied_in_a_tenth_of_a_second(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            took = []
            for revision in range(2, 12):
                began = asyncio.get_running_loop().time()
                on.control.spec = gateway.at(revision)
                await until(lambda r=revision: on.host.proxy.parts[-1] == f"r{r}")
                took.append(asyncio.get_running_loop().time() - began)
            # The quickest: what another program took of this machine is no pause of the agent's.
            assert min(took) < 0.1, took

    play(gateway, scene)


def chain(length: int, detail: str = "") -> list[dict[str, Any]]:
    """Events from the first on, each chained to the one before."""
    made: list[Event] = []
    for number in range(1, length + 1):
        plain = Event(
            number=number, at=EVENT_AT, actor="root", kind="node.revoked", subject="x", detail=detail, hash=""
        )
        made.append(chained(made[-1].hash if made else START, plain))
    events: list[dict[str, Any]] = TypeAdapter(list[Event]).dump_python(made, mode="json")
    return events


def test_that_control_is_away_is_said_no_longer_than_it_is_so(play: Any, gateway: Any) -> None:
    """The next long poll is held for as long as there is nothing new: 25 s of a finding that is not true."""

    def away(on: Scene) -> bool:
        return on.control.last is not None and any(f.id == "control-away" for f in on.control.last.findings)

    async def scene(on: Scene) -> None:
        on.control.spec = gateway.at(1)
        async with on.agent() as agent:
            await until(lambda: on.in_force() == (1, 1))
            await on.control.stop()
            polls = len(on.control.asked)
            await until(lambda: agent._seen.control is not None)
            await on.control.start()
            await until(lambda: len(on.control.asked) > polls)
            reports = len(on.control.reports)
            await until(lambda: len(on.control.reports) > reports + 2 and not away(on), 3)

    play(gateway, scene)


def test_the_head_of_the_audit_chain_is_logged_when_it_changes(play: Any, gateway: Any, edge: Any) -> None:
    def heads(on: Scene) -> list[int]:
        return [fields["number"] for name, fields in on.logged if name == "audit-head"]

    async def scene(on: Scene) -> None:
        on.control.spec = on.specs.at(1)
        async with on.agent():
            await until(lambda: len(on.control.reports) > 2)
            assert heads(on) == []
            on.control.events = chain(1)
            await until(lambda: heads(on) == [1])
            reports = len(on.control.reports)
            await until(lambda: len(on.control.reports) > reports + 3)
            on.control.events = chain(3)
            await until(lambda: heads(on) == [1, 3])
            assert on.logged[-1][1]["hash"] == chain(3)[-1]["hash"]
            await until(lambda: on.state.load_audit_head() is not None)
            assert not audit_findings(on)

    play(gateway, scene)


def audit_findings(on: Scene) -> list[Finding]:
    last = on.control.last
    return [] if last is None else [finding for finding in last.findings if finding.id == "audit-broken"]


def line_altered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*events, {**chain(4)[3], "detail": "nothing happened"}]


@pytest.mark.parametrize(
    "altered",
    [
        lambda _: chain(4, detail="made anew"),
        lambda seen: seen[:2],
        lambda _: [],
        line_altered,
        lambda seen: [*seen, chain(5)[4]],
    ],
    ids=["made anew", "cut short", "emptied", "a line altered", "a line taken out"],
)
def test_an_audit_chain_that_no_longer_follows_is_critical_also_after_a_restart(
    play: Any, gateway: Any, altered: Any
) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = on.specs.at(1)
        on.control.events = chain(3)
        async with on.agent():
            await until(lambda: on.state.load_audit_head() is not None)
            assert not audit_findings(on)
            on.control.events = altered(on.control.events)
            await until(lambda: audit_findings(on))
            assert audit_findings(on)[0].severity is Severity.CRITICAL
            assert "events --verify" in audit_findings(on)[0].fix
        on.control.reports.clear()
        async with on.agent():
            await until(lambda: audit_findings(on))
        assert [name for name, _ in on.logged].count("audit-broken") == 2

    play(gateway, scene)


def test_a_chain_longer_than_one_answer_is_followed_whole(
    play: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridwire.agent.witness.PAGE", 4)

    async def scene(on: Scene) -> None:
        on.control.spec = on.specs.at(1)
        on.control.events = chain(12)
        async with on.agent():
            await until(lambda: (on.state.load_audit_head() or Head()).number == 12)
            assert not audit_findings(on)

    play(gateway, scene)


def test_it_starts_from_the_disk_with_control_away_and_goes_on_when_control_is_back(play: Any, edge: Any) -> None:
    async def scene(on: Scene) -> None:
        on.state.save_identity(edge.identity)
        on.state.save_spec(edge.at(3))
        await on.control.stop()
        async with on.agent():
            await until(lambda: on.host.is_as(edge.at(3)))
            on.host.guard.parts.clear()
            await until(lambda: on.host.is_as(edge.at(3)))
            on.control.spec = edge.at(4)
            await on.control.start()
            await until(lambda: on.in_force() == (1, 4))
            assert on.control.asked[0] == '"1.3"', "control is told what the node has"

    play(edge, scene)


def test_control_away_in_the_middle_of_a_long_poll_changes_nothing_and_is_resumed(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            for revision in (2, 3):
                await on.control.stop()
                applied = len(on.host.journal)
                await until(lambda: any(name == "applied" for name, _ in on.logged))
                assert len(on.host.journal) == applied
                await on.control.start()
                on.control.spec = gateway.at(revision)
                await until(lambda r=revision: on.in_force() == (1, r))

    play(gateway, scene)


def test_the_agent_leaves_everything_running_and_adopts_it(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
        assert on.host.is_as(gateway.at(1))
        before = len(on.host.journal)
        on.control.reports.clear()
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
        assert len(on.host.journal) == before, "nothing was done twice"

    play(gateway, scene)


def test_an_older_spec_is_refused_and_reported(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = gateway.at(5)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 5))
            on.control.spec = gateway.at(4)
            await until(lambda: any(f.id == "spec-refused" for r in on.control.reports for f in r.findings))
            assert on.in_force() == (1, 5)
            assert on.state.load_spec().spec == gateway.at(5)
            asked = len(on.control.asked)
            on.control.reports.clear()
            await until(lambda: len(on.control.reports) > 3)
            assert len(on.control.asked) <= asked + 1, "what was refused is not asked for again and again"
            on.control.spec = gateway.at(1, epoch=2)
            await until(lambda: on.in_force() == (2, 1))

    play(gateway, scene)


def test_a_hostile_spec_is_refused_and_the_good_one_stands(play: Any, edge: Any) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = edge.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            on.control.spec = replace(edge.at(2), mesh=replace(edge.at(2).mesh, interface="eth0"))
            await until(lambda: any(f.id == "spec-refused" for r in on.control.reports for f in r.findings))
            assert on.host.is_as(edge.at(1))
            on.control.spec = edge.at(3)
            await until(lambda: on.in_force() == (1, 3))
            await until(lambda: on.control.last is not None and not on.control.last.findings)

    play(edge, scene)


def test_what_fails_is_rolled_back_reported_and_tried_again_later(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            on.host.proxy.error = GridwireError("nginx refuses it", code="nginx-refused")
            on.host.proxy.fail_at = {on.host.proxy.applied + 1}
            on.control.spec = gateway.at(2)
            await until(lambda: any(r.state is ApplyState.ROLLED_BACK for r in on.control.reports))
            back = next(r for r in on.control.reports if r.state is ApplyState.ROLLED_BACK)
            assert back.version == (1, 1)
            assert "nginx refuses it" in back.detail
            assert any(f.id == "nginx-refused" for f in back.findings)
            await until(lambda: on.in_force() == (1, 2))
            await until(lambda: on.control.last is not None and on.control.last.state is ApplyState.IN_SYNC)

    play(gateway, scene)


def test_a_spec_that_cuts_the_node_off_is_rolled_back(play: Any, edge: Any) -> None:
    """Control answers until the new spec is applied and never after it, as when the tunnel is gone."""

    async def scene(on: Scene) -> None:
        on.control.spec = edge.at(1)
        async with on.agent():
            await until(lambda: on.state.load_committed() == edge.at(1))
            apply = on.host.proxy.apply

            def cut(action: Any) -> None:
                apply(action)
                on.control.mute = on.host.proxy.parts[-1] == "r2"

            on.host.proxy.apply = cut
            on.control.spec = edge.at(2)
            await until(lambda: on.host.proxy.parts[-1] == "r2")
            await until(lambda: on.host.proxy.parts[-1] == "r1", 5)
            assert on.state.load_spec().spec == edge.at(1)
            on.control.spec = edge.at(1)
            await until(lambda: any(r.state is ApplyState.ROLLED_BACK for r in on.control.reports))
            assert "was not heard" in next(r.detail for r in on.control.reports if r.state is ApplyState.ROLLED_BACK)

    play(edge, scene, pace=replace(QUICK, dead_man=0.4))


def test_a_spec_that_cuts_the_node_off_before_all_of_it_is_there_is_rolled_back(play: Any, edge: Any) -> None:
    """nginx is not installed yet, so the spec is never applied to its end; what was applied cut the node off."""

    async def scene(on: Scene) -> None:
        on.control.spec = edge.at(1)
        async with on.agent():
            await until(lambda: on.state.load_committed() == edge.at(1))
            on.host.proxy.error = Unavailable("nginx is not installed")
            on.host.proxy.fail_at = set(range(on.host.proxy.applied + 1, 10_000))
            apply = on.host.mesh.apply

            def cut(action: Any) -> None:
                apply(action)
                on.control.mute = True

            on.host.mesh.apply = cut
            on.control.spec = edge.with_gateway(2)
            await until(lambda: on.host.mesh.parts == list(on.host.mesh.wanted(on.control.spec)))
            await until(lambda: on.host.mesh.parts == list(on.host.mesh.wanted(edge.at(1))))
            assert on.state.load_spec().spec == edge.at(1)
            await until(lambda: any("was not heard" in fields.get("detail", "") for _, fields in on.logged))

    play(edge, scene, pace=replace(QUICK, dead_man=0.4))


def test_a_part_of_a_spec_that_carries_stays_while_the_rest_is_awaited(play: Any, edge: Any) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = edge.at(1)
        async with on.agent():
            await until(lambda: on.state.load_committed() == edge.at(1))
            on.host.proxy.error = Unavailable("nginx is not installed")
            on.host.proxy.fail_at = set(range(on.host.proxy.applied + 1, 10_000))
            on.control.spec = edge.at(2)
            awaiting = lambda: [r for r in on.control.reports if r.state is ApplyState.APPLYING]  # noqa: E731
            await until(lambda: len(awaiting()) > 3)
            on.control.mute = True
            deadline = asyncio.get_running_loop().time() + 1
            await until(lambda: asyncio.get_running_loop().time() > deadline)
            assert on.state.load_spec().spec == edge.at(2), "control went away long after the change"
            on.control.mute = False
            on.host.proxy.fail_at = set()
            await until(lambda: on.state.load_committed() == edge.at(2))

    play(edge, scene, pace=replace(QUICK, dead_man=0.4))


def test_a_boot_from_the_disk_is_never_judged_by_controls_absence(play: Any, edge: Any) -> None:
    async def scene(on: Scene) -> None:
        on.state.save_spec(edge.at(1))
        on.state.commit((1, 1))
        on.state.save_spec(edge.at(2))
        await on.control.stop()
        beats = 0

        def beat() -> int:
            nonlocal beats
            beats += 1
            return 0

        async with on.agent():
            await until(lambda: on.host.is_as(edge.at(2)))
            count = len(on.host.journal)
            await asyncio.sleep(0)
            deadline = asyncio.get_running_loop().time() + 0.5
            await until(lambda: asyncio.get_running_loop().time() > deadline)
            assert len(on.host.journal) == count
            assert on.host.is_as(edge.at(2))
        await on.control.start()

    play(edge, scene, pace=replace(QUICK, dead_man=0.1))


def test_what_is_late_is_waited_for_and_found_at_once(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        on.host.proxy.fail_at = set(range(1, 10_000))
        on.host.proxy.error = Unavailable("nginx is not running yet")
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.control.last is not None and "not running yet" in on.control.last.detail)
            assert on.control.last is not None
            assert on.control.last.state is ApplyState.APPLYING
            assert on.host.mesh.parts, "the rest does not wait"
            on.host.proxy.fail_at = set()
            began = asyncio.get_running_loop().time()
            await until(lambda: on.in_force() == (1, 1))
            assert asyncio.get_running_loop().time() - began < 0.5

    play(gateway, scene)


def test_a_full_disk_keeps_the_old_spec_and_takes_the_new_one_when_there_is_room(
    play: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(on: Scene) -> None:
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            room = on.state.save_spec

            def full(spec: NodeSpec) -> None:
                raise Unavailable("no space left", code="disk-full")

            monkeypatch.setattr(on.state, "save_spec", full)
            on.control.spec = gateway.at(2)
            await until(lambda: any("no space" in f.what for r in on.control.reports for f in r.findings))
            assert on.in_force() == (1, 1)
            monkeypatch.setattr(on.state, "save_spec", room)
            await until(lambda: on.in_force() == (1, 2))

    play(gateway, scene)


def test_a_corrupted_spec_starts_the_generation_before_and_asks_for_the_new_one(play: Any, edge: Any) -> None:
    async def scene(on: Scene) -> None:
        on.state.save_spec(edge.at(1))
        on.state.save_spec(edge.at(2))
        (on.state.path / "spec.json").unlink()
        (on.state.path / "spec.json").write_bytes(b"garbage")
        await on.control.stop()
        async with on.agent():
            await until(lambda: on.host.is_as(edge.at(1)))
            on.control.spec = edge.at(2)
            await on.control.start()
            await until(lambda: on.in_force() == (1, 2))
            assert on.control.asked[0] is None

    play(edge, scene)


def test_a_newcomer_has_a_tunnel_before_it_has_a_spec(play: Any, edge: Any) -> None:
    async def scene(on: Scene) -> None:
        await on.control.stop()
        async with on.agent():
            await until(lambda: on.host.mesh.parts == [edge.fleet.node("gw").public_key])
        await on.control.start()

    play(edge, scene)


def test_a_crash_inside_a_section_ends_no_agent(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        on.host.proxy.fail_at, on.host.proxy.error = {1, 2, 3}, ZeroDivisionError("a bug")
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: any("a bug" in r.detail for r in on.control.reports))
            await until(lambda: on.in_force() == (1, 1))

    play(gateway, scene)


def test_a_change_of_the_host_wakes_it(play: Any, gateway: Any) -> None:
    wakers: list[Callable[[], None]] = []
    closed = threading.Event()

    class Watching:
        def close(self) -> None:
            closed.set()

    def watch(wake: Callable[[], None]) -> Watching:
        wakers.append(wake)
        return Watching()

    async def scene(on: Scene) -> None:
        on.more["watches"] = (watch,)
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            on.host.guard.parts.clear()
            began = asyncio.get_running_loop().time()
            threading.Thread(target=wakers[0]).start()
            await until(lambda: on.host.is_as(gateway.at(1)))
            assert asyncio.get_running_loop().time() - began < 1.0
        assert closed.is_set()

    play(gateway, scene, pace=replace(QUICK, heal=60.0))


class Watch:
    """One watch of the host; ``changed`` is called as its thread would, when something changed."""

    def __init__(self, on: Scene) -> None:
        self._wakers: list[Callable[[], None]] = []
        on.more["watches"] = (self._watch,)

    def _watch(self, wake: Callable[[], None]) -> Watch:
        self._wakers.append(wake)
        return self

    def close(self) -> None:
        pass

    def changed(self) -> None:
        threading.Thread(target=self._wakers[0]).start()


SLOW = replace(QUICK, heal=60.0, failed=60.0, longest_failed=60.0, report=0.1)


def test_the_guard_is_healed_while_everything_else_is_held_up(play: Any, gateway: Any) -> None:
    """As behind an nginx that was stopped (SIGSTOP), a wg that hangs, a resolver that answers nobody."""
    held, let_go = threading.Event(), threading.Event()

    async def scene(on: Scene) -> None:
        watch = Watch(on)
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            observe = on.host.proxy.observe

            def hold_up() -> Any:
                held.set()
                assert let_go.wait(30)
                return observe()

            on.host.proxy.observe = hold_up
            on.control.spec = gateway.at(2)
            try:
                await until(held.is_set)
                on.host.guard.parts.clear()
                began = asyncio.get_running_loop().time()
                watch.changed()
                await until(lambda: tuple(on.host.guard.parts) == on.host.guard.wanted(gateway.at(2)))
                assert asyncio.get_running_loop().time() - began < 1
            finally:
                let_go.set()
            await until(lambda: on.in_force() == (1, 2))

    play(gateway, scene, pace=SLOW)


def test_a_revocation_waits_for_nothing_that_holds_up_the_spec_before_it(play: Any, gateway: Any) -> None:
    """Nor does that spec let the node in again: it is applied to its end, or rolled back, afterwards."""
    held, let_go = threading.Event(), threading.Event()

    async def scene(on: Scene) -> None:
        revoked = gateway.fleet.node("home-2")
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            apply = on.host.proxy.apply

            def hold_up(action: Any) -> None:
                held.set()
                assert let_go.wait(30)
                on.host.proxy.apply = apply
                on.host.mesh.parts.clear()  # so that the spec has its peers to add again
                raise GridwireError("nginx refuses it", code="nginx-refused")

            on.host.proxy.apply = hold_up
            on.control.spec = gateway.at(2)
            try:
                await until(held.is_set)
                on.control.spec = gateway.without(3, "home-2")
                await until(lambda: revoked.public_key not in on.host.mesh.parts, 2)
                await until(lambda: not any(str(revoked.address) in o for o in on.host.guard.parts), 2)
                assert on.in_force() == (1, 1), "the other spec is still being applied"
                on.host.journal.clear()
            finally:
                let_go.set()
            await until(lambda: on.in_force() == (1, 3))
            assert any("roll back" in line for _, f in on.logged for line in f.get("did", ()))
            assert not any(revoked.public_key in line for line in on.host.journal if "put" in line)
            assert not any(str(revoked.address) in line for line in on.host.journal if line.startswith("guard"))

    play(gateway, scene, pace=SLOW)


def test_the_guard_is_healed_at_once_after_something_else_failed(play: Any, gateway: Any) -> None:
    async def scene(on: Scene) -> None:
        watch = Watch(on)
        on.host.mesh.fail_at = set(range(1, 1000))
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.control.last is not None and on.control.last.state is ApplyState.FAILED)
            on.host.guard.parts.clear()
            began = asyncio.get_running_loop().time()
            watch.changed()
            await until(lambda: tuple(on.host.guard.parts) == on.host.guard.wanted(gateway.at(1)))
            assert asyncio.get_running_loop().time() - began < 1

    play(gateway, scene, pace=SLOW)


def test_nginx_is_ended_where_the_guard_cannot_be_made_to_stand_and_not_before(play: Any, gateway: Any) -> None:
    ended: list[float] = []

    def end() -> bool:
        ended.append(time.monotonic())
        return len(ended) == 1

    async def scene(on: Scene) -> None:
        watch = Watch(on)
        on.more["end_nginx"] = end
        on.control.spec = gateway.at(1)
        async with on.agent():
            await until(lambda: on.in_force() == (1, 1))
            on.host.guard.fail_at = {on.host.guard.applied + 1}
            on.host.guard.parts.clear()
            watch.changed()
            await until(lambda: tuple(on.host.guard.parts) == on.host.guard.wanted(gateway.at(1)))
            assert not ended, "it came back in a moment"
            on.host.guard.fail_at = set(range(1000))
            on.host.guard.parts.clear()
            began = time.monotonic()
            watch.changed()
            await until(lambda: ended)
            assert ended[0] - began >= 0.2
            await until(lambda: any(f.where == "guard" and "it broke" in f.what for f in on.control.last.findings))
            told = [fields["did"] for event, fields in on.logged if event == "guarded"]
            assert ["guard: nginx was ended, which may not serve without it"] in told
            on.host.guard.fail_at = set()
            await until(lambda: tuple(on.host.guard.parts) == on.host.guard.wanted(gateway.at(1)))
            await until(lambda: not any(f.where == "guard" for f in on.control.last.findings))

    play(gateway, scene, pace=replace(QUICK, heal=60.0, failed=0.05, longest_failed=60.0, bare=0.2))


def test_an_invitation_ends_by_the_agents_own_clock_with_control_dead(play: Any, gateway: Any) -> None:
    key = public_key("AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=")
    newcomer = Node(name="new", role=Role.EDGE, state=NodeState.INVITED, address=gateway.fleet.nodes[0].address + 900)

    async def scene(on: Scene) -> None:
        ends = datetime.now(UTC) + timedelta(seconds=1.5)
        fleet = gateway.fleet.put(newcomer).put(Invitation(node="new", ephemeral_key=key, expires=ends))
        on.host.mesh.wanted = lambda s: tuple(
            p.public_key for p in s.mesh.peers if p.expires is None or p.expires > datetime.now(UTC)
        )
        on.control.spec = gateway.at(1, fleet=fleet)
        async with on.agent():
            await until(lambda: key in on.host.mesh.parts)
            await on.control.stop()
            await until(lambda: key not in on.host.mesh.parts)
            assert datetime.now(UTC) - ends < timedelta(seconds=0.5)
        await on.control.start()

    play(gateway, scene, pace=replace(QUICK, heal=60.0))
