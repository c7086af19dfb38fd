"""The agent as a process of the host sees it: it waits to be joined, follows another join, and ends on SIGTERM."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.clock import monotonic
from gridwire.adapters.nginx import Nginx
from gridwire.agent.host import Host
from gridwire.agent.late import LateSection
from gridwire.agent.proxy import layout_at
from gridwire.agent.run import serve, stderr_log
from gridwire.agent.state_dir import AgentState
from gridwire.agent.wiring import ReachList, host_of
from gridwire.core.errors import Unavailable
from gridwire.core.names import NodeName
from gridwire.core.observed import Unknown
from gridwire.core.proxy_plan import WriteDocument
from gridwire.core.settings import NodeSettings, PathSettings, Settings
from gridwire.core.targets import parse_reach


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "it did not come to that in time"
        await asyncio.sleep(0.01)


def test_it_waits_to_be_joined_and_follows_another_join(tmp_path: Path, edge: Any, host: Any) -> None:
    settings = Settings(
        node=NodeSettings(name=NodeName("x")), paths=PathSettings(state=str(tmp_path), run=str(tmp_path / "run"))
    )
    state = AgentState(settings.paths.agent_state)
    events: list[tuple[str, dict[str, Any]]] = []

    async def scene() -> None:
        task = asyncio.create_task(
            serve(settings, lambda _: Host(sections=host.sections), lambda event, **more: events.append((event, more)))
        )
        await until(lambda: events)
        assert events[0] == ("waiting", {"why": "this host is not part of a grid yet"})
        identity = replace(edge.identity, api_port=9)  # nobody is there: this test is about what comes before
        state.save_identity(identity)
        await until(lambda: len(events) > 1)
        assert events[1][1]["why"] == "this node has no credential yet"
        state.save_credential("c" * 43)
        await until(lambda: ("started", "home-1") in [(e, m.get("node")) for e, m in events])
        await until(lambda: host.mesh.parts)
        other = type(edge)("home-2")
        state.save_identity(replace(other.identity, api_port=9))
        await until(lambda: ("started", "home-2") in [(e, m.get("node")) for e, m in events])
        os.kill(os.getpid(), signal.SIGTERM)
        await until(task.done)
        task.result()
        assert events[-1][0] == "ended"
        assert host.mesh.parts, "what runs is left running"

    asyncio.run(scene())


def test_log_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    stderr_log()("applied", did=["guard: \x1b[2J\n"], version=(1, 2))
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["did"] == ["guard: \x1b[2J\n"]
    assert "\x1b" not in line


def test_the_reach_list_follows_the_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "gridwire.yaml"
    path.write_text("node: {name: home-1}\nreach: ['127.0.0.1:9000']\n")
    reach = ReachList(str(path), ())
    assert reach() == (parse_reach("127.0.0.1:9000"),)
    path.write_text("node: {name: home-1}\nreach: ['127.0.0.1:9000', '127.0.0.1:9001']\n")
    assert len(reach()) == 2
    path.write_text("node: {name: home-1}\nreach: [nonsense]\n")
    assert len(reach()) == 2, "a slip of an editor takes nothing away"
    (finding,) = reach.findings()
    assert f"{path}:2:" in finding.what
    path.write_text("node: {name: home-1}\nreach: ['127.0.0.1:9000']\n")
    assert len(reach()) == 1
    assert reach.findings() == ()
    path.unlink()
    assert reach() == (), "no file, no consent"


def test_nginx_is_told_where_the_settings_say_that_it_looks(tmp_path: Path, edge: Any) -> None:
    where = PathSettings(state=f"{tmp_path}/state", run=f"{tmp_path}/run", logs=f"{tmp_path}/logs")
    Path(where.nginx_state).mkdir(parents=True)
    settings = Settings(node=NodeSettings(name=NodeName("home-1")), paths=where)
    proxy = next(s for s in host_of(settings, f"{tmp_path}/none.yaml", edge.identity).sections if s.name == "proxy")
    proxy.apply(WriteDocument(reason="test", name="edge", text="{}"))
    assert Path(where.nginx_state, "edge.json").read_text() == "{}"
    assert layout_at(where)(Nginx(binary="", version=(), modules=(), lua=())).control_socket == where.control_socket


def test_a_section_may_come_later_than_the_agent(edge: Any, host: Any) -> None:
    there = False

    def make() -> Any:
        if not there:
            raise Unavailable("no /dev/net/tun", fix="two lines")
        return host.mesh

    section = LateSection("mesh", make)
    observed = section.observe()
    assert isinstance(observed, Unknown)
    assert "no /dev/net/tun: two lines" in observed.reason
    assert section.plan(edge.at(1), observed, None) == ()  # type: ignore[arg-type]
    there = True
    actions = section.plan(edge.at(1), section.observe(), None)  # type: ignore[arg-type]
    section.apply(actions[0])
    assert host.mesh.parts
