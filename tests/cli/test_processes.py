"""What the commands of processes hand on from this host's settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from gridwire.agent.state_dir import AgentState
from gridwire.core.actions import Action
from gridwire.core.addressing import DEFAULT_PREFIX, address_at
from gridwire.core.compiler import compile_spec
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role
from gridwire.core.joined import JoinedAs
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.spec import NodeSpec
from gridwire.core.wireguard import PublicKey


def test_control_is_told_what_the_settings_say_and_where(
    cli: Any, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr("gridwire.control.serve.serve", lambda **given: told.update(given))
    settings_file.write_text(settings_file.read_text() + "domain: home.example.com\nnetwork: {ports: {routes: 8088}}\n")
    assert cli("control").code == 0
    asked = told["asked"]
    assert (asked.node, asked.endpoint) == ("gw", "gw.example.com:51820")
    assert (asked.network.suffix, asked.network.routes_port) == ("home.example.com", 8088)
    assert asked.place("domain") == f"{settings_file}:7:9"
    assert asked.place("network.ports.routes") == f"{settings_file}:8:27"


@pytest.mark.parametrize("process", [("agent",), ("control",), ("mesh", "run"), ("nginx", "run")], ids=" ".join)
def test_a_process_that_is_started_first_waits_for_the_settings(process: tuple[str, ...], tmp_path: Path) -> None:
    """As a container that comes up before `gridwire init` or `join`; the first of a container must heed SIGTERM."""
    argv = [sys.executable, "-P", "-m", "gridwire.cli.main", *process, "--settings", str(tmp_path / "gridwire.yaml")]
    first = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *argv]
    with subprocess.Popen(first, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        try:
            assert waiting.stderr.readline().startswith(f"waiting for {tmp_path}/gridwire.yaml")
            children = Path(f"/proc/{waiting.pid}/task/{waiting.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGTERM)
            assert waiting.wait(10) == 0
        finally:
            waiting.kill()


def test_the_guard_is_loaded_when_there_is_a_spec(
    cli: Any, tmp_path: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridwire.cli.guard.require_root", lambda _: None)
    monkeypatch.setattr("gridwire.agent.guard.load_guard", lambda spec: (Action(reason=f"for {spec.node}"),))
    text = settings_file.read_text()
    settings_file.unlink()

    def join() -> None:
        settings_file.write_text(text)
        AgentState(tmp_path / "state" / "agent").save_spec(_spec())

    joining = threading.Timer(0.3, join)
    joining.start()
    try:
        ran = cli("guard", "load", "--wait")
    finally:
        joining.join()
    assert ran.code == 0
    assert "waiting for" in ran.err
    assert "for gw" in ran.err


def _spec() -> NodeSpec:
    gateway = Node(
        name=NodeName("gw"),
        role=Role.GATEWAY,
        state=NodeState.ACTIVE,
        address=address_at(DEFAULT_PREFIX, 1),
        public_key=PublicKey("HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="),
        endpoint="gw.example.com:51820",
    )
    return compile_spec(
        Fleet(network=Network(prefix=DEFAULT_PREFIX), nodes=(gateway,)), gateway.name, epoch=1, revision=1
    )


def test_mesh_makes_the_interface_that_the_agent_looks_for(
    cli: Any, settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr("gridwire.adapters.wireguard.exec_device", lambda interface, _: made.append(interface))
    monkeypatch.setattr("gridwire.cli.mesh.require_root", lambda _: None)
    settings_file.write_text(settings_file.read_text() + "network: {interface: gw7}\n")
    assert cli("mesh", "run").code == 0
    AgentState(tmp_path / "state" / "agent").save_identity(
        JoinedAs(
            node=NodeName("gw"),
            role=Role.GATEWAY,
            address=ip_address("10.85.0.1"),
            prefix=DEFAULT_PREFIX,
            interface=Interface("gw0"),
            suffix=HostName("grid"),
        )
    )
    assert cli("mesh", "run").code == 0
    assert made == ["gw7", "gw0"]
