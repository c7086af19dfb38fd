"""``?preview=true``: what a change would do, by the code that does it, and nothing of it stays."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from fastapi.routing import APIRoute

from gridwire.control.changing import previewable

TARGET = {"address": "127.0.0.1", "port": 9000, "kind": "tcp"}


def stored(world: Any) -> list[str]:
    """All that the database has."""
    with sqlite3.connect(world.url.removeprefix("sqlite:///")) as connection:
        return list(connection.iterdump())


@pytest.fixture
def grid(world: Any, make_key: Any) -> Any:
    """A gateway, an edge with a service, a client and an operator that use its route; one that waits, one invited."""
    world.join("home-1", tags=[["site", "a"]])
    world.join("phone", role="client")
    world.join("laptop", role="operator")
    world.join("waits", needs_approval=True)
    world.invite("coming")
    world.local.put("/api/v1/policies/home", json={"name": "home", "allow": [{"kind": "role", "value": "operator"}]})
    world.publish("api", on="tag:site=a")
    world.route("api", allow=("role:client", "policy:home"))
    return world


def service(name: str = "other", **fields: Any) -> dict[str, Any]:
    return {"name": name, "target": TARGET, "on": [{"kind": "tag", "value": "site=a"}], **fields}


def asks(make_key: Any) -> dict[tuple[str, str], tuple[str, dict[str, Any] | None]]:
    """An example of every change that can be previewed: the path as asked, and the body."""
    policy = {"name": "home", "allow": [{"kind": "role", "value": "client"}]}
    route = {"name": "shop", "host": "shop", "to": "api", "allow": [{"kind": "node", "value": "phone"}]}
    return {
        ("PUT", "/api/v1/services/{name}"): ("/api/v1/services/other", service()),
        ("DELETE", "/api/v1/services/{name}"): ("/api/v1/services/idle", None),
        ("PUT", "/api/v1/routes/{name}"): ("/api/v1/routes/shop", route),
        ("DELETE", "/api/v1/routes/{name}"): ("/api/v1/routes/api", None),
        ("PUT", "/api/v1/policies/{name}"): ("/api/v1/policies/home", policy),
        ("DELETE", "/api/v1/policies/{name}"): ("/api/v1/policies/unused", None),
        ("PATCH", "/api/v1/nodes/{name}"): ("/api/v1/nodes/home-1", {"drained": True}),
        ("POST", "/api/v1/nodes/{name}/approve"): ("/api/v1/nodes/waits/approve", None),
        ("POST", "/api/v1/nodes/{name}/revoke"): ("/api/v1/nodes/home-1/revoke", None),
        ("POST", "/api/v1/invitations"): (
            "/api/v1/invitations",
            {"name": "new", "ephemeral_key": make_key("new")},
        ),
        ("DELETE", "/api/v1/invitations/{name}"): ("/api/v1/invitations/coming", None),
        ("POST", "/api/v1/devices"): (
            "/api/v1/devices",
            {"name": "tablet", "role": "client", "public_key": make_key("tablet")},
        ),
        ("POST", "/api/v1/revisions/{number}/rollback"): ("/api/v1/revisions/REVISION/rollback", None),
    }


def test_every_change_can_be_looked_at_and_nothing_of_it_stays(grid: Any, make_key: Any) -> None:
    grid.publish("idle")
    grid.local.put("/api/v1/policies/unused", json={"name": "unused", "allow": []})
    examples = asks(make_key)
    found = {
        (method, route.path)
        for route in grid.app.routes
        if isinstance(route, APIRoute) and previewable(route.dependant)
        for method in route.methods or ()
    }
    assert found == examples.keys() | {("POST", "/api/v1/members")}  # that one: test_control_tailnet
    for (method, path), (asked, body) in examples.items():
        before, version, notes = stored(grid), grid.version(), grid.grid.reports.all()
        asked = asked.replace("REVISION", str(version[1] - 2))
        answer = grid.local.request(method, asked, json=body, params={"preview": "true"})
        assert answer.status_code == 200, (path, answer.text)
        seen = answer.json()
        assert (seen["revision"], seen["changes"]) == (version[1], True), path
        assert seen["reason"]
        assert seen["difference"]["nouns"], path
        assert stored(grid) == before, path
        assert grid.version() == version
        assert grid.grid.reports.all() == notes


def test_what_was_looked_at_is_what_then_happens(grid: Any, make_key: Any) -> None:
    """The preview of each change is the difference of the revisions before and after it."""
    for method, asked, body in (
        ("PUT", "/api/v1/routes/shop", {"name": "shop", "host": "*", "to": "api", "allow": []}),
        ("PATCH", "/api/v1/nodes/home-1", {"drained": True}),
        ("POST", "/api/v1/devices", {"name": "tablet", "role": "client", "public_key": make_key("tablet")}),
        ("DELETE", "/api/v1/routes/api", None),
        ("POST", "/api/v1/nodes/waits/approve", None),
    ):
        seen = grid.local.request(method, asked, json=body, params={"preview": "true"}).json()
        before = grid.version()[1]
        assert grid.local.request(method, asked, json=body).status_code in (200, 201, 204)
        assert grid.version()[1] == before + 1
        now = grid.local.get(f"/api/v1/revisions/{before + 1}/difference").json()
        assert now["difference"] == seen["difference"]
        assert grid.local.get(f"/api/v1/revisions/{before + 1}").json()["reason"] == seen["reason"]


def test_what_a_person_is_told(grid: Any) -> None:
    def preview(method: str, path: str, body: Any = None) -> Any:
        answer = grid.local.request(method, f"/api/v1/{path}", json=body, params={"preview": "true"})
        assert answer.status_code == 200, answer.text
        return answer.json()["difference"]

    closed = preview("PUT", "routes/api", {"name": "api", "host": "api", "to": "api", "allow": []})
    assert [access["who"]["nodes"] for access in closed["losses"]] == [["laptop", "phone"]]
    assert closed["losses"][0]["places"] == [{"host": "api.grid", "path": "/", "route": "api", "service": "api"}]
    assert [(cut["why"], cut["who"]["nodes"]) for cut in closed["cuts"]] == [("withdrawn", ["laptop", "phone"])]
    policy = preview("PUT", "policies/home", {"name": "home", "allow": []})
    assert [access["who"]["nodes"] for access in policy["losses"]] == [["laptop"]]
    assert policy["nouns"][0]["fields"] == [{"field": "allow", "before": "role:operator", "after": ""}]
    drained = preview("PATCH", "nodes/home-1", {"drained": True})
    assert drained["upstreams"][0]["drain"]["nodes"] == ["home-1"]
    assert (drained["unserved"], drained["cuts"]) == (["api"], [])
    revoked = preview("POST", "nodes/home-1/revoke")
    assert [(cut["why"], cut["who"]["nodes"]) for cut in revoked["cuts"]] == [("revoked", ["home-1"])]
    assert [(s["kind"], s["transport"], s["port"]) for s in revoked["go"]] == [("edge", "tcp", 2085)]
    again = preview("PUT", "routes/api", grid.local.get("/api/v1/routes/api").json())
    assert again["nouns"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("PUT", "services/x", {"name": "x", "target": TARGET, "on": []}, {}, 422, "invalid"),
        ("PUT", "services/api", service("api"), {"If-Match": '"old"'}, 412, "stale"),
        ("DELETE", "services/api", None, {}, 409, "in-use"),
        ("DELETE", "routes/none", None, {}, 404, "not-found"),
        ("PUT", "routes/x", {"name": "x", "host": "api", "to": "api"}, {}, 409, "route-taken"),
        ("PATCH", "nodes/home-1", {"drained": True}, {"If-Match": '"old"'}, 412, "stale"),
        ("POST", "nodes/gw/revoke", None, {}, 409, "last-gateway"),
        ("POST", "nodes/coming/approve", None, {}, 409, "not-pending"),
        (
            "POST",
            "invitations",
            {"name": "phone", "ephemeral_key": "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="},
            {},
            409,
            "name-taken",
        ),
    ],
)
def test_what_would_be_refused_is_refused(
    grid: Any, method: str, path: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    version = grid.version()
    answers = [
        grid.local.request(method, f"/api/v1/{path}", json=body, headers=headers, params=params)
        for params in ({"preview": "true"}, {})
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(status, code)] * 2
    assert answers[0].json() == answers[1].json()
    assert grid.version() == version


def test_what_has_no_preview_is_not_done_for_being_asked_for_one(grid: Any) -> None:
    events = grid.local.get("/api/v1/events").json()
    for method, path in (("GET", "/api/v1/routes"), ("POST", "/api/v1/agent/report")):
        answer = grid.local.request(method, path, params={"preview": "true"}, json={})
        assert (answer.status_code, answer.json()["field"]) == (422, "preview")
    assert grid.local.get("/api/v1/events").json() == events


def test_a_preview_asks_for_the_same_right(grid: Any) -> None:
    phone = next(str(node.address) for node in grid.fleet().nodes if node.name == "laptop")
    answer = grid.peer(phone).delete("/api/v1/routes/api", params={"preview": "true"})
    assert answer.status_code in (401, 403)


def test_a_preview_that_is_asked_for_and_not_is_refused(world: Any) -> None:
    """The last one would count: what was only to be looked at would be done."""
    world.join("home")
    body = {
        "name": "api",
        "target": {"address": "127.0.0.1", "port": 9000, "kind": "tcp"},
        "on": [{"kind": "node", "value": "home"}],
    }
    assert world.local.put("/api/v1/services/api?preview=true&preview=false", json=body).status_code == 422
    assert world.local.get("/api/v1/services/api").status_code == 404
