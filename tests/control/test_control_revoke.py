"""Revoking: answered when it is so, and not before."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest


def _revoke(world: Any, name: str, answers: list[Any]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(world.local.post(f"/api/v1/nodes/{name}/revoke")))
    thread.start()
    deadline = time.monotonic() + 5
    while "revoking" not in {str(node.state) for node in world.fleet().nodes} and not answers:
        assert time.monotonic() < deadline
    return thread


def test_revoke_waits_for_the_gateway_and_is_prompt(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.control.routes.nodes.REVOKE_SECONDS", 60.0)
    joined = world.join("home-1")
    answers: list[Any] = []
    thread = _revoke(world, "home-1", answers)
    # Cut already, before any gateway has said so: the credential is worth nothing.
    assert world.peer(joined.address, credential=joined.credential).get("/api/v1/agent/spec").status_code == 401
    world.report(version=(1, world.version()[1] - 1))
    assert answers == []
    said = time.monotonic()
    world.report()
    thread.join(30)
    assert time.monotonic() - said < 10  # it was woken: by itself it would have looked again after 60 s
    assert answers[0].status_code == 200
    assert answers[0].json()["address"] == joined.address
    assert 0 <= answers[0].json()["milliseconds"] < 60_000
    assert world.state(joined.address) == "revoked"
    assert world.local.get("/api/v1/nodes/home-1").status_code == 404


def test_a_gateway_that_does_not_answer_is_named(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    joined = world.join("home-1")
    monkeypatch.setattr("gridwire.control.routes.nodes.REVOKE_SECONDS", 0.2)
    answer = world.local.post("/api/v1/nodes/home-1/revoke")
    assert (answer.status_code, answer.json()["code"]) == (504, "not-finished")
    detail = answer.json()["detail"]
    assert "home-1 is marked revoked, but gw has not said that it is cut off there" in detail
    assert "is cut off here" not in detail, "nobody has cut anything yet"
    assert "see that the agent runs on gw" in answer.json()["fix"]
    assert world.state(joined.address) == "revoking"
    before = world.version()
    assert world.local.post("/api/v1/nodes/home-1/revoke").status_code == 504
    assert world.version() == before  # asking again is no second revocation
    world.report()
    assert world.state(joined.address) == "revoked"


def test_the_last_gateway_stays(world: Any) -> None:
    answer = world.local.post("/api/v1/nodes/gw/revoke")
    assert (answer.status_code, answer.json()["code"]) == (409, "last-gateway")


def test_every_gateway_has_to_say_so(world: Any, make_key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.join("gw-2", role="gateway", endpoint="gw2.example.com:51820")
    joined = world.join("home-1")
    monkeypatch.setattr("gridwire.control.routes.nodes.REVOKE_SECONDS", 0.1)
    assert "gw, gw-2" in world.local.post("/api/v1/nodes/home-1/revoke").json()["detail"]
    world.report()
    assert world.state(joined.address) == "revoking"
    world.report(node="gw-2")
    assert world.state(joined.address) == "revoked"
    world.report()
    assert world.local.post("/api/v1/nodes/gw-2/revoke").status_code == 504
    world.report()
    assert [str(g.name) for g in world.fleet().gateways()] == ["gw"]


def test_the_name_is_free_and_key_and_address_are_not(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.control.routes.nodes.REVOKE_SECONDS", 0.1)
    old = world.join("home-1")
    world.local.post("/api/v1/nodes/home-1/revoke")
    world.report()
    new = world.invite("home-1")
    assert new.address != old.address
    assert world.redeem(new, with_key=old.key).json()["code"] == "key-in-use"
    assert world.redeem(new).status_code == 202


def test_a_spec_names_no_revoked_node_but_as_a_tombstone(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.control.routes.nodes.REVOKE_SECONDS", 0.1)
    joined = world.join("home-1")
    world.publish("api")
    world.local.post("/api/v1/nodes/home-1/revoke")
    spec = world.local.get("/api/v1/agent/spec").json()
    assert spec["mesh"]["peers"] == []
    assert [pool["endpoints"] for pool in spec["proxy"]["routing"]["pools"]] == [[]]
    assert spec["tombstones"] == [{"node": "home-1", "address": joined.address, "public_key": joined.key}]
