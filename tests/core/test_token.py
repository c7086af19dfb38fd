"""The token of an invitation: whole it reads back, cut or altered it is refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridwire.core.enrollment import GatewayContact, Token, decode_token, encode_token
from gridwire.core.errors import Invalid
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.wireguard import PublicKey

KEYS = (
    st.binary(min_size=32, max_size=32).filter(lambda raw: any(raw[1:31])).map(lambda b: base64.b64encode(b).decode())
)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
GATEWAYS = st.builds(
    GatewayContact,
    node=LABELS.map(NodeName),
    public_key=KEYS.map(PublicKey),
    endpoint=st.sampled_from(["gw.example.com:51820", "203.0.113.7:1", "[2001:db8::7]:65535"]),
    address=st.just(ip_address("10.85.0.1")),
)
TOKENS = st.builds(
    Token,
    node=LABELS.map(NodeName),
    role=st.sampled_from(["edge", "operator", "client"]),
    address=st.integers(256, 65534).map(lambda n: ip_address("10.85.0.0") + n),
    prefix=st.just(ip_network("10.85.0.0/16")),
    interface=st.just(Interface("gw0")),
    suffix=st.sampled_from([HostName("grid"), HostName("home.example.com")]),
    enrol_port=st.integers(1, 65535),
    api_port=st.integers(1, 65535),
    routes_port=st.integers(1, 65535),
    edge_port=st.integers(1, 65535),
    mtu=st.integers(1280, 9000),
    expires=st.datetimes(datetime(2026, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  # made aware below
        lambda t: t.replace(microsecond=0, tzinfo=UTC)
    ),
    ephemeral_private_key=KEYS,
    gateways=st.lists(GATEWAYS, min_size=1, max_size=3).map(tuple),
)


def refused(text: str) -> bool:
    try:
        decode_token(text)
    except Invalid:
        return True
    return False


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TOKENS)
def test_it_reads_back(token: Token) -> None:
    assert decode_token(encode_token(token)) == token


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TOKENS, st.integers(1, 40))
def test_wrapped_lines_do_not_matter(token: Token, width: int) -> None:
    text = encode_token(token)
    wrapped = "\r\n  ".join(text[i : i + width] for i in range(0, len(text), width))
    assert decode_token(f"\n {wrapped}\n") == token


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TOKENS, st.data())
def test_cut_short_it_is_refused(token: Token, data: st.DataObject) -> None:
    text = encode_token(token)
    assert refused(text[: data.draw(st.integers(0, len(text) - 1))])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TOKENS, st.data())
def test_altered_it_is_refused_or_the_same(token: Token, data: st.DataObject) -> None:
    text = encode_token(token)
    place = data.draw(st.integers(4, len(text) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda c: c != text[place]))
    altered = text[:place] + other + text[place + 1 :]
    # base64's last character has bits that mean nothing.
    assert refused(altered) or (place == len(text) - 1 and decode_token(altered) == token)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200))
def test_anything_else_is_refused(text: str) -> None:
    assert refused(text)
    assert refused(f"gw1_{text}")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TOKENS)
def test_no_secret_in_its_repr(token: Token) -> None:
    assert token.ephemeral_private_key not in repr(token)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("eyJ0", "does not start with gw1_"),
        ("GW1_abc", "does not start with gw1_"),
        ("gw1_", "cut short"),
        ("gw1_AAAA", "cut short"),
        ("gw1_" + "A" * 10_000, "too long"),
    ],
)
def test_the_reason_is_said(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        decode_token(text)
