"""What an invitation hands out, as cases that the panel composes too: a folder of data for both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gridwire.cli.device import configuration
from gridwire.cli.invite import token_of
from gridwire.core.enrollment import decode_token, encode_token
from gridwire.core.fleet import Network, Node
from gridwire.protocol.api import Invited

CASES = sorted((Path(__file__).parents[1] / "cases" / "enrollment").glob("*.json"))
_INVITED: TypeAdapter[Invited] = TypeAdapter(Invited)
_NETWORK: TypeAdapter[Network] = TypeAdapter(Network)
_NODE: TypeAdapter[Node] = TypeAdapter(Node)


def _cases(kind: str) -> list[Any]:
    found = [path for path in CASES if path.name.startswith(f"{kind}-")]
    assert found, f"no case of a {kind}"
    return [pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem) for path in found]


@pytest.mark.parametrize("case", _cases("token"))
def test_a_token_is_the_one_that_the_panel_makes(case: dict[str, Any]) -> None:
    token = token_of(_INVITED.validate_python(case["invited"]), case["private_key"])
    assert encode_token(token) == case["token"]
    assert decode_token(case["token"]).ephemeral_private_key == case["private_key"]


@pytest.mark.parametrize("case", _cases("device"))
def test_a_device_has_the_configuration_that_the_panel_makes(case: dict[str, Any]) -> None:
    gateways = tuple(_NODE.validate_python(gateway) for gateway in case["gateways"])
    network = _NETWORK.validate_python(case["network"])
    text = configuration(_NODE.validate_python(case["node"]), case["private_key"], network, gateways)
    assert text == case["configuration"]
