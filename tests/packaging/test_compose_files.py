"""The Compose files, as far as they can be judged without an engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gridwire.adapters.systemd import template
from gridwire.core.guard import WANTED_SYSCTLS

PACKAGING = Path(__file__).parents[2] / "packaging"
GATEWAY, EDGE = "compose.yaml", "compose.edge.yaml"
ONCE = ("init", "join", "uninstall")
_CAPABILITY = re.compile(r"^      - ([A-Z_]+)(?: # (.+))?$", re.MULTILINE)


def _file(name: str) -> dict[str, Any]:
    """With anchors merged, as Compose reads it."""
    read: dict[str, Any] = YAML(typ="safe").load((PACKAGING / name).read_text())
    return read


@pytest.fixture(params=[GATEWAY, EDGE])
def services(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = _file(request.param)["services"]
    return found


def test_every_process_has_a_container(services: dict[str, Any]) -> None:
    always = {name for name in services if name not in ONCE}
    assert always in ({"guard", "mesh", "nginx", "control", "agent"}, {"guard", "mesh", "nginx", "agent"})
    assert all(services[name]["profiles"] == ["setup"] for name in services.keys() & set(ONCE))


def test_none_is_on_a_bridge_or_publishes_a_port(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["network_mode"] == "host"
        assert not service.keys() & {"ports", "expose", "networks", "links", "privileged", "environment"}


def test_each_has_only_what_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"]
        assert service["cap_add"], name
        assert service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]
        assert ("apparmor:unconfined" in service["security_opt"]) == ("SYS_ADMIN" in service["cap_add"] or name in ONCE)


@pytest.mark.parametrize("name", ["guard", "nginx", "agent"])
def test_capabilities_are_those_of_the_unit(services: dict[str, Any], name: str) -> None:
    found = re.search(r"^CapabilityBoundingSet=(.+)$", template(f"gridwire-{name}.service"), re.MULTILINE)
    assert found
    assert {f"CAP_{one}" for one in services[name]["cap_add"]} == set(found[1].split())


@pytest.mark.parametrize("file", [GATEWAY, EDGE])
def test_each_capability_stands_with_its_reason(file: str) -> None:
    """One that has none is the next of a group: SETUID and SETGID, DAC_OVERRIDE and FOWNER."""
    said = [(name, reason) for name, reason in _CAPABILITY.findall((PACKAGING / file).read_text())]
    assert len(said) > 10
    bare = {name for name, reason in said if not reason}
    assert bare <= {"SETGID", "DAC_OVERRIDE", "FOWNER"}


def test_nothing_that_matters_depends_on_an_order(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "depends_on" in service} <= {"init", "join"}


def test_the_hosts_settings_are_those_that_the_guard_wants() -> None:
    lines = (PACKAGING / "90-gridwire.conf").read_text().splitlines()
    settings = [line.split(" = ") for line in lines if line and not line.startswith("#")]
    assert {(key.replace(".", "/"), int(value)) for key, value in settings} == set(WANTED_SYSCTLS)


def test_the_image_takes_its_base_from_a_parameter_and_leaves_no_compiler() -> None:
    text = (PACKAGING / "Dockerfile").read_text()
    assert text.count("FROM ${BASE}") == 2
    assert "\nHEALTHCHECK " in text
    final = text.partition("FROM ${BASE}\n")[2]
    assert not re.search(r"\b(gcc|build-essential|python3-dev|pip)\b", final)
