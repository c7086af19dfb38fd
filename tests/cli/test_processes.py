"""What the commands of processes hand on from this host's settings."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from gridwire.agent.state_dir import AgentState
from gridwire.core.addressing import DEFAULT_PREFIX
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.names import HostName, Interface, NodeName


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
