"""Services, routes, policies and nodes: what a person is told, and what is refused."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from fastapi.routing import APIRoute
from prometheus_client.parser import text_string_to_metric_families

from gridwire.control.body import Body
from gridwire.control.caller import Local, Peer
from gridwire.control.errors import NoPrecondition
from gridwire.control.precondition import check_precondition, etag
from gridwire.core.errors import Stale
from gridwire.core.fleet import Policy, Selector

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "field", "fix"}


def test_publish_and_route_say_for_whom(world: Any) -> None:
    for name in ("home-1", "home-2"):
        world.join(name)
    world.join("phone", role="client")
    world.join("laptop", role="operator")
    world.publish("api")
    answer = world.route("api", allow=("role:client",))
    assert answer.status_code == 201
    outcome = answer.json()
    assert outcome["url"] == "http://api.grid/"
    assert outcome["can_open"] == ["phone"]
    assert outcome["cannot_open"] == ["laptop"]
    assert outcome["advice"] == [
        "laptop (operator) cannot open it: "
        "gridwire route add --name api --host api --to api --allow role:client --allow role:operator"
    ]
    assert [endpoint["node"] for endpoint in outcome["endpoints"]] == ["home-1", "home-2"]


def test_endpoints_show_what_gateway_and_edge_see(world: Any) -> None:
    for name in ("up", "down", "refusing", "silent", "away"):
        world.join(name)
    world.publish("api")
    reach = [{"prefix": "127.0.0.1/32", "first_port": 9000, "last_port": 9000, "kind": "tcp"}]
    keys = {node.name: node.public_key for node in world.fleet().nodes}

    def seen(node: str, by: str, health: str) -> dict[str, str]:
        return {"service": "api", "node": node, "seen_by": by, "health": health, "reason": ""}

    peers = [world.peer_seen(keys[name]) for name in ("up", "down", "refusing", "silent")]
    peers.append(world.peer_seen(keys["away"], latest_handshake="2030-01-01T11:50:00Z"))
    world.report(peers=peers, endpoints=[seen("up", "gw", "up"), seen("down", "gw", "down"), seen("away", "gw", "up")])
    for name in ("up", "down", "away"):
        world.report(node=name, reach=reach, endpoints=[seen(name, name, "up")])
    world.report(node="refusing", reach=[])
    outcome = world.publish("api", retries=1).json()
    assert {e["node"]: e["health"] for e in outcome["endpoints"]} == {
        "up": "up",
        "down": "down",  # the gateway cannot reach what the edge says is up
        "refusing": "refused",
        "silent": "checking",
        "away": "unknown",  # behind a tunnel that is down
    }
    assert outcome["advice"] == [
        "refusing does not allow 127.0.0.1:9000; on refusing: gridwire reach add 127.0.0.1:9000"
    ]
    status = world.local.get("/api/v1/status").json()
    assert {v["node"]["name"]: v["connected"] for v in status["nodes"]}["away"] is False


def test_a_node_speaks_only_for_itself(world: Any) -> None:
    edge = world.join("home-1")
    world.join("home-2")
    client = world.peer(edge.address, credential=edge.credential)
    lie = {"service": "api", "node": "home-2", "seen_by": "gw", "health": "down", "reason": ""}
    body = {
        "node": "home-1",
        "at": "2030-01-01T12:00:00Z",
        "agent_version": "0.1.0",
        "version": [1, 1],
        "state": "in-sync",
        "endpoints": [lie],
        "peers": [world.peer_seen("A" * 43 + "=")],
        "a_field_of_a_newer_agent": 1,
    }
    assert client.post("/api/v1/agent/report", json=body).status_code == 200
    assert world.local.get("/api/v1/status").json()["health"] == []
    other = client.post("/api/v1/agent/report", json={**body, "node": "gw"})
    assert (other.status_code, other.json()["field"]) == (422, "node")


def test_a_service_that_selects_nobody_is_taken_with_advice(world: Any) -> None:
    answer = world.publish("api", on="tag:site=a")
    assert answer.status_code == 201
    assert "gridwire node tag NAME site=a" in answer.json()["advice"][0]
    closed = world.route("api").json()
    assert closed["advice"][0].startswith(
        "the route is closed: gridwire route add --name api --host api --to api --allow"
    )


def test_advice_that_is_followed_shuts_nobody_out(world: Any) -> None:
    """`route add` replaces who is allowed: the advice names all of them."""
    world.join("phone", role="client", tags=[["site", "a"]])
    world.join("laptop", role="operator")
    world.publish("api")
    said = world.route("shop", host="*", path="/shop", allow=("tag:site=a", "role:edge")).json()["advice"][0]
    command = shlex.split(said.split(": ", 1)[1])
    assert command[:3] == ["gridwire", "route", "add"]
    given = list(zip(command[3::2], command[4::2], strict=True))
    assert dict(given[:4]) == {"--name": "shop", "--host": "*", "--path": "/shop", "--to": "api"}
    allow = tuple(value for option, value in given if option == "--allow")
    assert set(allow) == {"tag:site=a", "role:edge", "role:operator"}
    assert world.route("shop", host="*", path="/shop", allow=allow).json()["cannot_open"] == []


@pytest.mark.parametrize("role", ["client", "operator", "gateway"])
def test_a_service_runs_on_edges_alone(role: str, world: Any) -> None:
    before = world.version()
    answer = world.publish("api", on=f"role:{role}")
    assert answer.status_code == 422
    assert (answer.json()["field"], world.version()) == ("on", before)


def test_what_can_have_no_effect_is_told(world: Any) -> None:
    world.join("laptop", role="operator")
    world.join("home-1")
    told = world.publish("api", on="node:laptop").json()["advice"]
    assert told == ["laptop is of role operator, and services run on edges"]
    told = world.publish("api", on="node:home-1", weights=[["nosuch", 3], ["home-1", 2]]).json()["advice"]
    assert told == ["the weight of nosuch counts for nobody: no edge has that name"]
    told = world.route("api", allow=("role:operator", "node:nosuch")).json()["advice"]
    assert told[0] == "there is no node nosuch yet: gridwire invite nosuch --role client"
    told = world.route("api", host="api.example.com", allow=("role:operator",)).json()["advice"]
    assert "make a DNS record api.example.com A 10.85.0.1" in told[0]
    told = world.route("api", host="api.grid", allow=("role:operator",)).json()["advice"]
    assert not any("DNS" in line for line in told)


def test_references_are_kept(world: Any) -> None:
    nothing = world.route("api")
    assert (nothing.status_code, nothing.json()["code"], nothing.json()["field"]) == (422, "no-service", "to")
    assert "gridwire service publish api" in nothing.json()["fix"]
    world.publish("api")
    unknown = world.route("api", allow=("policy:family",))
    assert (unknown.status_code, unknown.json()["field"]) == (422, "allow")
    policy = {"name": "family", "allow": [{"kind": "role", "value": "client"}]}
    assert world.local.put("/api/v1/policies/family", json=policy).status_code == 201
    assert world.route("api", allow=("policy:family",)).status_code == 201

    for path in ("/api/v1/services/api", "/api/v1/policies/family"):
        used = world.local.delete(path)
        assert (used.status_code, used.json()["code"]) == (409, "in-use"), path
    twin = world.route("twin", to="api", host="api.grid", path="/")
    assert (twin.status_code, twin.json()["code"]) == (409, "route-taken")
    assert world.route("below", to="api", host="api", path="/v2").status_code == 201

    for path in ("routes/api", "routes/below", "services/api", "policies/family"):
        assert world.local.delete(f"/api/v1/{path}").status_code == 204
    fleet = world.fleet()
    assert (fleet.services, fleet.routes, fleet.policies) == ((), (), ())


def test_etags_guard_changes(world: Any) -> None:
    world.publish("api")
    read = world.local.get("/api/v1/services/api")
    tag = read.headers["etag"]
    assert world.local.get("/api/v1/services/api", headers={"If-None-Match": tag}).status_code == 304
    body = {**read.json(), "retries": 1}

    def put(**headers: str) -> Any:
        return world.local.put("/api/v1/services/api", json=body, headers=headers)

    created_only = put(**{"If-None-Match": "*"})
    assert (created_only.status_code, created_only.json()["code"]) == (412, "stale")
    changed = put(**{"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    assert put(**{"If-Match": tag}).status_code == 412
    assert world.local.delete("/api/v1/services/api", headers={"If-Match": tag}).status_code == 412
    node = world.local.get("/api/v1/nodes/gw").headers["etag"]
    drained = world.local.patch("/api/v1/nodes/gw", json={"drained": True}, headers={"If-Match": node})
    assert drained.status_code == 200
    again = world.local.patch("/api/v1/nodes/gw", json={"drained": False}, headers={"If-Match": node})
    assert again.status_code == 412
    gone = {"If-Match": changed.headers["etag"]}
    assert world.local.delete("/api/v1/services/api", headers=gone).status_code == 204
    assert put(**gone).status_code == 412  # it does not exist any more


def test_a_yes_and_a_no_are_to_the_node_that_was_read(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.control.routes.nodes.REVOKE_SECONDS", 0.1)
    world.join("home-1", needs_approval=True)
    path = "/api/v1/nodes/home-1"

    def act(verb: str, tag: str) -> Any:
        return world.local.post(f"{path}/{verb}", headers={"If-Match": tag})

    read = world.local.get(path).headers["etag"]
    world.local.patch(path, json={"tags": [["site", "a"]]})
    assert (act("approve", read).status_code, act("revoke", read).status_code) == (412, 412)
    assert world.node("home-1")["node"]["state"] == "pending"

    tag = world.local.get(path).headers["etag"]
    approved = act("approve", tag)
    assert (approved.status_code, approved.json()["node"]["state"]) == (200, "active")
    assert approved.headers["etag"] == world.local.get(path).headers["etag"]
    assert act("approve", tag).status_code == 200, "it is so already"

    tag = approved.headers["etag"]
    assert act("revoke", tag).status_code == 504  # no gateway has said so yet
    assert act("revoke", tag).status_code == 504, "asked again, as the answer said"
    world.report()
    assert world.local.get(path).status_code == 404


def test_changes_over_the_mesh_need_a_precondition() -> None:
    policy = Policy(name="p", allow=(Selector("role", "client"),))
    peer = Peer(address=None, listener="api", node=None)  # type: ignore[arg-type]
    check_precondition({}, Local(), policy)
    check_precondition({}, peer, None)
    check_precondition({"if-match": etag(policy)}, peer, policy)
    with pytest.raises(NoPrecondition):
        check_precondition({}, peer, policy)
    with pytest.raises(Stale):
        check_precondition({"if-match": '"other"'}, peer, policy)


def test_every_change_is_one_revision_and_one_event(world: Any) -> None:
    before = world.version()[1]
    world.publish("api")
    world.publish("api")  # the same again
    world.route("api", allow=("role:client",))
    world.local.patch("/api/v1/nodes/gw", json={"tags": [["a", "b"]]}, headers={"X-Gridwire-Author": "ann"})
    world.local.patch("/api/v1/nodes/gw", json={"tags": [["a", "b"]]})
    world.local.delete("/api/v1/routes/api")
    revisions = world.local.get("/api/v1/revisions").json()["items"]
    assert revisions[0]["number"] == before + 4
    assert [r["reason"] for r in revisions[:4]] == [
        "route api: removed",
        "gw: tags a=b",
        "route api: added",
        "service api: added",
    ]
    assert revisions[1]["author"] == "ann"
    assert revisions[1]["changed"] == ["node gw: changed"]
    events = world.local.get("/api/v1/events").json()["items"]
    assert len(events) == before + 4
    assert events[-1]["kind"] == "route.removed"
    fleet = world.local.get(f"/api/v1/revisions/{before + 2}/fleet").json()
    assert [route["name"] for route in fleet["routes"]] == ["api"]
    assert world.local.get("/api/v1/revisions/999").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("services/api", {"name": "api"}, "target"),
        ("services/other", None, "name"),
        ("services/api", {"target": {"address": "169.254.169.254", "port": 80, "kind": "tcp"}}, "target"),
        ("services/api", {"target": {"path": "/var/run/docker.sock", "kind": "unix"}}, "target"),
        ("services/api", {"target": {"address": "127.0.0.1", "port": 0, "kind": "tcp"}}, "target"),
        ("services/api", {"target": {"address": "10.85.1.1", "port": 9000, "kind": "tcp"}}, "target"),
        ("services/api", {"target": {"path": "/run/gridwire/door/nginx.sock", "kind": "unix"}}, "target"),
        ("services/api", {"on": []}, "on"),
        ("services/api", {"on": [{"kind": "role", "value": "king"}]}, "selector"),
        ("services/api", {"on": [{"kind": "policy", "value": "x"}]}, "on"),
        ("services/api", {"retries": "2"}, "retries"),
        ("services/api", {"retries": 99}, "retries"),
        ("services/api", {"health": {"kind": "http", "path": "x y"}}, "health.path"),
        ("services/api", {"retires": 1}, "retires"),
        ("services/api", {"health": {"intervall_ms": 1}}, "health.intervall_ms"),
        ("services/Bad_Name", {"name": "Bad_Name"}, "name"),
    ],
)
def test_wrong_values_name_their_field_and_change_nothing(
    world: Any, path: str, body: dict[str, Any] | None, field: str
) -> None:
    good = {
        "name": "api",
        "target": {"address": "127.0.0.1", "port": 9000, "kind": "tcp"},
        "on": [{"kind": "role", "value": "edge"}],
    }
    before = world.version()
    sent = good if body is None else body if body == {"name": "api"} else {**good, **body}
    answer = world.local.put(f"/api/v1/{path}", json=sent)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert set(problem) == PROBLEM_MEMBERS
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["field"] == field
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert world.version() == before


@pytest.mark.parametrize("raw", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"{}", b"[" * 10_000])
def test_bodies_that_are_no_nouns(world: Any, raw: bytes) -> None:
    answer = world.local.put("/api/v1/services/api", content=raw)
    assert answer.status_code == 422
    assert set(answer.json()) == PROBLEM_MEMBERS


def test_bodies_have_a_limit(world: Any) -> None:
    answer = world.local.put("/api/v1/services/api", content=b" " * 300_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    def endless() -> Any:
        for _ in range(40):
            yield b" " * 10_000

    assert world.local.put("/api/v1/services/api", content=endless()).status_code == 413


def test_a_misspelt_field_is_answered_with_the_nearest(world: Any) -> None:
    body = json.loads(world.publish("api").text)["service"]
    answer = world.local.put("/api/v1/services/api", json={**body, "retires": 3})
    assert answer.json()["fix"] == "did you mean retries?"


@pytest.mark.parametrize("name", ["nothing", "%2e%2e", "a" * 300, "<script>", "%00", "☃"])
def test_names_that_are_nobody(world: Any, name: str) -> None:
    for noun in ("nodes", "services", "routes", "policies", "invitations"):
        answer = world.local.get(f"/api/v1/{noun}/{name}")
        assert answer.status_code == 404, noun
        assert len(answer.content) < 1000


def test_queries_are_checked(world: Any) -> None:
    for query in ("revisions?limit=0", "revisions?before=x", "events?after=-1", "revisions/x"):
        answer = world.local.get(f"/api/v1/{query}")
        assert answer.status_code == 422
        assert set(answer.json()) == PROBLEM_MEMBERS


def test_openapi_describes_every_answer_and_body(world: Any) -> None:
    schema = world.local.get("/api/v1/openapi.json").json()
    bodies = set()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], path
            success = next(code for code in operation["responses"] if code.startswith("2"))
            if success != "204":
                assert next(iter(operation["responses"][success]["content"].values()))["schema"], (method, path)
            if "requestBody" in operation:
                assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"], (method, path)
                bodies.add((method.upper(), path))
    assert bodies == {
        (method, route.path)
        for route in world.app.routes
        if isinstance(route, APIRoute) and any(isinstance(d.call, Body) for d in route.dependant.dependencies)
        for method in route.methods or ()
    }
    references = set(_references(schema))
    assert references <= {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}


def test_types_generated_from_openapi_have_names_and_fields_that_stay(world: Any) -> None:
    schema = world.local.get("/api/v1/openapi.json").json()
    called = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]
    assert len(called) == len(set(called))
    assert all(name.isalnum() and name[0].islower() for name in called)
    assert {"listRoutes", "getRoute", "putRoute", "deleteRoute", "patchNode", "approveNode", "revokeNode"} <= set(
        called
    )
    types = schema["components"]["schemas"]
    assert types["RouteListing"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Route"}
    assert "allow" in types["Route"]["required"]  # what is answered is always there
    assert "allow" not in types["RouteInput"]["required"]
    assert types["ServiceInput"]["properties"]["health"] == {"$ref": "#/components/schemas/HealthCheckInput"}


def _references(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_metrics_are_prometheus_text(world: Any) -> None:
    joined = world.join("home-1")
    world.report(peers=[world.peer_seen(joined.key)])
    answer = world.local.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    found = {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}
    assert found["gridwire_revision", ()] == world.version()[1]
    assert found["gridwire_reports_total", ()] == 3
    assert found["gridwire_nodes", (("role", "edge"), ("state", "active"))] == 1
    labels = (("node", "home-1"), ("public_key", joined.key))
    assert found["wireguard_latest_handshake_seconds", labels] == int(world.clock.now.timestamp())


def test_an_agent_is_not_woken_for_a_revision_that_changes_nothing_for_it(world: Any) -> None:
    edge = world.join("home-1")
    client = world.peer(edge.address, credential=edge.credential)
    spec = "/api/v1/agent/spec"
    first = client.get(spec)
    known = {"If-None-Match": first.headers["etag"]}
    gateway = {"If-None-Match": world.local.get(spec).headers["etag"]}
    world.join("phone", role="client")
    assert world.local.get(spec, headers=gateway).status_code == 200  # control waits for its word on each revision
    same = client.get(spec, headers=known)
    assert same.status_code == 304
    world.publish("api", on="node:home-1")
    changed = client.get(spec, headers=known)
    assert changed.status_code == 200
    assert changed.json()["proxy"]["edge"]["services"][0]["service"] == "api"
    assert changed.json()["revision"] == world.version()[1]
    # Nobody is told "nothing new" for a version that never was, or that is of another grid's future.
    for tag in ('"1.9999"', '"0.1"', '"2.1"', '"x"', "*", '"1."', '"1.1.1"'):
        assert client.get(spec, headers={"If-None-Match": tag}).status_code == 200, tag
