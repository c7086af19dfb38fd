"""A node is known again by who owns it, a gateway by its name as well; a guess is never made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest

from gridwire.core.enrollment import GatewayContact
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs, first_spec
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.readdressing import has_moved, readdressed, with_gateways
from gridwire.core.tailnet import Login, Member, MemberSeen, Provider, TailnetTag

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def member(number: int, name: str = "gw.lab.ts.net", tag: str = "gateway") -> Member:
    return Member(
        id=f"n{number}",
        name=name,
        login=None,
        tags=(TailnetTag(tag),),
        addresses=(ip_address(f"100.64.0.{number}"), ip_address(f"fd7a:115c:a1e0::{number}")),
    )


def seen(*members: Member, expires: datetime | None = None) -> tuple[MemberSeen, ...]:
    return tuple(
        MemberSeen(member=one, online=True, expires=expires, latest_handshake=None, received_bytes=0) for one in members
    )


GATEWAY, OWN = member(1), member(2, "home-1.lab.ts.net", "edge")
EDGE = JoinedAs(
    node=NodeName("home-1"),
    role=Role.EDGE,
    address=OWN.addresses[0],
    prefix=ip_network("100.64.0.0/10"),
    interface=Interface("tailscale0"),
    suffix=HostName("grid"),
    gateways=(GatewayContact(node=NodeName("gw"), address=GATEWAY.addresses[0], tailnet=GATEWAY),),
    provider=Provider.TAILSCALE,
    tailnet=OWN,
)


def found(*members: MemberSeen) -> object:
    return with_gateways(EDGE, members, NOW).gateways[0].address


def test_a_gateway_that_stayed_is_left_as_it_is() -> None:
    assert with_gateways(EDGE, seen(GATEWAY, OWN), NOW) == EDGE


def test_a_gateway_is_known_by_its_identity_wherever_and_whoever_it_is_now() -> None:
    assert found(*seen(replace(member(7, "renamed.lab.ts.net", "other"), id="n1"))) == ip_address("100.64.0.7")


@pytest.mark.parametrize("name", ["gw.lab.ts.net", "gw-1.lab.ts.net", "gw-12.lab.ts.net"])
def test_one_that_logged_in_anew_is_known_by_name_and_owner(name: str) -> None:
    assert found(*seen(member(7, name))) == ip_address("100.64.0.7")


@pytest.mark.parametrize(
    "others",
    [
        seen(member(7, tag="edge")),  # who may take that tag is not who may take the gateway's
        seen(replace(member(7), tags=(), login=Login("mallory@example.com"))),
        seen(member(7, "gwx.lab.ts.net")),
        seen(member(7, "gw.other.ts.net")),
        seen(member(7), member(8)),  # two that could be it
        seen(member(7), expires=NOW),
        (),
    ],
)
def test_nobody_else_is_taken_for_it(others: tuple[MemberSeen, ...]) -> None:
    assert with_gateways(EDGE, others, NOW) == EDGE


def test_an_old_login_that_expired_does_not_stand_in_the_way() -> None:
    old = seen(GATEWAY, expires=NOW - timedelta(seconds=1))
    assert found(*old, *seen(member(7))) == ip_address("100.64.0.7")


def test_a_node_at_another_address_has_a_guard_for_that_one_from_the_start() -> None:
    there = member(9, "home-1.lab.ts.net", "edge")
    assert has_moved(EDGE, there)
    assert not has_moved(EDGE, replace(OWN, tags=(TailnetTag("more"),)))
    spec = first_spec(readdressed(EDGE, there))
    assert spec.guard.shared is not None
    assert spec.guard.shared.addresses == there.addresses
    assert spec.guard.shared.gateways == GATEWAY.addresses
    assert spec.mesh.address == there.addresses[0]


def test_somebody_without_tags_or_user_is_nobodys_equal() -> None:
    nobody = replace(OWN, tags=(), login=None)
    assert not nobody.same_owner(replace(nobody, id="n9"))
