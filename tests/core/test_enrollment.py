"""Tokens, and which handshake means that an invitation leaked."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.enrollment import (
    LEAK_GRACE,
    GatewayContact,
    Token,
    check_lifetime,
    decode_token,
    encode_token,
    leaked,
    likely_cause,
    provisional_name,
)
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Fleet, Invitation, Network, Node, NodeState, Role
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.wireguard import PeerSeen, PublicKey

NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


def _key(seed: str) -> PublicKey:
    return PublicKey(base64.b64encode(hashlib.sha256(seed.encode()).digest()).decode())


TOKEN = Token(
    node=NodeName("home-1"),
    role="edge",
    address=ip_address("10.85.1.0"),
    prefix=IPv4Network("10.85.0.0/16"),
    interface=Interface("gw0"),
    suffix=HostName("grid"),
    enrol_port=2087,
    api_port=2086,
    routes_port=80,
    edge_port=2085,
    mtu=1420,
    expires=NOW,
    ephemeral_private_key=_key("private"),
    gateways=(
        GatewayContact(
            node=NodeName("gw"),
            public_key=_key("gw"),
            endpoint="gw.example.com:51820",
            address=ip_address("10.85.0.1"),
        ),
    ),
)


def test_a_token_comes_back_as_it_was() -> None:
    assert decode_token(encode_token(TOKEN)) == TOKEN


def test_a_token_may_be_wrapped_and_padded_by_white_space() -> None:
    text = encode_token(TOKEN)
    assert decode_token(f"\n  {text[:40]}\r\n{text[40:90]}\t{text[90:]} \n") == TOKEN


def test_a_token_does_not_print_its_secret() -> None:
    assert TOKEN.ephemeral_private_key not in repr(TOKEN)


@given(cut=st.integers(min_value=1, max_value=300))
def test_a_token_that_was_cut_short_says_so(cut: int) -> None:
    with pytest.raises(Invalid):
        decode_token(encode_token(TOKEN)[:-cut])


@given(position=st.integers(min_value=4, max_value=300), letter=st.sampled_from("AZaz09-_"))
def test_one_altered_letter_is_seen(position: int, letter: str) -> None:
    text = encode_token(TOKEN)
    altered = text[:position] + letter + text[position + 1 :]
    if altered != text:
        with pytest.raises(Invalid, match="token"):
            decode_token(altered)


@given(text=st.text(max_size=300))
def test_whatever_is_pasted_is_refused_with_words(text: str) -> None:
    for pasted in (text, f"gw1_{text}"):
        with pytest.raises(Invalid):
            decode_token(pasted)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"address": ip_address("10.99.0.1")}, "outside its mesh"),
        ({"gateways": ()}, "no gateway"),
        ({"node": "Not A Name"}, "not a name"),
        ({"interface": "eth0; rm"}, "interface"),
        ({"ephemeral_private_key": "short"}, "key"),
        ({"prefix": IPv4Network("8.8.8.0/24")}, "not private"),
        ({"edge_port": 0}, "not a port"),
        ({"routes_port": 65536}, "not a port"),
        ({"enrol_port": "2087"}, "not a port"),
        ({"api_port": True}, "not a port"),
        ({"edge_port": None}, "not a port"),
    ],
)
def test_a_token_with_a_good_checksum_is_still_checked(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        decode_token(encode_token(replace(TOKEN, **changed)))


@pytest.mark.parametrize("seconds", [-1, 0, 30 * 86_400 + 1])
def test_lifetimes_that_are_refused(seconds: int) -> None:
    with pytest.raises(Invalid):
        check_lifetime(seconds)
    assert check_lifetime(3600) == timedelta(hours=1)


def _seen(key: PublicKey, handshake: datetime | None, host: str | None = "198.51.100.7") -> PeerSeen:
    return PeerSeen(
        public_key=key,
        endpoint=None if host is None else f"{host}:40000",
        allowed_ips=(),
        latest_handshake=handshake,
        received_bytes=0,
        sent_bytes=0,
        keepalive=0,
    )


OPEN = Invitation(node=NodeName("home-1"), ephemeral_key=_key("e"), expires=NOW + timedelta(hours=1))
REDEEMED = replace(OPEN, redeemed_at=NOW, redeemed_key=_key("own"))
LATER, MUCH_LATER = NOW + timedelta(seconds=1), NOW + LEAK_GRACE + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("name", "invitation", "peers", "expected"),
    [
        ("never redeemed", OPEN, (_seen(_key("e"), MUCH_LATER),), False),
        ("no handshake", REDEEMED, (_seen(_key("e"), None),), False),
        ("peer gone", REDEEMED, (), False),
        ("before redemption", REDEEMED, (_seen(_key("e"), NOW - timedelta(seconds=3)),), False),
        ("the same second", REDEEMED, (_seen(_key("e"), NOW),), False),
        ("soon, own host", REDEEMED, (_seen(_key("e"), LATER), _seen(_key("own"), LATER)), False),
        ("soon, own key not seen yet", REDEEMED, (_seen(_key("e"), LATER),), False),
        ("soon, elsewhere", REDEEMED, (_seen(_key("e"), LATER, "203.0.113.9"), _seen(_key("own"), LATER)), True),
        ("later, own host", REDEEMED, (_seen(_key("e"), MUCH_LATER), _seen(_key("own"), LATER)), True),
        ("later, no endpoint", REDEEMED, (_seen(_key("e"), MUCH_LATER, None),), True),
    ],
)
def test_leaks(name: str, invitation: Invitation, peers: tuple[PeerSeen, ...], expected: bool) -> None:
    assert leaked(invitation, peers) is expected, name


def test_a_replacement_has_a_name_of_its_own_until_it_takes_over() -> None:
    fleet = Fleet(network=Network(prefix=IPv4Network("10.85.0.0/16")))
    long = NodeName("n" * 63)
    for last, name in enumerate(("home-1", "home-1-new")):
        address = ip_address(f"10.85.1.{last}")
        fleet = fleet.put(Node(name=NodeName(name), role=Role.EDGE, state=NodeState.ACTIVE, address=address))
    assert provisional_name(fleet, NodeName("home-1")) == "home-1-new-2"
    assert provisional_name(fleet, NodeName("home-2")) == "home-2-new"
    assert len(provisional_name(fleet, long)) == 63


def test_where_nothing_is_wrong_no_cause_is_named() -> None:
    for state in (NodeState.ACTIVE, NodeState.REVOKING):
        assert likely_cause(state, begun=0, packets_arrived=0, handshake=False, gateway_reports=False) == ""
