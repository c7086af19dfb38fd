"""A gateway whose settings were changed becomes what they say once control says so too; nobody else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gridwire.agent.desired import Desired
from gridwire.agent.state_dir import AgentState
from gridwire.core.addressing import DEFAULT_PREFIX
from gridwire.core.compiler import compile_spec
from gridwire.core.errors import Invalid
from gridwire.core.joined import renewed
from gridwire.core.names import HostName, NodeName
from gridwire.core.settings import NetworkSettings, NodeSettings, PortSettings, Settings

DOMAIN = HostName("home.example.com")


def settings(**changes: Any) -> Settings:
    return Settings(node=NodeSettings(name=NodeName("gw")), endpoint="198.51.100.1:51820", **changes)


def test_a_gateway_begins_anew_as_its_settings_and_control_say(tmp_path: Path, gateway: Any) -> None:
    asked = settings(domain=DOMAIN, network=NetworkSettings(ports=PortSettings(routes=8088)))
    state = AgentState(tmp_path)
    state.save_identity(gateway.identity)
    desired = Desired(gateway.identity, state, renewed(gateway.identity, asked))
    changed = replace(gateway.fleet, network=replace(gateway.fleet.network, suffix=DOMAIN, routes_port=8088))
    spec = compile_spec(changed, "gw", epoch=1, revision=9)
    assert not desired.take(spec, '"1.9"')
    identity = state.load_identity()
    assert identity is not None
    assert (identity.suffix, identity.routes_port) == (DOMAIN, 8088)
    assert Desired(identity, state, renewed(identity, asked)).take(spec, '"1.9"')


def test_another_spec_than_the_settings_say_is_refused_as_before(tmp_path: Path, gateway: Any) -> None:
    state = AgentState(tmp_path)
    state.save_identity(gateway.identity)
    desired = Desired(gateway.identity, state, renewed(gateway.identity, settings(domain=DOMAIN)))
    other = replace(gateway.fleet, network=replace(gateway.fleet.network, suffix=HostName("evil.example.com")))
    with pytest.raises(Invalid, match=r"names\.suffix"):
        desired.take(compile_spec(other, "gw", epoch=1, revision=9), '"1.9"')
    assert state.load_identity() == gateway.identity


def test_only_a_gateway_that_was_made_here_is_renewed(edge: Any, gateway: Any) -> None:
    assert renewed(edge.identity, settings(domain=DOMAIN)) is None
    assert renewed(gateway.identity, settings()) is None
    assert renewed(gateway.identity, replace(settings(domain=DOMAIN), endpoint=None)) is None
    assert gateway.identity.prefix == DEFAULT_PREFIX
