"""The stack that gridwire is measured beside: on both networks the same, but for the network."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

BRIDGE = Path(__file__).parents[2] / "bench/bridge"


def _services(name: str) -> dict[str, Any]:
    services: dict[str, Any] = YAML(typ="safe").load((BRIDGE / name).read_text())["services"]
    return services


def test_the_two_networks_have_the_same_nginx() -> None:
    texts = [(BRIDGE / name).read_text().split() for name in ("nginx.conf", "nginx.host.conf")]
    changed = [line for line in difflib.ndiff(*texts) if line[0] in "+-"]
    named = {"- backend:9000;", "+ 127.0.0.1:9000;", "- 80;", "+ 8080;", "- nginx.host.conf", "+ nginx.conf"}
    assert set(changed) == named


def test_the_bridge_is_the_textbooks() -> None:
    services = _services("compose.yaml")
    assert services["nginx"]["depends_on"] == ["backend"]
    assert services["nginx"]["ports"] == ["${BRIDGE_PORT:-8080}:80"]
    assert not any("network_mode" in service for service in services.values())


def test_the_other_has_no_bridge_and_no_published_port() -> None:
    services = _services("compose.host.yaml")
    assert {service["network_mode"] for service in services.values()} == {"host"}
    assert not any("ports" in service for service in services.values())
    assert services.keys() == _services("compose.yaml").keys()
