"""Two persons change one noun: the second is told of both versions, and of the one that they began with."""

from __future__ import annotations

from typing import Any

BASE = {"name": "api", "host": "api", "path": "/", "to": "api", "allow": []}


def test_the_later_one_is_told_of_all_three_versions(world: Any) -> None:
    world.publish("api")
    world.route("api")
    read = world.local.get("/api/v1/routes/api")
    theirs = BASE | {"host": "theirs"}
    assert world.local.put("/api/v1/routes/api", json=theirs).status_code == 200
    world.publish("other")  # what changed besides is no matter
    yours = BASE | {"path": "/yours"}
    for params in ({}, {"preview": "true"}):
        answer = world.local.put(
            "/api/v1/routes/api", json=yours, headers={"If-Match": read.headers["etag"]}, params=params
        )
        assert (answer.status_code, answer.json()["code"]) == (412, "stale")
        conflict = answer.json()["conflict"]
        assert (conflict["yours"], conflict["current"], conflict["base"]) == (yours, theirs, BASE)
        assert conflict["etag"] == world.local.get("/api/v1/routes/api").headers["etag"]
    again = world.local.put("/api/v1/routes/api", json=yours, headers={"If-Match": conflict["etag"]})
    assert again.status_code == 200


def test_what_was_deleted_meanwhile_is_still_shown(world: Any) -> None:
    world.publish("api")
    world.route("api")
    read = world.local.get("/api/v1/routes/api")
    world.local.delete("/api/v1/routes/api")
    answer = world.local.put("/api/v1/routes/api", json=BASE, headers={"If-Match": read.headers["etag"]})
    assert answer.status_code == 412
    assert answer.json()["conflict"] == {"yours": BASE, "current": None, "base": BASE, "etag": None}


def test_a_base_that_nobody_knows_is_none(world: Any) -> None:
    world.publish("api")
    world.route("api")
    answer = world.local.put("/api/v1/routes/api", json=BASE, headers={"If-Match": '"never"'})
    assert answer.json()["conflict"]["base"] is None
    assert answer.json()["conflict"]["current"] == BASE


def test_creating_what_exists_shows_what_exists(world: Any) -> None:
    world.publish("api")
    world.route("api")
    answer = world.local.put("/api/v1/routes/api", json=BASE | {"host": "x"}, headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.json()["conflict"]["current"]) == (412, BASE)


def test_nodes_too(world: Any) -> None:
    world.join("home-1")
    read = world.local.get("/api/v1/nodes/home-1")
    world.local.patch("/api/v1/nodes/home-1", json={"tags": [["site", "a"]]})
    answer = world.local.patch(
        "/api/v1/nodes/home-1", json={"drained": True}, headers={"If-Match": read.headers["etag"]}
    )
    conflict = answer.json()["conflict"]
    assert (answer.status_code, conflict["current"]["tags"]) == (412, [["site", "a"]])
    assert conflict["base"] == read.json()["node"]


def test_a_place_that_is_taken_shows_who_has_it(world: Any) -> None:
    world.publish("api")
    world.route("api")
    answer = world.local.put("/api/v1/routes/second", json=BASE | {"name": "second"})
    assert (answer.status_code, answer.json()["code"]) == (409, "route-taken")
    assert answer.json()["conflict"]["current"] == BASE


def test_the_codes_that_an_operation_has_are_in_openapi(world: Any) -> None:
    schema = world.local.get("/api/v1/openapi.json").json()
    put = schema["paths"]["/api/v1/routes/{name}"]["put"]
    assert {"stale", "no-precondition", "route-taken", "no-service"} <= set(put["x-problem-codes"])
    assert {p["name"] for p in put["parameters"]} == {"name", "preview", "If-Match", "If-None-Match"}
    called = {one["operationId"] for path in schema["paths"].values() for one in path.values()}
    from gridwire.control.refusals import CODES, CONDITIONAL

    assert {*CODES, *CONDITIONAL} <= called
