"""Passwords that may be taken, how long a guesser waits, and which names and pages are the grid's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.errors import Invalid
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role, Tls
from gridwire.core.names import NodeName
from gridwire.core.operators import LONGEST_WAIT, Failures, check_password, waits_until
from gridwire.core.origins import known_host, same_origin, welcome_urls
from gridwire.core.recovery import ALPHABET, LENGTH, plain_code, shown_code
from gridwire.core.sessions import ABSOLUTE, IDLE, session_ends

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    [
        "seven green boats",
        "Tr0ub4dor&3 and more",
        "пароль из слов",
        "ada writes seven letters",
        "🐢🐇🐢🦊🐻🐼🐨🐯🦁🐮🐷🐸",
    ],
)
def test_these_may_be_passwords(password: str) -> None:
    assert check_password("ada", password) == password


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven char", "shorter"),
        ("x" * 1025, "longer"),
        ("ж" * 513, "longer"),
        ("password1234", "tried first"),
        ("PassWord1234", "tried first"),
        ("correct horse battery staple", "tried first"),
        ("aaaaaaaaaaaaaaaa", "tried first"),
        ("abababababab", "tried first"),
        ("adalovelace1", "name"),
        ("Ada Lovelace 12", "name"),
    ],
)
def test_these_may_not(password: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        check_password("adalovelace", password)


@given(st.text(max_size=40), st.text(max_size=1100))
def test_any_text_is_judged(name: str, password: str) -> None:
    refusal = None
    try:
        check_password(name, password)
    except Invalid as error:
        refusal = error
    if refusal is None:
        assert len(password) >= 12
    else:
        assert refusal.field == "password"
        assert len(password) < 4 or password not in refusal.what


@given(st.integers(0, 10**9), st.integers(1, 30))
def test_a_wait_is_bounded_and_grows(count: int, free: int) -> None:
    until = waits_until(Failures(count=count, at=NOW), free)
    if count < free:
        assert until is None
        return
    assert until is not None
    assert timedelta(seconds=1) <= until - NOW <= LONGEST_WAIT
    assert (waits_until(Failures(count=count + 1, at=NOW), free) or NOW) >= until


@given(st.timedeltas(timedelta(0), ABSOLUTE))
def test_a_session_ends_with_the_first_of_two(used: timedelta) -> None:
    ends = session_ends(NOW, NOW + used)
    assert ends == min(NOW + used + IDLE, NOW + ABSOLUTE)


@given(st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH))
def test_a_recovery_code_is_read_however_it_is_typed(plain: str) -> None:
    shown = shown_code(plain)
    assert plain_code(shown) == plain_code(f" {shown.upper().replace('-', ' ')} ") == plain


@given(st.text(max_size=40))
def test_what_else_is_typed_is_none(text: str) -> None:
    found = plain_code(text)
    assert found is None or (len(found) == LENGTH and set(found) <= set(ALPHABET))


def _fleet(*addresses: str, port: int = 2086) -> Fleet:
    tls = Tls.OFF if port == 2086 else Tls.INTERNAL
    network = Network(prefix=ip_network("10.85.0.0/16"), api_port=port, panel_port=port, tls=tls)
    nodes = tuple(
        Node(name=NodeName(f"gw{n}"), role=Role.GATEWAY, state=NodeState.ACTIVE, address=ip_address(address))
        for n, address in enumerate(addresses)
    )
    return Fleet(network=network, nodes=nodes)


@pytest.mark.parametrize(
    ("host", "scheme", "port", "known"),
    [
        ("panel.grid:2086", "http", 2086, True),
        ("panel.grid", "http", 80, True),
        ("panel.grid:80", "http", 80, True),
        ("panel.grid", "https", 443, True),
        ("panel.grid", "http", 443, False),
        ("panel.grid", "http", 2086, False),
        ("panel.grid.:2086", "http", 2086, False),
        ("panel.grid:2086:2086", "http", 2086, False),
        ("panel.grid:02086", "http", 2086, False),
        ("xpanel.grid:2086", "http", 2086, False),
        ("panel.grid.evil.example:2086", "http", 2086, False),
        ("10.85.0.2:2086", "http", 2086, True),
        ("[fd00::1]:2086", "http", 2086, True),
        ("fd00::1:2086", "http", 2086, False),
        ("10.85.0.3:2086", "http", 2086, False),
        ("", "http", 2086, False),
    ],
)
def test_hosts(host: str, scheme: Any, port: int, known: bool) -> None:
    assert known_host(host, _fleet("10.85.0.1", "10.85.0.2", "fd00::1", port=port), scheme) is known


@given(st.text(max_size=60))
def test_no_other_host_is_known(host: str) -> None:
    own = {"panel.grid:2086", "10.85.0.1:2086"}
    assert known_host(host, _fleet("10.85.0.1"), "http") is (host.lower() in own)


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        ("http://panel.grid:2086", True),
        ("HTTP://PANEL.grid:2086", True),
        ("https://panel.grid:2086", False),
        ("http://panel.grid", False),
        ("http://panel.grid:2086/", False),
        ("null", False),
        ("", False),
        (None, False),
    ],
)
def test_origins(origin: str | None, same: bool) -> None:
    assert same_origin(origin, "panel.grid:2086", "http") is same


def test_a_link_is_shown_by_name_and_by_address() -> None:
    assert welcome_urls(_fleet("10.85.0.1", "fd00::1"), "http", "LINK") == (
        "http://panel.grid:2086/welcome#LINK",
        "http://10.85.0.1:2086/welcome#LINK",
        "http://[fd00::1]:2086/welcome#LINK",
    )


def test_a_link_is_shown_with_tls_where_there_is_some() -> None:
    fleet = _fleet("10.85.0.1", port=443)
    by_name = ("http://panel.grid:443/welcome#LINK", "https://panel.grid/welcome#LINK")
    by_address = ("http://10.85.0.1:443/welcome#LINK",)
    assert welcome_urls(fleet, "http", "LINK") == (*by_name, *by_address)
    assert welcome_urls(fleet, "https", "LINK") == (*reversed(by_name), *by_address)
