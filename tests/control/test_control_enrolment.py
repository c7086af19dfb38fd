"""Joining, as a newcomer, a thief and an operator see it."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest


def test_join_gives_role_only_after_the_gateway_has_the_key(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.control.routes.enrolments.CONFIRM_SECONDS", 0.1)
    newcomer = world.invite("home-1", tags=[["site", "a"]])
    assert newcomer.address == "10.85.1.0"
    assert world.redeem(newcomer).status_code == 202
    assert world.state(newcomer.address) == "redeemed"

    early = world.confirm(newcomer)
    assert early.status_code == 425
    assert early.json()["code"] == "not-yet"
    assert world.state(newcomer.address) == "redeemed"

    world.report(version=(1, world.version()[1] - 1))  # the gateway has an older revision in force
    assert world.confirm(newcomer).status_code == 425

    world.report()
    confirmed = world.confirm(newcomer)
    assert confirmed.status_code == 200
    assert confirmed.json()["state"] == "active"
    assert len(base64.urlsafe_b64decode(confirmed.json()["credential"] + "=")) == 32
    assert world.node("home-1")["node"]["tags"] == [["site", "a"]]


def test_a_lost_answer_is_asked_for_again(world: Any) -> None:
    newcomer = world.invite("home-1")
    first = world.redeem(newcomer)
    assert world.redeem(newcomer).json() == first.json()
    world.report()
    lost = world.confirm(newcomer).json()["credential"]
    world.report()
    # The role changed: the guard now lets the address to the api listener only.
    again = world.confirm(newcomer, listener="api")
    assert again.status_code == 200
    credential = again.json()["credential"]
    assert credential != lost

    spec = "/api/v1/agent/spec"
    assert world.peer(newcomer.address, credential=lost).get(spec).status_code == 401
    assert world.peer(newcomer.address, credential=credential).get(spec).status_code == 200
    # Used once: from now on a program on the node cannot have it replaced.
    assert world.confirm(newcomer, listener="api").status_code == 403


def test_a_database_holds_no_credential(world: Any) -> None:
    joined = world.join("home-1")
    world.store.close()
    stored = b"".join(path.read_bytes() for path in _files(world))
    assert joined.credential.encode() not in stored
    assert joined.key.encode() in stored


def _files(world: Any) -> list[Path]:
    return list(Path(world.url.removeprefix("sqlite:///")).parent.glob("gridwire.db*"))


def test_a_second_key_is_refused_and_cuts_the_node(world: Any, make_key: Any) -> None:
    newcomer = world.invite("home-1")
    assert world.redeem(newcomer).status_code == 202
    revision = world.version()
    thief = world.redeem(newcomer, with_key=make_key("thief"))
    assert thief.status_code == 409
    assert thief.json()["code"] == "redeemed"
    assert world.state(newcomer.address) == "quarantined"
    assert world.version() == (1, revision[1] + 1)
    kinds = [event["kind"] for event in world.local.get("/api/v1/events").json()["items"]]
    assert kinds[-1] == "node.quarantined"

    world.report()
    assert world.confirm(newcomer).status_code == 403
    # Whoever was there first may be the thief: no yes makes a node of a key that never confirmed.
    assert world.local.post("/api/v1/nodes/home-1/approve").json()["code"] == "not-confirmed"


def test_a_thousand_at_once_make_one_node(world: Any, make_key: Any) -> None:
    newcomer = world.invite("home-1")
    keys = [make_key(f"newcomer {number}") for number in range(1000)]
    gate = threading.Barrier(40)

    def ask(one: str) -> int:
        gate.wait()  # forty at the same moment, twenty-five times
        status: int = world.redeem(newcomer, with_key=one).status_code
        return status

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(ask, keys))
    assert answers.count(202) == 1
    assert set(answers) <= {202, 409, 403}
    winner = keys[answers.index(202)]
    fleet = world.fleet()
    assert [node.public_key for node in fleet.nodes if str(node.address) == newcomer.address] == [winner]
    assert [invitation.redeemed_key for invitation in fleet.invitations] == [winner]
    assert sum("redeemed" in event["kind"] for event in _events(world)) == 1
    # A losing key is nobody's, so it is free for a node that comes by an invitation of its own.
    other = world.invite("home-2")
    assert world.redeem(other, with_key=keys[0] if keys[0] != winner else keys[1]).status_code == 202


def test_the_same_key_a_hundred_times_at_once_is_one_redemption(world: Any) -> None:
    newcomer = world.invite("home-1")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: world.redeem(newcomer), range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert world.state(newcomer.address) == "redeemed"


def _events(world: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = world.local.get("/api/v1/events?limit=1000").json()["items"]
    return items


LOW_ORDER = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"


@pytest.mark.parametrize(
    "hostile",
    [
        base64.b64encode(bytes(32)).decode(),
        base64.b64encode(bytes.fromhex(LOW_ORDER)).decode(),
        "",
        "A" * 44,
        "=" * 44,
        "a" * 5000,
        "../../etc/passwd",
        "\u0000",
    ],
)
def test_keys_that_are_none_are_refused(world: Any, hostile: str) -> None:
    newcomer = world.invite("home-1")
    before = world.version()
    answer = world.redeem(newcomer, with_key=hostile or "\n")
    assert answer.status_code == 422
    assert answer.json()["field"] == "public_key"
    assert world.version() == before
    assert world.redeem(newcomer).status_code == 202


def test_keys_of_others_are_refused_and_nothing_changes(
    world: Any, make_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridwire.control.routes.nodes.REVOKE_SECONDS", 0.1)
    edge = world.join("home-1")
    gone = world.join("home-2")
    world.local.post(f"/api/v1/nodes/{gone.name}/revoke")
    world.report()
    invited = world.invite("home-3")
    newcomer = world.invite("home-4")
    before = world.version()
    taken = {
        "another node's": edge.key,
        "the gateway's": make_key("gw"),
        "a tombstone's": gone.key,
        "another invitation's": invited.ephemeral,
        "its own invitation's": newcomer.ephemeral,
        "a used invitation's": edge.ephemeral,
    }
    for whose, hostile in taken.items():
        answer = world.redeem(newcomer, with_key=hostile)
        assert (answer.status_code, answer.json()["code"]) == (409, "key-in-use"), whose
    assert world.version() == before
    assert world.state(newcomer.address) == "invited"
    assert world.redeem(newcomer).status_code == 202

    # The same for the key of an invitation and of a device.
    body = {"name": "x", "ephemeral_key": edge.key}
    assert world.local.post("/api/v1/invitations", json=body).json()["code"] == "key-in-use"
    device = {"name": "x", "role": "client", "public_key": edge.key}
    assert world.local.post("/api/v1/devices", json=device).json()["code"] == "key-in-use"


def test_expiry_frees_the_name_and_never_the_address(world: Any) -> None:
    late = world.invite("home-1", ttl_seconds=60)
    world.clock.forward(seconds=61)
    answer = world.redeem(late)
    assert (answer.status_code, answer.json()["code"]) == (409, "expired")
    world.grid.tick()
    assert world.state(late.address) == "revoked"
    assert world.local.get("/api/v1/invitations/home-1").json()["likely_cause"].startswith("the invitation expired")
    again = world.join("home-1")
    assert again.address != late.address


def test_a_redemption_that_is_not_confirmed_in_time_ends_too(world: Any) -> None:
    newcomer = world.invite("home-1", ttl_seconds=60)
    world.redeem(newcomer)
    world.clock.forward(seconds=61)
    world.report()
    assert world.confirm(newcomer).status_code == 409
    world.grid.tick()
    assert world.state(newcomer.address) == "revoked"


def test_a_node_that_joined_outlives_its_invitation(world: Any) -> None:
    joined = world.join("home-1", ttl_seconds=60)
    world.clock.forward(seconds=61)
    world.grid.tick()
    assert world.state(joined.address) == "active"
    assert world.fleet().invitations == ()


def test_cancelled_invitation_cannot_be_redeemed(world: Any) -> None:
    newcomer = world.invite("home-1")
    assert world.local.delete("/api/v1/invitations/home-1").status_code == 204
    assert world.redeem(newcomer).status_code == 401
    assert world.local.delete("/api/v1/invitations/home-1").status_code == 404
    joined = world.join("home-1")
    refused = world.local.delete("/api/v1/invitations/home-1")
    assert (refused.status_code, refused.json()["fix"]) == (409, "gridwire node revoke home-1")
    assert world.state(joined.address) == "active"


def test_approval_is_the_default_where_a_service_selects_the_newcomer(world: Any) -> None:
    world.publish("api", on="tag:site=a")
    thief = world.join("home-1", tags=[["site", "a"]])
    assert thief.state == "pending"
    assert [e["node"] for e in world.publish("api", on="tag:site=a", retries=1).json()["endpoints"]] == []
    assert world.join("home-2", tags=[["site", "b"]]).state == "active"
    assert world.join("home-3", tags=[["site", "a"]], needs_approval=False).state == "active"

    # Pending: it may fetch its own spec, which lets it do nothing.
    client = world.peer(thief.address, credential=thief.credential)
    assert client.get("/api/v1/agent/spec").status_code == 200
    assert world.local.post("/api/v1/nodes/home-1/approve").json()["node"]["state"] == "active"
    assert world.node("home-1")["node"]["state"] == "active"


def test_a_service_that_selects_the_newcomer_while_its_invitation_is_out_makes_it_wait(world: Any) -> None:
    stolen = world.invite("home-1", tags=[["site", "a"]])
    named = world.invite("home-2")
    free = world.invite("home-3", tags=[["site", "a"]], needs_approval=False)
    other = world.invite("home-4", tags=[["site", "b"]])
    world.publish("api", on="tag:site=a")
    world.publish("web", on="node:home-2")
    states = {}
    for newcomer in (stolen, named, free, other):
        world.redeem(newcomer)
        world.report()
        states[newcomer.name] = world.confirm(newcomer).json()["state"]
    assert states == {"home-1": "pending", "home-2": "pending", "home-3": "active", "home-4": "active"}
    assert world.node("home-1")["node"]["needs_approval"] is True
    assert world.node("home-4")["node"]["needs_approval"] is False
    again = world.confirm(other)
    assert (again.status_code, again.json()["state"]) == (200, "active")


def test_replacement_takes_the_name_and_revokes_the_old_node_at_redemption(world: Any) -> None:
    old = world.join("home-1", tags=[["site", "a"]])
    new = world.invite("home-1", replace=True)
    assert new.address != old.address
    assert world.state(old.address) == "active"
    assert world.local.get("/api/v1/invitations/home-1").json()["state"] == "invited"

    assert world.redeem(new).json()["node"] == "home-1"
    assert world.state(old.address) == "revoked"
    assert world.peer(old.address, credential=old.credential).get("/api/v1/agent/spec").status_code == 401
    world.report()
    confirmed = world.confirm(new).json()
    assert (confirmed["node"], confirmed["state"]) == ("home-1", "active")
    assert world.node("home-1")["node"]["tags"] == [["site", "a"]]
    assert world.node("home-1")["node"]["address"] == new.address


def test_taken_names(world: Any, make_key: Any) -> None:
    world.join("home-1")
    again = {"name": "home-1", "ephemeral_key": make_key("x")}
    refused = world.local.post("/api/v1/invitations", json=again)
    assert (refused.status_code, refused.json()["code"]) == (409, "name-taken")
    assert "--replace" in refused.json()["fix"]
    nobody = world.local.post("/api/v1/invitations", json={**again, "name": "home-9", "replace": True})
    assert nobody.status_code == 409
    world.invite("home-1", replace=True)
    twice = world.local.post("/api/v1/invitations", json={**again, "replace": True})
    assert (twice.status_code, twice.json()["code"]) == (409, "name-taken")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "Home_1"}, "name"),
        ({"name": ""}, "name"),
        ({"ttl_seconds": 0}, "ttl_seconds"),
        ({"ttl_seconds": 31 * 86400}, "ttl_seconds"),
        ({"ttl_seconds": "60"}, "ttl_seconds"),
        ({"role": "king"}, "role"),
        ({"role": "gateway"}, "endpoint"),
        ({"role": "edge", "endpoint": "h:1"}, "endpoint"),
        ({"tags": [["Site", "a"]]}, "tags"),
        ({"tags": [["site"]]}, "tags.0.1"),
        ({"ephemeral_key": base64.b64encode(bytes(32)).decode()}, "ephemeral_key"),
        ({"needs_aproval": True}, "needs_aproval"),
    ],
)
def test_invitations_with_wrong_values_change_nothing(
    world: Any, make_key: Any, fields: dict[str, Any], field: str
) -> None:
    before = world.version()
    body = {"name": "home-1", "ephemeral_key": make_key("e"), **fields}
    answer = world.local.post("/api/v1/invitations", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field
    assert world.version() == before


def test_a_leaked_invitation_quarantines_until_an_operator_decides(world: Any) -> None:
    joined = world.join("home-1")
    world.clock.forward(seconds=30)
    own = world.peer_seen(joined.key)
    stolen = world.peer_seen(joined.ephemeral, endpoint="203.0.113.9:1234")
    world.report(peers=[own, stolen])
    assert world.state(joined.address) == "quarantined"
    assert world.peer(joined.address, credential=joined.credential).get("/api/v1/agent/spec").status_code == 403
    assert world.local.post("/api/v1/nodes/home-1/approve").json()["node"]["state"] == "active"
    world.report(peers=[own, stolen])
    assert world.state(joined.address) == "active"


def test_handshakes_that_are_no_leak(world: Any) -> None:
    joined = world.invite("home-1")
    world.report(peers=[world.peer_seen(joined.ephemeral)])
    world.redeem(joined)
    # WireGuard's own second handshake of a newcomer whose 202 was lost, from the same host.
    world.clock.forward(seconds=15)
    world.report(peers=[world.peer_seen(joined.ephemeral)])
    assert world.state(joined.address) == "redeemed"
    world.clock.forward(seconds=30)
    world.report(peers=[world.peer_seen(joined.ephemeral)])
    assert world.state(joined.address) == "quarantined"


@pytest.mark.parametrize(
    ("packets", "begun", "handshake", "cause"),
    [
        (0, 0, False, "provider's firewall"),
        (7, 0, False, "join was not started"),
        (7, 2, False, "clock"),
        (7, 2, True, "join has not finished"),
    ],
)
def test_progress_names_the_likely_cause(world: Any, packets: int, begun: int, handshake: bool, cause: str) -> None:
    world.report(handshake_packets=1000, newcomer_packets=40)  # of others, before the invitation
    newcomer = world.invite("home-1")
    assert "firewall" in world.local.get("/api/v1/invitations/home-1").json()["likely_cause"]
    peers = [world.peer_seen(newcomer.ephemeral)] if handshake else []
    world.report(handshake_packets=1000 + packets, newcomer_packets=40 + begun, peers=peers)
    progress = world.local.get("/api/v1/invitations/home-1").json()
    assert (progress["packets_arrived"], progress["handshakes_begun"]) == (packets, begun)
    assert progress["handshake"] is handshake
    assert cause in progress["likely_cause"]
    assert ("firewall" in progress["likely_cause"]) is (packets == 0)


def test_the_data_of_nodes_is_not_taken_for_a_newcomer(world: Any) -> None:
    world.invite("home-1")
    world.report(handshake_packets=126)
    cause = world.local.get("/api/v1/invitations/home-1").json()["likely_cause"]
    assert "clock" not in cause
    assert "port is open" in cause


def test_counters_that_began_anew_are_counted_from_nothing(world: Any) -> None:
    world.report(handshake_packets=1000, newcomer_packets=40)
    world.invite("home-1")
    world.report(handshake_packets=5, newcomer_packets=2)
    progress = world.local.get("/api/v1/invitations/home-1").json()
    assert (progress["packets_arrived"], progress["handshakes_begun"]) == (5, 2)


def test_progress_says_when_no_gateway_reports(world: Any) -> None:
    world.invite("home-1")
    assert "gridwire agent" in world.local.get("/api/v1/invitations/home-1").json()["likely_cause"]


def test_a_device_with_the_official_app_is_active_and_has_no_agent(world: Any, make_key: Any) -> None:
    body = {"name": "phone", "role": "client", "public_key": make_key("phone")}
    answer = world.local.post("/api/v1/devices", json=body)
    assert answer.status_code == 201
    assert answer.json()["node"]["state"] == "active"
    address = answer.json()["node"]["address"]
    assert world.peer(address, listener="api").post("/api/v1/enrolments/confirm").status_code == 403
    assert world.peer(address, credential="x").get("/api/v1/agent/spec").status_code == 401
    edge = world.local.post("/api/v1/devices", json={**body, "name": "e", "role": "edge"})
    assert (edge.status_code, edge.json()["field"]) == (422, "role")


def test_a_tag_key_with_two_values_is_refused_at_every_door(world: Any, make_key: Any) -> None:
    tags = [["site", "a"], ["site", "b"]]
    body = {"name": "twice", "ephemeral_key": make_key("twice"), "tags": tags}
    device = {"name": "twice", "role": "client", "public_key": make_key("device"), "tags": tags}
    for answer in (
        world.local.post("/api/v1/invitations", json=body),
        world.local.post("/api/v1/devices", json=device),
        world.local.patch("/api/v1/nodes/gw", json={"tags": tags}),
    ):
        assert answer.status_code == 422, answer.text
        assert answer.json()["field"] == "tags"
        assert "two values" in answer.json()["detail"]
