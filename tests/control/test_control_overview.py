"""What a person looks at first: who is served, where a way ends, what wants somebody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gridwire.control.moment import Moment
from gridwire.control.views import endpoint_views

REACH = [{"prefix": "127.0.0.1/32", "first_port": 9000, "last_port": 9000, "kind": "tcp"}]


def check(node: str, by: str, health: str, service: str = "api", reason: str = "", **more: str) -> dict[str, str]:
    return {"service": service, "node": node, "seen_by": by, "health": health, "reason": reason, **more}


@pytest.fixture
def grid(world: Any) -> Any:
    """An edge that serves, a phone that may use it, and all of them connected."""
    world.join("home-1", tags=[["site", "a"]])
    world.join("phone", role="client")
    world.join("laptop", role="operator")
    world.publish("api", on="tag:site=a")
    world.route("api", allow=("role:client",))
    speak(world)
    return world


def speak(world: Any, health: str = "up", *, away: tuple[str, ...] = (), reason: str = "") -> None:
    keys = {node.name: node.public_key for node in world.fleet().nodes}
    peers = [
        world.peer_seen(key, **({"latest_handshake": "2030-01-01T11:50:00Z"} if name in away else {}))
        for name, key in keys.items()
        if name != "gw" and key is not None
    ]
    world.report(peers=peers, endpoints=[check("home-1", "gw", health, reason=reason)])
    world.report(node="home-1", reach=REACH, endpoints=[check("home-1", "home-1", "up")])


def explain(world: Any, node: str, url: str, **params: str) -> Any:
    answer = world.local.get("/api/v1/explain", params={"node": node, "url": url, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def line(hops: Any) -> list[tuple[str, str, str]]:
    return [(hop["kind"], hop["name"], hop["state"]) for hop in hops]


def test_a_way_that_stands(grid: Any) -> None:
    seen = explain(grid, "phone", "http://api.grid/x?y=1")
    assert (seen["status"], seen["code"], seen["service"], seen["route"]["name"]) == (200, "", "api", "api")
    assert seen["verdict"] == {"allowed": True, "by": ["role:client"], "wanted": ["role:client"]}
    assert seen["says"] == "api takes it to api, open to phone by role:client"
    assert line(seen["hops"]) == [
        ("device", "phone", "ok"),
        ("gateway", "gw", "ok"),
        ("edge", "home-1", "ok"),
        ("endpoint", "127.0.0.1:9000", "ok"),
    ]
    assert [(e["node"], e["health"], e["takes"]) for e in seen["endpoints"]] == [("home-1", "up", True)]


def test_what_lies_behind_a_dead_tunnel_is_unknown(grid: Any) -> None:
    speak(grid, away=("home-1",))
    hops = explain(grid, "phone", "api.grid")["hops"]
    assert [hop["state"] for hop in hops] == ["ok", "ok", "broken", "unknown"]
    assert hops[2]["reason"] == "its tunnel is down"
    speak(grid, away=("laptop",))
    grid.route("api", allow=("role:client", "role:operator"))
    hops = explain(grid, "laptop", "api.grid")["hops"]
    assert [hop["state"] for hop in hops] == ["ok", "broken", "unknown", "unknown"]
    assert hops[1]["reason"] == "its tunnel is down, it called last at 2030-01-01 11:50:00 UTC"


def test_an_edge_that_no_check_reaches_is_said_to_be_long_before_its_tunnel_is_old(grid: Any) -> None:
    why = "no connection within 1000 ms"
    before = grid.local.get("/api/v1/overview").json()["nodes_up"]
    speak(grid, "unknown", reason=why)
    view = grid.local.get("/api/v1/nodes/home-1").json()
    assert (view["connected"], view["unreached"]) == (True, why)
    hops = explain(grid, "phone", "api.grid")["hops"]
    assert [(hop["state"], hop["reason"]) for hop in hops[2:]] == [("broken", why), ("unknown", "")]
    shown = grid.local.get("/api/v1/topology").json()
    assert [(edge["state"], edge["reason"]) for edge in shown["edges"]] == [("broken", why)]
    assert {link["state"] for link in shown["links"] if link["end"] == "node:home-1"} == {"broken"}
    seen = grid.local.get("/api/v1/overview").json()
    assert seen["nodes_up"] == before - 1
    assert [one["subject"] for one in seen["attention"] if why in one["what"]] == ["home-1"]
    worst = grid.local.get("/api/v1/nodes", params={"sort": "standing", "limit": 1}).json()["items"]
    assert [view["node"]["name"] for view in worst] == ["home-1"]
    for health in ("up", "down", "checking"):  # who refuses is there
        speak(grid, health)
        assert grid.local.get("/api/v1/nodes/home-1").json()["unreached"] == ""


def test_an_edge_with_one_answer_is_reached(grid: Any) -> None:
    keys = {node.name: node.public_key for node in grid.fleet().nodes}
    checks = [check("home-1", "gw", "unknown"), check("home-1", "gw", "down", service="other")]
    for told in (checks, checks[::-1]):
        grid.report(peers=[grid.peer_seen(keys["home-1"])], endpoints=told)
        assert grid.local.get("/api/v1/nodes/home-1").json()["unreached"] == ""


def test_a_client_without_a_session_is_at_rest_and_not_broken(grid: Any) -> None:
    speak(grid, away=("phone",))
    hops = explain(grid, "phone", "api.grid")["hops"]
    assert [hop["state"] for hop in hops] == ["ok", "unknown", "ok", "ok"]


def test_the_endpoint_that_fails_is_where_the_way_ends(grid: Any) -> None:
    speak(grid, "down", reason="connection refused")
    seen = explain(grid, "phone", "api.grid")
    assert (seen["status"], seen["code"]) == (503, "no-endpoint")
    assert [hop["state"] for hop in seen["hops"]] == ["ok", "ok", "ok", "broken"]
    assert seen["hops"][3]["reason"] == "connection refused"
    grid.local.patch("/api/v1/nodes/home-1", json={"tags": []})
    seen = explain(grid, "phone", "api.grid")
    assert line(seen["hops"])[2] == ("edge", "no edge", "broken")
    assert "gridwire node tag NAME site=a" in seen["advice"][0]


def test_who_is_refused_is_told_by_what_and_how_to_open_it(grid: Any) -> None:
    grid.local.put("/api/v1/policies/home", json={"name": "home", "allow": [{"kind": "tag", "value": "who=ann"}]})
    grid.route("api", allow=("policy:home",))
    seen = explain(grid, "laptop", "http://api.grid/")
    assert (seen["status"], seen["verdict"]["allowed"], seen["verdict"]["wanted"]) == (403, False, ["policy:home"])
    assert seen["says"] == "403: api is open to policy:home, and laptop is none of these"
    assert seen["advice"][0].endswith("--allow policy:home --allow node:laptop")
    assert [hop["state"] for hop in seen["hops"]] == ["ok", "broken", "unknown", "unknown"]
    grid.local.patch("/api/v1/nodes/laptop", json={"tags": [["who", "ann"]]})
    assert explain(grid, "laptop", "http://api.grid/")["verdict"]["by"] == ["policy:home (tag:who=ann)"]


def test_a_near_miss_is_named(grid: Any) -> None:
    seen = explain(grid, "phone", "http://apl.grid/")
    assert (seen["status"], seen["code"], seen["miss"]["route"]) == (421, "unknown-host", "api")
    assert seen["advice"] == ["the nearest is api: its host is api.grid"]
    grid.route("shop", host="shop", path="/shop", allow=("role:client",))
    seen = explain(grid, "phone", "http://shop.grid/shopping")
    assert (seen["status"], seen["code"], seen["miss"]["path"]) == (404, "no-route", "/shop")
    assert line(seen["hops"])[1:] == [("gateway", "gw", "broken")]
    assert explain(grid, "phone", "http://shop.grid/shop;x/../..//shop")["status"] in (400, 404)


@pytest.mark.parametrize(
    ("params", "field", "status"),
    [
        ({"node": "phone", "url": "http://"}, "url", 422),
        ({"node": "phone", "url": "http://a b/"}, "url", 422),
        ({"node": "phone", "url": "api.grid", "method": "LOOK"}, "method", 422),
        ({"node": "phone"}, "url", 422),
        ({"node": "nobody", "url": "api.grid"}, None, 404),
    ],
)
def test_what_cannot_be_explained(grid: Any, params: dict[str, str], field: str | None, status: int) -> None:
    answer = grid.local.get("/api/v1/explain", params=params)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_outcomes_are_paged_worst_first(grid: Any) -> None:
    grid.publish("idle", on="tag:site=none")
    grid.route("idle", to="idle", allow=("role:client",))
    found = grid.local.get("/api/v1/outcomes/routes", params={"sort": "standing", "limit": 1}).json()
    assert [(r["route"]["name"], r["standing"]) for r in found["items"]] == [("idle", "failing")]
    assert found["total"] == 2
    rest = grid.local.get(
        "/api/v1/outcomes/routes", params={"sort": "standing", "limit": 1, "cursor": found["next"]}
    ).json()
    assert [(r["route"]["name"], r["standing"], r["counts"]["up"]) for r in rest["items"]] == [("api", "serving", 1)]
    assert rest["next"] is None
    failing = grid.local.get("/api/v1/outcomes/services", params={"filter": "standing:failing"}).json()
    assert [s["service"]["name"] for s in failing["items"]] == ["idle"]
    drained = grid.local.patch("/api/v1/nodes/home-1", json={"drained": True})
    assert drained.status_code == 200
    assert grid.local.get("/api/v1/outcomes/services").json()["items"][0]["standing"] == "failing"


def test_outcomes_of_a_node_and_in_brief(grid: Any) -> None:
    grid.join("home-2", tags=[["site", "b"]])
    for n in range(8):
        grid.join(f"phone-{n}", role="client")
    grid.publish("other", on="tag:site=b")
    grid.route("other", host="other.example.com", to="other", allow=("role:operator",))

    def listed(noun: str, **params: str) -> list[Any]:
        answer = grid.local.get(f"/api/v1/outcomes/{noun}", params=params)
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["items"]
        return found

    assert [one["route"]["name"] for one in listed("routes", filter="node:home-1")] == ["api"]
    assert [one["service"]["name"] for one in listed("services", filter="node:home-2")] == ["other"]
    assert listed("routes", filter="node:phone") == []
    (whole,), (brief,) = (listed("routes", filter="name:other", brief=how) for how in ("false", "true"))
    assert (len(whole["cannot"]["nodes"]), len(whole["advice"]) > 1) == (9, True)
    assert brief == whole | {
        "cannot": whole["cannot"] | {"nodes": whole["cannot"]["nodes"][:6]},
        "can_open": [],
        "cannot_open": [],
        "advice": whole["advice"][:1],
    }
    grid.local.patch("/api/v1/nodes/home-2", json={"tags": [["site", "a"]]})
    for n in range(3, 7):
        grid.join(f"home-{n}", tags=[["site", "a"]], needs_approval=False)
    (service,) = listed("services", filter="name:api", brief="true")
    assert (service["counts"]["total"], len(service["endpoints"])) == (6, 3)


def test_policies_with_whom_they_let_in_and_who_names_them(grid: Any) -> None:
    for name, allow in (("family", ["role:client", "role:gateway"]), ("nobody", [])):
        selectors = [dict(zip(("kind", "value"), text.split(":"), strict=True)) for text in allow]
        answer = grid.local.put(f"/api/v1/policies/{name}", json={"name": name, "allow": selectors})
        assert answer.status_code == 201, answer.text
    grid.route("api", allow=("policy:family",))
    grid.route("other", to="api", allow=("role:operator", "policy:family"))
    seen = grid.local.get("/api/v1/outcomes/policies").json()["items"]
    told = [(one["policy"]["name"], one["can"]["nodes"], one["routes"], one["routes_count"]) for one in seen]
    assert told == [("family", ["phone"], ["api", "other"], 2), ("nobody", [], [], 0)]


def test_nodes_are_sorted_worst_first(grid: Any) -> None:
    grid.join("drained")
    grid.local.patch("/api/v1/nodes/drained", json={"drained": True})
    grid.join("silent")
    grid.join("waits", needs_approval=True)
    grid.invite("invited")
    speak(grid, away=("home-1", "phone"))
    grid.report(node="drained")

    def order() -> list[str]:
        answer = grid.local.get("/api/v1/nodes", params={"sort": "standing"})
        assert answer.status_code == 200, answer.text
        return [view["node"]["name"] for view in answer.json()["items"]]

    assert order() == ["home-1", "silent", "waits", "invited", "drained", "phone", "gw", "laptop"]
    grid.report(node="drained", state="failed")
    assert order()[:2] == ["drained", "home-1"]
    grid.clock.forward(seconds=60)
    assert order()[0] == "gw", "the gateway itself is silent, and of the others nobody knows"


def test_the_overview_of_a_grid_that_is_well(grid: Any) -> None:
    seen = grid.local.get("/api/v1/overview").json()
    assert (seen["nodes_up"], seen["nodes_known"], seen["nodes_unknown"]) == (2, 2, 0)
    assert (seen["failing"], seen["attention"]) == ([], [])
    assert seen["perimeter"] == grid.local.get("/api/v1/perimeter").json()["verdict"]
    assert [change["number"] for change in seen["changes"]] == [grid.version()[1] - back for back in range(5)]


def test_the_overview_says_what_fails_where_and_who_is_wanted(grid: Any) -> None:
    speak(grid, away=("home-1",))
    grid.join("waits", needs_approval=True)
    seen = grid.local.get("/api/v1/overview").json()
    assert [(f["route"], f["standing"]) for f in seen["failing"]] == [("api", "unknown")]
    assert [hop["state"] for hop in seen["failing"][0]["hops"]] == ["ok", "broken", "unknown"]
    assert {(a["need"], a["subject"]) for a in seen["attention"]} == {("away", "home-1"), ("pending", "waits")}
    finding = {"id": "x", "severity": "critical", "where": "guard", "what": "the table is gone", "fix": "load it"}
    grid.report(findings=[finding])
    seen = grid.local.get("/api/v1/overview").json()
    assert seen["attention"][0]["what"] == "the table is gone"


def test_what_fails_is_told_with_the_moment_by_controls_clock(grid: Any) -> None:
    """The gateway's own is half an hour ahead."""
    said = check("home-1", "gw", "down", reason="connection refused", since="2030-01-01T12:29:00Z")
    peers = [grid.peer_seen(node.public_key) for node in grid.fleet().nodes if node.public_key and node.name != "gw"]
    grid.report(peers=peers, at="2030-01-01T12:30:00Z", endpoints=[said])
    (failing,) = grid.local.get("/api/v1/overview").json()["failing"]
    assert failing["since"] == "2030-01-01T11:59:00Z"
    (service,) = grid.local.get("/api/v1/outcomes/services").json()["items"]
    assert [(e["reason"], e["since"]) for e in service["endpoints"]] == [("connection refused", "2030-01-01T11:59:00Z")]


def test_why_an_application_fails_is_told_as_its_own_edge_saw_it(grid: Any) -> None:
    """The edge that asked tells a gateway no more than a code."""
    peers = [grid.peer_seen(node.public_key) for node in grid.fleet().nodes if node.public_key and node.name != "gw"]

    def told(own: Any) -> Any:
        grid.report(peers=peers, endpoints=[check("home-1", "gw", "down", reason="app-unreachable")])
        grid.report(node="home-1", reach=REACH, endpoints=[own])
        (service,) = grid.local.get("/api/v1/outcomes/services").json()["items"]
        return [(e["health"], e["reason"]) for e in service["endpoints"]]

    assert told(check("home-1", "home-1", "down", reason="answered 500, not 200")) == [
        ("down", "answered 500, not 200")
    ]
    words = "its application is not reached, or does not pass"
    assert told(check("home-1", "home-1", "up")) == [("down", words)], "the gateway's word counts, and is put in words"


def test_a_tunnel_that_was_heard_is_not_called_unheard_when_its_device_forgets_it(grid: Any) -> None:
    """A gateway renews a peer that is silent for long, and the new one has shaken no hands yet."""
    heard = grid.local.get("/api/v1/nodes/home-1").json()["latest_handshake"]
    assert heard is not None
    grid.clock.forward(seconds=200)
    keys = [node.public_key for node in grid.fleet().nodes if node.name == "home-1"]
    grid.report(peers=[grid.peer_seen(keys[0], latest_handshake=None)])
    view = grid.local.get("/api/v1/nodes/home-1").json()
    assert (view["latest_handshake"], view["connected"]) == (heard, False)
    grid.report(peers=[])
    assert grid.local.get("/api/v1/nodes/home-1").json()["latest_handshake"] is None, "it is no peer any more"


def test_of_nobody_who_is_served_is_told_before_somebody_who_is(grid: Any) -> None:
    grid.join("home-2", tags=[["site", "a"]])
    assert grid.local.post("/api/v1/nodes/home-2/approve").status_code == 200
    grid.join("cabin", tags=[["site", "b"]])
    grid.publish("git", on="tag:site=b")
    grid.route("zoo", to="git", allow=("role:client",))
    peers = [grid.peer_seen(node.public_key) for node in grid.fleet().nodes if node.public_key and node.name != "gw"]
    said = [check("home-1", "gw", "up"), check("home-2", "gw", "down"), check("cabin", "gw", "unknown", "git")]
    grid.report(peers=peers, endpoints=said)
    failing = grid.local.get("/api/v1/overview").json()["failing"]
    assert [(one["route"], one["standing"]) for one in failing] == [("zoo", "unknown"), ("api", "degraded")]


def test_what_lies_behind_a_dead_tunnel_is_unknown_since_the_gateway_lost_it(grid: Any) -> None:
    def since() -> Any:
        (service,) = grid.local.get("/api/v1/outcomes/services").json()["items"]
        return [(e["health"], e["since"]) for e in service["endpoints"]]

    peers = [grid.peer_seen(node.public_key) for node in grid.fleet().nodes if node.public_key and node.name != "gw"]
    lost = check("home-1", "gw", "unknown", reason="no connection", since="2030-01-01T11:58:00Z")
    grid.report(peers=peers, endpoints=[lost])
    assert since() == [("unknown", "2030-01-01T11:58:00Z")]
    speak(grid, away=("home-1",))
    assert since() == [("unknown", "2030-01-01T11:50:00Z")], "nobody says when, so it is when it last called"


def test_an_agent_that_falls_silent_is_another_thing_though_its_tunnel_stands(grid: Any) -> None:
    """Or a page that is open goes on saying that it is well."""

    def moment() -> Moment:
        return Moment.of(grid.grid.picture(grid.grid.snapshot()))

    before = moment()
    grid.clock.forward(seconds=31)
    peers = [grid.peer_seen(node.public_key) for node in grid.fleet().nodes if node.public_key and node.name != "gw"]
    grid.report(peers=peers, endpoints=[check("home-1", "gw", "up")])
    now = moment()
    assert now.nodes["home-1"].connected
    assert (before.nodes["home-1"].reports, now.nodes["home-1"].reports) == (True, False)
    told = [json.loads(data) for kind, data in now.since(before) if kind == "nodes"]
    assert [node["node"] for one in told for node in one["nodes"]] == ["home-1"]


def test_an_edge_that_nothing_reaches_is_not_said_to_have_a_tunnel_that_stands(grid: Any) -> None:
    grid.clock.forward(seconds=31)
    peers = [grid.peer_seen(node.public_key) for node in grid.fleet().nodes if node.public_key and node.name != "gw"]
    grid.report(peers=peers, endpoints=[check("home-1", "gw", "unknown", reason="no connection")])
    wanted = [(one["need"], one["subject"]) for one in grid.local.get("/api/v1/overview").json()["attention"]]
    assert ("away", "home-1") in wanted
    assert ("silent", "home-1") not in wanted


def test_who_asks_is_told_whether_a_route_is_open_to_its_own_device(grid: Any) -> None:
    browser = grid.logged_in("ada")

    def told(asker: Any) -> Any:
        return [route["open_to_you"] for route in asker.get("/api/v1/outcomes/routes").json()["items"]]

    assert told(browser) == [False], "ada's laptop is an operator's, and api is for clients"
    grid.route("api", allow=("node:laptop",))
    assert told(browser) == [True]
    assert told(grid.local) == [None], "root on the gateway asks from no device"


def test_silence_is_unknown_and_no_health(grid: Any) -> None:
    grid.clock.forward(seconds=60)
    seen = grid.local.get("/api/v1/overview").json()
    assert (seen["nodes_up"], seen["nodes_unknown"]) == (0, 1)  # the edge; the gateway itself does not report
    assert seen["perimeter"]["state"] == "unknown"
    assert seen["failing"][0]["standing"] == "unknown"
    assert {a["need"] for a in seen["attention"]} >= {"away"}
    picture = grid.local.get("/api/v1/topology").json()
    assert {v["state"] for column in ("gateways", "edges", "services") for v in picture[column]} == {"unknown"}


def test_the_topology_stands_in_fixed_columns(grid: Any) -> None:
    seen = grid.local.get("/api/v1/topology").json()
    assert [v["name"] for v in seen["devices"]] == ["laptop", "phone"]
    assert [v["name"] for v in seen["gateways"]] == ["gw"]
    assert [v["name"] for v in seen["edges"]] == ["home-1"]
    assert [(v["name"], v["state"]) for v in seen["services"]] == [("api", "ok")]
    assert {(one["start"], one["end"], one["state"]) for one in seen["links"]} == {
        ("node:laptop", "node:gw", "ok"),
        ("node:phone", "node:gw", "ok"),
        ("node:gw", "node:home-1", "ok"),
        ("node:home-1", "service:api", "ok"),
    }
    speak(grid, away=("home-1",))
    after = grid.local.get("/api/v1/topology").json()
    assert [v["id"] for v in after["edges"]] == [v["id"] for v in seen["edges"]]
    assert after["edges"][0]["state"] == "broken"
    assert after["services"][0]["state"] == "unknown"


def test_a_long_column_is_told_of_by_groups(grid: Any, make_key: Any) -> None:
    for number in range(30):
        body = {"name": f"d{number}", "role": "client", "public_key": make_key(f"d{number}")}
        tags = [["floor", str(number % 3)]] if number < 28 else []
        assert grid.local.post("/api/v1/devices", json={**body, "tags": tags}).status_code == 201
    devices = grid.local.get("/api/v1/topology").json()["devices"]
    assert [(v["name"], v["count"], v["group"]) for v in devices] == [
        ("floor=0", 10, True),
        ("floor=1", 9, True),
        ("floor=2", 9, True),
        ("no floor", 4, True),
    ]


def test_invitations_say_whose_turn_it_is(grid: Any) -> None:
    grid.invite("coming")
    redeemed = grid.invite("redeemed")
    grid.redeem(redeemed)
    grid.join("waits", needs_approval=True)
    found = grid.local.get("/api/v1/invitations").json()
    assert {p["node"]: p["waits_for"] for p in found["items"]} == {
        "coming": "newcomer",
        "home-1": "nobody",
        "laptop": "nobody",
        "phone": "nobody",
        "redeemed": "grid",
        "waits": "operator",
    }
    one = grid.local.get("/api/v1/invitations", params={"filter": "waits_for:operator"}).json()
    assert [p["node"] for p in one["items"]] == ["waits"]


@pytest.mark.parametrize("host", ["panel", "panel.grid", "x.panel.grid", "*.panel.grid"])
def test_no_route_has_the_panels_name_or_one_under_it(grid: Any, host: str) -> None:
    assert grid.route("other", host=host).json()["code"] == "panel-host"


def test_no_wildcard_stands_for_the_panel(grid: Any) -> None:
    """A service behind it would be sent operators' cookies, and could show a login of its own."""
    assert grid.route("any", host="*.grid", allow=("role:client",)).status_code == 201
    assert explain(grid, "phone", "http://other.grid/")["status"] == 200
    assert explain(grid, "phone", "http://panel.grid/")["status"] == 404
    assert explain(grid, "phone", "http://panell.other/")["status"] == 421


def test_those_who_ask_at_once_of_a_large_grid_share_one_look(grid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pictured(**how: bool) -> str:
        picture = grid.grid.picture(grid.grid.snapshot(), **how)
        return str(endpoint_views(picture, picture.fleet.services[0])[0].health)

    assert pictured() == "up"
    speak(grid, "down")
    assert pictured() == "down", "in a small grid nothing is kept"
    monkeypatch.setattr("gridwire.control.grid._LARGE", 1)
    assert pictured() == "down"
    speak(grid, "up")
    assert pictured() == "down"
    assert pictured(anew=True) == "up"
    speak(grid, "down")
    assert pictured() == "up"
    grid.clock.forward(seconds=1)
    assert pictured() == "down"
    speak(grid, "up")
    grid.publish("other", on="tag:site=a")
    assert pictured() == "up", "another revision is another picture"
