"""Logging in: who gets a session, for how long, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Request
from starlette.testclient import TestClient

from gridwire.control.access import READ
from gridwire.control.endpoint import still_allowed

SESSION = "/api/v1/session"


def _login(browser: TestClient, name: str, password: str, **more: str) -> Any:
    return browser.post(SESSION, json={"name": name, "password": password, **more})


def _events(world: Any, kind: str) -> list[dict[str, Any]]:
    items = world.local.get("/api/v1/events?limit=1000").json()["items"]
    return [event for event in items if event["kind"] == kind]


def test_a_login_opens_the_grid_to_an_operator(world: Any) -> None:
    ada = world.logged_in("ada")
    session = ada.get(SESSION).json()
    assert (session["operator"], session["may"], session["by"], session["current"]) == (
        "ada",
        "change",
        "password",
        True,
    )
    assert ada.get("/api/v1/nodes").status_code == 200
    world.join("home")
    put = ada.put(
        "/api/v1/services/api",
        json={
            "name": "api",
            "target": {"address": "127.0.0.1", "port": 9000, "kind": "tcp"},
            "on": [{"kind": "node", "value": "home"}],
        },
    )
    assert put.status_code == 201, put.text
    assert ada.get("/api/v1/revisions?limit=1").json()["items"][0]["author"] == "operator:ada"


def test_the_cookie_is_for_no_script_and_no_other_site(world: Any) -> None:
    device = world.operator("ada")
    cookie = _login(world.browser(device), "ada", world.password).headers["set-cookie"]
    name, _, rest = cookie.partition("=")
    secret, *attributes = rest.split("; ")
    assert name == "gridwire"
    assert len(secret) == 43  # 32 bytes in base64url
    assert set(attributes) == {"Path=/", "Max-Age=604800", "HttpOnly", "SameSite=Strict"}
    secure = {"X-Gridwire-Scheme": "https", "Origin": "https://panel.grid:2443"}
    over_tls = world.browser(device, host="panel.grid:2443", **secure)
    cookie = _login(over_tls, "ada", world.password).headers["set-cookie"]
    assert cookie.startswith("__Host-gridwire=")
    assert cookie.endswith("; HttpOnly; SameSite=Strict; Secure")


def test_no_secret_is_in_the_database(world: Any) -> None:
    device = world.operator("ada")
    link = world.local.post("/api/v1/operators/ada/link", json={}).json()["urls"][0].partition("#")[2]
    browser = world.browser(device)
    assert _login(browser, "ada", world.password).status_code == 200
    secrets = (link, browser.cookies["gridwire"], world.password)
    with world.store.reading() as reading:
        dumped = "\n".join(reading._connection.connection.driver_connection.iterdump())
    assert "argon2id" in dumped
    assert not [secret for secret in secrets if secret in dumped]


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(world: Any) -> None:
    browser = world.browser(world.operator("ada"))
    answers = [_login(browser, name, "not the password") for name in ("ada", "nobody", "ADA", "", "a" * 300, "ada\x00")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "wrong-login"
    refused = _events(world, "session.refused")
    assert [event["subject"] for event in refused] == ["ada", *["nobody"] * 5]
    assert all("a" * 9 not in event["detail"] for event in refused)  # what was typed as a name stands nowhere


def test_a_guesser_waits_twice_as_long_each_time_and_only_on_its_device(world: Any) -> None:
    device = world.operator("ada")
    other = world.join("tablet", role="operator").address
    guesser = world.browser(device)
    assert {_login(guesser, "ada", "not the password").status_code for _ in range(5)} == {401}
    waits = []
    for _ in range(13):
        answer = _login(guesser, "ada", world.password)  # even the right one is not heard
        assert (answer.status_code, answer.json()["code"]) == (429, "locked")
        waits.append(int(answer.headers["retry-after"]))
        world.clock.forward(seconds=waits[-1])
        assert _login(guesser, "ada", "not the password").status_code == 401
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert _login(world.browser(other), "ada", world.password).status_code == 200
    world.clock.forward(seconds=900)
    assert _login(guesser, "ada", world.password).status_code == 200
    assert _login(guesser, "ada", "not the password").status_code == 401  # and it begins anew
    assert _login(guesser, "ada", world.password).status_code == 200
    locked = _events(world, "session.locked")
    assert len(locked) == 14
    assert {event["subject"] for event in locked} == {"ada"}


def test_a_slow_guesser_is_in_the_audit_chain_each_minute_and_a_quick_one_once(world: Any) -> None:
    browser = world.browser(world.operator("ada"))
    for seconds, lines in ((0, 1), (1, 1), (59, 2), (60, 3)):
        world.clock.forward(seconds=seconds)
        assert _login(browser, "ada", "not the password").status_code == 401
        assert len(_events(world, "session.refused")) == lines


def test_a_name_that_is_nobodys_locks_like_one_that_is(world: Any) -> None:
    browser = world.browser(world.operator("ada"))
    for name in ("ada", "nobody"):
        codes = [_login(browser, name, "not the password").json()["code"] for _ in range(6)]
        assert codes == ["wrong-login"] * 5 + ["locked"]


def test_a_device_that_guesses_at_many_names_waits_for_all(world: Any) -> None:
    device = world.operator("ada")
    browser = world.browser(device)
    answers = [_login(browser, f"name-{number}", "not the password").status_code for number in range(21)]
    assert answers == [401] * 20 + [429]
    assert _login(browser, "ada", world.password).status_code == 429
    assert world.local.patch("/api/v1/operators/ada", json={"unlock": True}).status_code == 200
    assert _login(browser, "ada", world.password).status_code == 200


def test_root_unlocks(world: Any) -> None:
    browser = world.browser(world.operator("ada"))
    for _ in range(6):
        _login(browser, "ada", "not the password")
    assert world.local.get("/api/v1/operators/ada").json()["locked_until"] is not None
    assert world.local.patch("/api/v1/operators/ada", json={"unlock": True}).json()["locked_until"] is None
    assert _login(browser, "ada", world.password).status_code == 200


def test_a_login_gives_another_secret_and_ends_the_former(world: Any) -> None:
    ada = world.logged_in("ada")
    before = ada.cookies["gridwire"]
    assert _login(ada, "ada", world.password).status_code == 200
    assert ada.cookies["gridwire"] != before
    former = world.browser(ada.headers["x-gridwire-peer"], Cookie=f"gridwire={before}")
    assert former.get(SESSION).json()["code"] == "login-wanted"


@pytest.mark.parametrize("used", [False, True])
def test_a_session_ends_when_it_is_idle_and_in_any_case(world: Any, used: bool) -> None:
    ada = world.logged_in("ada")
    for _ in range(7 * 24 // 11):
        world.clock.forward(hours=11)
        if used:
            assert ada.get(SESSION).status_code == 200
            world.grid.tick()
    world.clock.forward(hours=11)
    assert ada.get(SESSION).status_code == 401
    world.clock.forward(minutes=2)
    world.grid.tick()
    assert world.local.get("/api/v1/sessions").json()["items"] == []


def test_logging_out_ends_it(world: Any) -> None:
    ada = world.logged_in("ada")
    secret = ada.cookies["gridwire"]
    answer = ada.delete(SESSION)
    assert answer.status_code == 204
    assert answer.headers["set-cookie"].startswith("gridwire=; ")
    copy = world.browser(ada.headers["x-gridwire-peer"], Cookie=f"gridwire={secret}")
    assert copy.get("/api/v1/nodes").status_code == 401
    assert len(_events(world, "session.ended")) == 1


def test_sessions_are_listed_and_ended(world: Any) -> None:
    ada, bob = world.logged_in("ada"), world.logged_in("bob", may="read")
    listed = ada.get("/api/v1/sessions").json()["items"]
    assert {session["operator"] for session in listed} == {"ada", "bob"}
    assert [session["current"] for session in listed].count(True) == 1
    theirs = bob.get("/api/v1/sessions").json()["items"]
    assert {session["operator"] for session in theirs} == {"bob"}
    hers = next(session["id"] for session in listed if session["current"])
    assert bob.delete(f"/api/v1/sessions/{hers}").status_code == 404
    his = next(session["id"] for session in theirs if session["current"])
    assert ada.delete(f"/api/v1/sessions/{his}").status_code == 204
    assert bob.get("/api/v1/nodes").status_code == 401
    assert ada.get("/api/v1/nodes").status_code == 200


def test_there_are_never_more_than_twenty(world: Any) -> None:
    device = world.operator("ada")
    for _ in range(25):
        world.clock.forward(seconds=1)
        assert _login(world.browser(device), "ada", world.password).status_code == 200
    assert len(world.local.get("/api/v1/sessions").json()["items"]) == 20


def test_changing_a_password_ends_the_others(world: Any) -> None:
    ada = world.logged_in("ada")
    other = world.browser(ada.headers["x-gridwire-peer"])
    assert _login(other, "ada", world.password).status_code == 200
    wrong = ada.post(f"{SESSION}/password", json={"old": "not the password", "new": "three old wooden ships"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "old")
    weak = ada.post(f"{SESSION}/password", json={"old": world.password, "new": "ada-ada-ada-ada"})
    assert (weak.status_code, weak.json()["field"]) == (422, "new")
    assert other.get(SESSION).status_code == 200
    done = ada.post(f"{SESSION}/password", json={"old": world.password, "new": "three old wooden ships"})
    assert done.status_code == 200, done.text
    assert ada.get(SESSION).status_code == 200
    assert other.get(SESSION).status_code == 401
    assert _login(other, "ada", world.password).status_code == 401
    assert _login(other, "ada", "three old wooden ships").status_code == 200
    with world.store.reading() as reading:  # the two that were wrong; what was right is no failure
        assert [failures.count for failures in reading.people.failures_of("")] == [2]


def test_disabling_ends_sessions_and_streams_at_once(world: Any) -> None:
    ada = world.logged_in("ada")
    allowed = _streaming(world, ada)
    assert allowed()
    ended = world.grid.ended
    assert world.local.patch("/api/v1/operators/ada", json={"disabled": True}).status_code == 200
    assert world.grid.ended > ended
    assert not allowed()
    assert ada.get("/api/v1/nodes").status_code == 401
    assert _login(ada, "ada", world.password).json()["code"] == "wrong-login"
    assert world.local.patch("/api/v1/operators/ada", json={"disabled": False}).status_code == 200
    assert ada.get("/api/v1/nodes").status_code == 401  # the session is gone for good
    assert _login(ada, "ada", world.password).status_code == 200


def test_a_stream_ends_with_the_session_and_with_the_device(world: Any) -> None:
    ada = world.logged_in("ada")
    allowed = _streaming(world, ada)
    world.clock.forward(hours=12)
    assert not allowed()
    assert _login(ada, "ada", world.password).status_code == 200
    assert not allowed()
    allowed = _streaming(world, ada)
    assert allowed()
    ended = world.grid.ended
    world.local.post("/api/v1/nodes/laptop/revoke")
    assert world.grid.ended > ended
    assert not allowed()
    assert ada.get("/api/v1/nodes").status_code == 401


def _streaming(world: Any, browser: TestClient) -> Callable[[], bool]:
    """Whether a stream that the browser opened may go on."""
    headers = {**browser.headers, "cookie": f"gridwire={browser.cookies['gridwire']}"}
    request = Request(
        {
            "type": "http",
            "app": world.app,
            "server": ("/run/test/control.sock", None),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    request.state.access = frozenset(READ)
    return lambda: asyncio.run(still_allowed(request))


def test_what_changes_something_has_to_be_json(world: Any) -> None:
    ada = world.logged_in("ada")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        sent = ada.post("/api/v1/operators", content=b'{"name": "eve"}', headers={"Content-Type": kind})
        assert (sent.status_code, sent.json()["code"]) == (415, "not-json")
    assert ada.post("/api/v1/operators", content=b'{"name": "eve"}').status_code == 415
    with_charset = {"Content-Type": "application/json; charset=utf-8"}
    assert ada.post("/api/v1/operators", content=b'{"name": "eve"}', headers=with_charset).status_code == 201


def test_no_page_of_another_site_logs_anybody_in(world: Any) -> None:
    device = world.operator("ada")
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": ""},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert _login(world.browser(device, **headers), "ada", world.password).json()["code"] == "foreign-origin"
    rebound = world.browser(device, host="evil.example:2086")
    assert (_login(rebound, "ada", world.password).status_code) == 421


@pytest.mark.parametrize("host", ["panel.grid:2086", "PANEL.grid:2086", "10.85.0.1:2086"])
def test_the_panel_has_these_names(world: Any, host: str) -> None:
    assert _login(world.browser(world.operator("ada"), host=host), "ada", world.password).status_code == 200


@pytest.mark.parametrize(
    "host", ["panel.grid", "panel.grid:80", "grid:2086", "10.85.0.1", "10.85.1.0:2086", "localhost:2086"]
)
def test_and_no_others(world: Any, host: str) -> None:
    assert _login(world.browser(world.operator("ada"), host=host), "ada", world.password).status_code == 421


def test_every_answer_says_what_browsers_must_not_do(world: Any) -> None:
    ada = world.logged_in("ada")
    for answer in (ada.get("/api/v1/nodes"), ada.get("/api/v1/nodes/nobody"), ada.get("/nowhere"), ada.delete(SESSION)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_password_that_is_changed_while_its_operator_is_disabled_opens_nothing(world: Any) -> None:
    """Or the session would be there when the operator is enabled again."""
    ada, passwords = world.logged_in("ada"), world.grid.logins.passwords
    hash_it = passwords.hash

    def disabled_meanwhile(password: str, whose: str) -> str:
        assert world.local.patch("/api/v1/operators/ada", json={"disabled": True}).status_code == 200
        return str(hash_it(password, whose))

    passwords.hash = disabled_meanwhile
    done = ada.post(f"{SESSION}/password", json={"old": world.password, "new": "three old wooden ships"})
    assert done.status_code == 409
    assert world.local.patch("/api/v1/operators/ada", json={"disabled": False}).status_code == 200
    assert world.local.get("/api/v1/sessions").json()["items"] == []


def test_no_device_takes_all_places_of_the_hasher(world: Any) -> None:
    device, passwords = world.operator("ada"), world.grid.logins.passwords
    tablet = world.join("tablet", role="operator").address
    with passwords._share("laptop"):
        passwords._of["laptop"] += 2  # who wait
        busy = _login(world.browser(device), "ada", world.password)
        assert (busy.status_code, busy.json()["code"]) == (503, "busy")
        assert _login(world.browser(tablet), "ada", world.password).status_code == 200
        passwords._of["laptop"] -= 2
    assert _login(world.browser(device), "ada", world.password).status_code == 200
