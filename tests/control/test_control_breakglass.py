"""By the socket that only root opens a person logs in as on a device of theirs, and without a login gets nothing."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

HOST = "localhost:8443"
SESSION = "/api/v1/session"


def tunnel(world: Any, *, host: str = HOST, **headers: str) -> TestClient:
    """What nginx and a browser at an ssh tunnel's end say."""
    said = {"X-Gridwire-Peer": "unix:", "X-Gridwire-Listener": "breakglass", "Origin": f"http://{host}"}
    return world.browser("unix:", host=host, **said, **headers)  # type: ignore[no-any-return]


def login(browser: TestClient, world: Any) -> Any:
    return browser.post(SESSION, json={"name": "ada", "password": world.password})


def test_nothing_is_told_without_a_login_and_all_with_one(world: Any) -> None:
    world.operator("ada")
    browser = tunnel(world)
    refused = browser.get("/api/v1/nodes")
    assert (refused.status_code, refused.json()["code"]) == (401, "login-wanted")
    assert login(browser, world).status_code == 200
    names = [view["node"]["name"] for view in browser.get("/api/v1/nodes").json()["items"]]
    assert "gw" in names
    assert browser.delete(SESSION).status_code == 204
    assert browser.get("/api/v1/nodes").status_code == 401


@pytest.mark.parametrize("host", ["localhost:8443", "127.0.0.1:1", "[::1]:8443", "localhost"])
def test_the_near_end_may_be_any_port_of_the_persons_own_machine(world: Any, host: str) -> None:
    world.operator("ada")
    assert login(tunnel(world, host=host), world).status_code == 200


@pytest.mark.parametrize("host", ["panel.grid:2086", "evil.example:8443", "localhost.evil.example", "10.85.0.1:2086"])
def test_no_other_name_leads_there(world: Any, host: str) -> None:
    world.operator("ada")
    assert login(tunnel(world, host=host), world).status_code == 421


def test_it_is_no_agents_way(world: Any) -> None:
    browser = tunnel(world)
    for path in ("/api/v1/agent/spec", "/api/v1/enrolments"):
        answer = browser.get(path) if "agent" in path else browser.post(path, json={})
        assert answer.status_code in (401, 403), path


def test_the_gateways_own_address_is_no_operators_device_on_the_mesh(world: Any) -> None:
    world.operator("ada")
    assert login(world.browser("10.85.0.1"), world).status_code == 403
