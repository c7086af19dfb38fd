"""API tokens: what they open, to whom, and until when."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient


def _made(browser: TestClient, label: str = "ci", **fields: Any) -> Any:
    answer = browser.post("/api/v1/tokens", json={"label": label, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _program(world: Any, browser: TestClient, secret: str) -> TestClient:
    """A program on the same device: it sends no Origin and no cookie."""
    headers = {"X-Gridwire-Peer": browser.headers["x-gridwire-peer"], "X-Gridwire-Listener": "api"}
    return TestClient(
        world.through("/run/test/control.sock"),
        base_url="http://10.85.0.1:2086",
        headers=headers | {"Authorization": f"Bearer {secret}"},
    )


def test_a_token_reads_or_changes_as_it_was_made(world: Any) -> None:
    ada = world.logged_in("ada")
    reader, changer = _made(ada, "reader"), _made(ada, "changer", scope="change")
    assert reader["secret"].startswith("gwt_")
    assert len(reader["secret"]) == 47
    policy = {"name": "home", "allow": [{"kind": "role", "value": "client"}]}
    reading, changing = (_program(world, ada, one["secret"]) for one in (reader, changer))
    assert reading.get("/api/v1/policies").status_code == 200
    refused = reading.put("/api/v1/policies/home", json=policy)
    assert (refused.status_code, refused.json()["code"]) == (403, "may-read")
    assert changing.put("/api/v1/policies/home", json=policy).status_code == 201
    assert ada.get("/api/v1/revisions?limit=1").json()["items"][0]["author"] == "token:ada/changer"


def test_a_token_makes_no_other_way_in(world: Any) -> None:
    ada = world.logged_in("ada")
    program = _program(world, ada, _made(ada, scope="change")["secret"])
    for method, path in (
        ("POST", "/api/v1/tokens"),
        ("POST", "/api/v1/operators"),
        ("POST", "/api/v1/operators/ada/link"),
        ("POST", "/api/v1/totp"),
        ("POST", "/api/v1/session/password"),
        ("DELETE", "/api/v1/operators/ada"),
    ):
        answer = program.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "session-wanted"), path


def test_a_token_is_shown_once_and_stored_as_a_hash(world: Any) -> None:
    ada = world.logged_in("ada")
    secret = _made(ada)["secret"]
    assert secret not in ada.get("/api/v1/tokens").text
    with world.store.reading() as reading:
        dumped = "\n".join(reading._connection.connection.driver_connection.iterdump())
    assert secret not in dumped
    assert secret[4:] not in dumped


def test_a_token_ends(world: Any) -> None:
    ada = world.logged_in("ada")
    made = _made(ada)
    assert made["token"]["expires"] == "2030-04-01T12:00:00Z"  # 90 days
    program = _program(world, ada, made["secret"])
    assert program.get("/api/v1/nodes").status_code == 200
    world.clock.forward(days=90, seconds=-1)
    assert program.get("/api/v1/nodes").status_code == 200
    world.clock.forward(seconds=1)
    assert program.get("/api/v1/nodes").status_code == 401


def test_a_token_is_revoked_at_once(world: Any) -> None:
    ada = world.logged_in("ada")
    made = _made(ada)
    program = _program(world, ada, made["secret"])
    assert ada.delete(f"/api/v1/tokens/{made['token']['id']}").status_code == 204
    assert program.get("/api/v1/nodes").status_code == 401


def test_a_token_of_who_is_disabled_is_dead_for_good(world: Any) -> None:
    ada = world.logged_in("ada")
    program = _program(world, ada, _made(ada)["secret"])
    for disabled in (True, False):
        assert world.local.patch("/api/v1/operators/ada", json={"disabled": disabled}).status_code == 200
        assert program.get("/api/v1/nodes").status_code == 401


def test_a_token_may_no_more_than_its_owner(world: Any) -> None:
    bob, ada = world.logged_in("bob", may="read"), world.logged_in("ada")
    refused = bob.post("/api/v1/tokens", json={"label": "x", "scope": "change"})
    assert (refused.status_code, refused.json()["code"]) == (403, "may-read")
    program = _program(world, ada, _made(ada, scope="change")["secret"])
    assert world.local.patch("/api/v1/operators/ada", json={"may": "read"}).status_code == 200
    assert program.put("/api/v1/policies/home", json={}).status_code == 403


def test_a_reader_sees_and_revokes_only_its_own(world: Any) -> None:
    bob, ada = world.logged_in("bob", may="read"), world.logged_in("ada")
    hers, his = _made(ada, "hers"), _made(bob, "his")
    assert [token["label"] for token in bob.get("/api/v1/tokens").json()["items"]] == ["his"]
    assert {token["label"] for token in ada.get("/api/v1/tokens").json()["items"]} == {"hers", "his"}
    assert bob.delete(f"/api/v1/tokens/{hers['token']['id']}").status_code == 404
    assert ada.post("/api/v1/tokens", json={"label": "x", "operator": "bob"}).json()["code"] == "not-yours"
    assert ada.delete(f"/api/v1/tokens/{his['token']['id']}").status_code == 204


def test_root_makes_one_for_an_operator(world: Any) -> None:
    device = world.operator("ada")
    unnamed = world.local.post("/api/v1/tokens", json={"label": "ci"})
    assert (unnamed.status_code, unnamed.json()["field"]) == (422, "operator")
    made = _made(world.local, "ci", operator="ada", days=366)
    again = world.local.post("/api/v1/tokens", json={"label": "ci", "operator": "ada"})
    assert (again.status_code, again.json()["code"]) == (409, "name-taken")
    assert _program(world, world.browser(device), made["secret"]).get("/api/v1/nodes").status_code == 200


def test_when_it_was_last_used_is_told(world: Any) -> None:
    ada = world.logged_in("ada")
    program = _program(world, ada, _made(ada)["secret"])
    assert ada.get("/api/v1/tokens").json()["items"][0]["used"] is None
    world.clock.forward(minutes=5)
    assert program.get("/api/v1/nodes").status_code == 200
    world.grid.tick()
    assert ada.get("/api/v1/tokens").json()["items"][0]["used"] == "2030-01-01T12:05:00Z"


def test_what_no_token_can_be(world: Any) -> None:
    ada = world.logged_in("ada")
    for field, wrong in (
        ("days", {"days": 0}),
        ("days", {"days": 367}),
        ("label", {"label": "a b"}),
        ("scope", {"scope": "all"}),
    ):
        answer = ada.post("/api/v1/tokens", json={"label": "ci"} | wrong)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
