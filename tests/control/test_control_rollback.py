"""Rolling back makes a new revision; it never brings back what was put out."""

from __future__ import annotations

from typing import Any


def test_a_rollback_is_a_new_revision_that_says_what_it_could_not_do(world: Any) -> None:
    edge = world.join("home-1", tags=[["site", "a"]])
    world.join("phone", role="client")
    world.publish("api", on="tag:site=a")
    world.route("api", allow=("role:client",))
    wanted = world.version()[1]
    world.local.patch("/api/v1/nodes/phone", json={"tags": [["who", "ann"]]})
    world.route("api", host="other", allow=())
    world.local.post("/api/v1/nodes/home-1/revoke")
    world.report()
    newest = world.local.get(f"/api/v1/revisions/{world.version()[1]}")
    looked = world.local.post(f"/api/v1/revisions/{wanted}/rollback", params={"preview": "true"}).json()
    answer = world.local.post(f"/api/v1/revisions/{wanted}/rollback", headers={"If-Match": newest.headers["etag"]})
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert done["revision"]["number"] == newest.json()["number"] + 1
    assert done["notes"] == looked["notes"] == [f"home-1 ({edge.address}) stays revoked: invite it again"]
    assert world.local.get("/api/v1/routes/api").json()["host"] == "api"
    assert world.node("phone")["node"]["tags"] == []
    assert world.state(edge.address) == "revoked"
    assert world.peer(edge.address, credential=edge.credential).get("/api/v1/agent/spec").status_code == 401
    event = world.local.get("/api/v1/events").json()["items"][-1]
    assert (event["kind"], event["subject"]) == ("revision.rolled-back", str(wanted))
    again = world.local.post(f"/api/v1/revisions/{wanted}/rollback").json()
    assert (again["changed"], again["revision"]["number"]) == (False, done["revision"]["number"])


def test_a_rollback_names_what_it_was_decided_on(world: Any) -> None:
    world.publish("api")
    tag = world.local.get(f"/api/v1/revisions/{world.version()[1]}").headers["etag"]
    world.publish("api", retries=1)
    answer = world.local.post("/api/v1/revisions/1/rollback", headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (412, "stale")
    assert "service api: changed" in answer.json()["detail"]
    assert world.local.post("/api/v1/revisions/999/rollback").status_code == 404


def test_what_differs_between_any_two_revisions(world: Any) -> None:
    world.join("phone", role="client")
    world.publish("api")
    first = world.version()[1]
    world.route("api", allow=("role:client",))
    world.route("api", allow=())

    def between(number: int, **since: int) -> Any:
        return world.local.get(f"/api/v1/revisions/{number}/difference", params=since).json()["difference"]

    assert [a["who"]["nodes"] for a in between(first + 1)["gains"]] == [["phone"]]
    assert [a["who"]["nodes"] for a in between(first + 2)["losses"]] == [["phone"]]
    assert between(first + 2, since=first)["gains"] == []
    assert [n["noun"] for n in between(first + 2, since=first)["nouns"]] == ["route"]
    assert [n["name"] for n in between(1, since=0)["nouns"]] == ["gw"]
    assert between(1) == between(1, since=0)
    assert world.local.get("/api/v1/revisions/99/difference").status_code == 404
