"""Joining on a tailnet: who asks says the tailnet, whether it may come an operator or a rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gridwire.control.routes import tailnet as route
from gridwire.core.compiler import compile_spec
from gridwire.core.spec import NodeSpec
from gridwire.core.tailnet import Login, Member, MemberSeen, TailnetTag

_SEEN = TypeAdapter(list[MemberSeen])


def member(number: int, *, tags: tuple[str, ...] = (), login: str | None = None, node: int | None = None) -> Member:
    """``number``: of its addresses; ``node``: of its identity, the same unless told."""
    return Member(
        id=f"n{node or number}",
        name=f"host-{node or number}.lab.ts.net",
        login=None if tags else Login(login or f"user-{number}@example.com"),
        tags=tuple(map(TailnetTag, tags)),
        addresses=(ip_address(f"100.64.0.{number}"), ip_address(f"fd7a:115c:a1e0::{number}")),
    )


GATEWAY = member(1, tags=("gateway",))
EDGE = member(2, tags=("edge",))
PERSON = member(3, login="alice@example.com")


class Tailnet:
    """A grid on a tailnet, whose gateway's agent has seen ``members``."""

    def __init__(self, world: Any) -> None:
        self.world = world

    def sees(self, *members: Member, **more: Any) -> None:
        seen = [
            MemberSeen(member=one, online=True, latest_handshake=None, received_bytes=0, **({"expires": None} | more))
            for one in members
        ]
        self.world.report(members=_SEEN.dump_python(seen, mode="json"))

    def asks(
        self, who: Member, name: str = "home-1", *, role: str = "edge", credential: str | None = None, v6: bool = False
    ) -> Any:
        address = str(who.addresses[1 if v6 else 0])
        peer = self.world.peer(address, listener="enrol", credential=credential)
        return peer.post("/api/v1/enrolments/tailnet", json={"name": name, "role": role})

    def spec(self, name: str = "gw") -> NodeSpec:
        epoch, revision = self.world.version()
        return compile_spec(self.world.fleet(), name, epoch=epoch, revision=revision)

    def used(self, who: Member, credential: str) -> int:
        answer = self.world.peer(str(who.addresses[0]), credential=credential).get("/api/v1/agent/spec")
        return int(answer.status_code)


@pytest.fixture
def tailnet(tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tailnet]:
    monkeypatch.setattr(route, "SEEN_SECONDS", 0.01)
    made = type(world)(f"sqlite:///{tmp_path}/tailnet/gridwire.db", tailnet=GATEWAY, approve=("tag:edge",))
    yield Tailnet(made)
    made.store.close()


def test_a_rule_lets_an_edge_in_and_everybody_else_waits(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE, PERSON)
    by_rule, waiting = tailnet.asks(EDGE).json(), tailnet.asks(PERSON, "laptop", role="client").json()
    assert (by_rule["state"], waiting["state"]) == ("active", "pending")
    assert by_rule["gateways"][0]["tailnet"]["id"] == GATEWAY.id
    assert tailnet.world.local.post("/api/v1/nodes/laptop/approve").json()["node"]["state"] == "active"


def test_no_rule_makes_an_operator(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE)
    assert tailnet.asks(EDGE, role="operator").json()["state"] == "pending"
    assert tailnet.asks(member(9), role="gateway").status_code in (422, 425)


def test_who_was_not_seen_by_whois_or_has_an_expired_key_is_asked_to_wait(tailnet: Tailnet) -> None:
    assert tailnet.asks(EDGE).status_code == 425
    tailnet.sees(EDGE, expires=tailnet.world.clock.now)
    assert tailnet.asks(EDGE).status_code == 425
    tailnet.sees(EDGE)
    assert tailnet.asks(EDGE, v6=True).status_code == 200


def test_an_answer_that_was_lost_is_given_again_until_the_credential_was_used(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE)
    first, second = (tailnet.asks(EDGE).json()["credential"] for _ in range(2))
    assert first != second
    assert tailnet.used(EDGE, first) == 401
    assert tailnet.used(EDGE, second) == 200
    assert tailnet.asks(EDGE).status_code == 403
    again = tailnet.asks(EDGE, credential=second)
    assert (again.status_code, again.json()["credential"]) == (200, None)


def test_a_name_is_one_nodes(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE, PERSON)
    tailnet.asks(EDGE)
    assert tailnet.asks(PERSON).json()["code"] == "name-taken"


def test_a_node_at_another_address_keeps_name_rights_and_credential(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE)
    credential = tailnet.asks(EDGE).json()["credential"]
    assert tailnet.used(EDGE, credential) == 200
    moved = member(7, tags=("edge",))
    tailnet.sees(moved)
    answer = tailnet.asks(moved, credential=credential)
    assert (answer.json()["node"], answer.json()["state"], answer.json()["credential"]) == ("home-1", "active", None)
    assert tailnet.used(moved, credential) == 200
    assert tailnet.used(EDGE, credential) == 401
    spec = tailnet.spec()
    assert {o.role: o.addresses for o in spec.guard.openings}["edge"] == moved.addresses
    assert EDGE.addresses[0] in {stone.address for stone in spec.tombstones}  # its sockets end
    assert spec.guard.shared is not None
    assert not spec.guard.shared.barred  # whoever has that address next is nobody that was put out


@pytest.mark.parametrize("other", [member(7, tags=("edge", "gateway")), member(7, login="mallory@example.com")])
def test_a_credential_does_not_move_to_another_owner(tailnet: Tailnet, other: Member) -> None:
    tailnet.sees(EDGE)
    credential = tailnet.asks(EDGE).json()["credential"]
    tailnet.sees(other)
    refused = tailnet.asks(other, credential=credential)
    assert (refused.status_code, refused.json()["code"]) == (403, "another-owner")
    assert tailnet.world.node("home-1")["node"]["address"] == "100.64.0.2"


def test_a_new_address_of_the_same_login_is_the_same_node_whatever_its_owner(tailnet: Tailnet) -> None:
    """An operator of the tailnet gave the machine another address, and a tag; the machine stayed logged in."""
    tailnet.sees(EDGE)
    credential = tailnet.asks(EDGE).json()["credential"]
    moved = member(7, tags=("edge", "extra"), node=2)
    tailnet.sees(moved)
    assert tailnet.asks(moved, credential=credential).json()["node"] == "home-1"


def test_who_was_put_out_is_barred_by_both_addresses_and_not_listened_to(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE)
    credential = tailnet.asks(EDGE).json()["credential"]
    tailnet.world.local.post("/api/v1/nodes/home-1/revoke")
    spec = tailnet.spec()
    assert spec.guard.shared is not None
    assert spec.guard.shared.barred == EDGE.addresses
    assert all(not opening.addresses for opening in spec.guard.openings if opening.role == "edge")
    for shown in (None, credential):
        assert tailnet.asks(EDGE, credential=shown).status_code == 401
    elsewhere = member(7, tags=("edge",))
    tailnet.sees(elsewhere)
    assert tailnet.asks(elsewhere, "other", credential=credential).json()["node"] == "other"  # a newcomer, by the rule


def test_an_address_that_is_anothers_now_gives_its_old_node_no_rights(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE)
    tailnet.asks(EDGE)
    stranger = replace(member(2, login="mallory@example.com"), id="n99")
    tailnet.sees(stranger)
    assert tailnet.world.fleet().at(EDGE.addresses[0]).state == "revoked"
    assert all(EDGE.addresses[0] not in opening.addresses for opening in tailnet.spec().guard.openings)
    assert tailnet.asks(stranger, "theirs").json()["state"] == "pending"


def test_an_address_of_one_who_was_put_out_is_of_use_to_the_next(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE)
    tailnet.asks(EDGE)
    tailnet.world.local.post("/api/v1/nodes/home-1/revoke")
    tailnet.sees(EDGE)
    assert tailnet.asks(EDGE).status_code == 401
    tailnet.sees(replace(EDGE, id="n99"))
    assert tailnet.asks(EDGE).json()["state"] == "active"


def test_tags_and_users_are_followed_and_rights_with_them(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE, PERSON)
    tailnet.asks(EDGE)
    tailnet.asks(PERSON, "laptop", role="client")
    tailnet.world.local.post("/api/v1/nodes/laptop/approve")
    tailnet.world.publish("api")
    for name, allow in (("by-user", "user:alice@example.com"), ("by-tag", "tag:edge")):
        assert tailnet.world.route(name, allow=(allow,)).status_code in (200, 201)

    def granted(name: str) -> tuple[Any, ...]:
        routing = tailnet.spec().proxy.routing
        assert routing is not None
        grant = next(entry.grant for entry in routing.routes if entry.name == name)
        return next(g.addresses for g in routing.grants if g.id == grant)

    assert set(granted("by-user")) == set(PERSON.addresses)
    assert set(granted("by-tag")) == set(EDGE.addresses)
    before = tailnet.world.version()
    tailnet.sees(EDGE, PERSON)
    assert tailnet.world.version() == before
    tailnet.sees(replace(EDGE, tags=(TailnetTag("other"),)), replace(PERSON, login=Login("bob@example.com")))
    assert granted("by-user") == granted("by-tag") == ()
    assert "node.identified" in {event["kind"] for event in tailnet.world.local.get("/api/v1/events").json()["items"]}


def test_only_the_gateways_agent_says_who_is_on_the_tailnet(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE)
    credential = tailnet.asks(EDGE).json()["credential"]
    body = {
        "node": "home-1",
        "at": tailnet.world.clock.now.isoformat(),
        "agent_version": "0.1.0",
        "version": [0, 0],
        "state": "in-sync",
        "members": _SEEN.dump_python(
            [MemberSeen(member=PERSON, online=True, expires=None, latest_handshake=None, received_bytes=0)], mode="json"
        ),
    }
    edge = tailnet.world.peer(str(EDGE.addresses[0]), credential=credential)
    assert edge.post("/api/v1/agent/report", json=body).status_code == 200
    assert tailnet.asks(PERSON, "laptop").status_code == 425


def test_the_gateway_itself_moves(tailnet: Tailnet) -> None:
    there = member(8, tags=("gateway",))
    body = TypeAdapter(Member).dump_python(there, mode="json")
    moved = tailnet.world.local.post("/api/v1/agent/tailnet", json=body)
    assert moved.json()["address"] == "100.64.0.8"
    revision = tailnet.world.version()
    assert tailnet.world.local.post("/api/v1/agent/tailnet", json=body).status_code == 200
    assert tailnet.world.version() == revision
    assert {listener.address for listener in tailnet.spec().proxy.listeners} == set(there.addresses)
    back = tailnet.world.local.post("/api/v1/agent/tailnet", json=TypeAdapter(Member).dump_python(GATEWAY, mode="json"))
    assert back.json()["address"] == "100.64.0.1"
    assert [node.address for node in tailnet.world.fleet().gateways()] == [GATEWAY.addresses[0]]


def test_nobody_is_invited_to_a_tailnet(tailnet: Tailnet) -> None:
    body = {"name": "home-1", "ephemeral_key": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}
    answer = tailnet.world.local.post("/api/v1/invitations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "on-a-tailnet")
    assert "gridwire join host-1.lab.ts.net" in answer.json()["fix"]


def test_where_there_is_no_tailnet_nobody_joins_by_it_and_nothing_names_it(world: Any) -> None:
    stranger = world.peer("10.85.1.99", listener="enrol")
    assert stranger.post("/api/v1/enrolments/tailnet", json={"name": "x"}).status_code == 401
    for selector in ("tag:edge", "user:alice@example.com"):
        kind, _, value = selector.partition(":")
        body = {"name": "p", "allow": [{"kind": kind, "value": value}]}
        assert world.local.put("/api/v1/policies/p", json=body).status_code == 422
        assert world.publish("api", on=selector).status_code == 422
    member_ = TypeAdapter(Member).dump_python(GATEWAY, mode="json")
    assert world.local.post("/api/v1/agent/tailnet", json=member_).status_code == 409


def test_nodes_are_connected_while_the_tailnet_has_them_online(tailnet: Tailnet) -> None:
    tailnet.sees(EDGE)
    tailnet.asks(EDGE)
    assert tailnet.world.node("home-1")["connected"] is True
    tailnet.sees(EDGE, expires=tailnet.world.clock.now)
    assert tailnet.world.node("home-1")["connected"] is False
    tailnet.sees()
    assert tailnet.world.node("home-1")["connected"] is False


def test_advice_says_how_one_comes_to_a_tailnet(tailnet: Tailnet) -> None:
    advice = tailnet.world.publish("api", on="tag:edge").json()["advice"]
    assert advice == [
        "no edge that is active has tag:edge: on the node: gridwire join host-1.lab.ts.net --role edge,"
        " where it is tag:edge of the tailnet"
    ]
    said = tailnet.world.route("api", allow=("role:client",)).json()["advice"]
    assert (
        "nobody on the mesh is of role:client yet: on the node: gridwire join host-1.lab.ts.net --role client" in said
    )


def test_a_phone_is_let_in_by_its_name_and_has_no_agent(tailnet: Tailnet) -> None:
    def admit(member_: str, name: str = "phone", **more: str) -> Any:
        return tailnet.world.local.post("/api/v1/members", json={"name": name, "member": member_, **more})

    assert admit("host-3").status_code == 404
    tailnet.sees(PERSON, EDGE)
    version = tailnet.world.version()
    looked = tailnet.world.local.post("/api/v1/members?preview=true", json={"name": "phone", "member": "host-3"})
    assert [(noun["noun"], noun["name"]) for noun in looked.json()["difference"]["nouns"]] == [("node", "phone")]
    assert tailnet.world.version() == version
    answer = admit("host-3.lab.ts.net.")
    assert (answer.status_code, answer.json()["node"]["state"]) == (201, "active")
    assert admit("100.64.0.3", "again").status_code == 409
    assert admit("host-2", role="edge").status_code == 422
    assert admit("host-2").status_code == 409  # the name
    assert {o.role: o.addresses for o in tailnet.spec().guard.openings}["client"] == PERSON.addresses
    for listener in ("api", "enrol"):  # whoever sends from it has no credential made
        peer = tailnet.world.peer("100.64.0.3", listener=listener)
        assert peer.post("/api/v1/enrolments/confirm").status_code == 403
    assert tailnet.asks(PERSON).status_code == 403
    tailnet.sees(replace(PERSON, login=Login("bob@example.com")))
    assert tailnet.world.node("phone")["node"]["tailnet"]["login"] == "bob@example.com"


def test_no_key_of_wireguards_is_of_use_on_a_tailnet(tailnet: Tailnet) -> None:
    body = {"name": "d", "role": "client", "public_key": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}
    assert tailnet.world.local.post("/api/v1/devices", json=body).json()["code"] == "on-a-tailnet"
