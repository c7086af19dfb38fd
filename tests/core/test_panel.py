"""A page's policy names its own inline scripts and no others."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.errors import Invalid
from gridwire.core.panel import host_of, inline_scripts, page_policy


def digest(script: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@pytest.mark.parametrize(
    ("page", "scripts"),
    [
        ("<script>a()</script>", ("a()",)),
        ("<SCRIPT id=x>a()</SCRIPT >b()", ("a()",)),
        ('<script src="/a.js" async></script><script>b()</script>', ("b()",)),
        ("<script>if (1 < 2 && '<b>') { '&amp;' }</script>", ("if (1 < 2 && '<b>') { '&amp;' }",)),
        ("<script>one\r\ntwo</script>", ("one\ntwo",)),  # as a browser reads it
        ("<script></script>", ("",)),
        ("<p>script</p>", ()),
    ],
)
def test_inline_scripts_are_found_as_a_browser_finds_them(page: str, scripts: tuple[str, ...]) -> None:
    assert inline_scripts(page) == scripts


@given(st.text(alphabet="ab<>&'\"\n =/").filter(lambda text: "</" not in text and "<!--" not in text))
def test_a_script_that_stands_in_the_page_may_run_and_another_may_not(script: str) -> None:
    policy = page_policy(f"<html><script>{script}</script></html>")
    assert digest(script) in policy
    assert digest(f"{script} ") not in policy


def test_the_policy_lets_in_nothing_from_elsewhere() -> None:
    policy = dict(part.split(" ", 1) for part in page_policy("").split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["style-src"] == "'self' 'unsafe-inline'"


def test_a_page_with_more_scripts_than_a_header_holds_is_refused() -> None:
    with pytest.raises(Invalid):
        page_policy("".join(f"<script>{number}</script>" for number in range(500)))
    page_policy("<script>same</script>" * 500)


def test_an_address_is_spelled_as_browsers_do() -> None:
    assert host_of(ip_address("10.85.0.1")) == "10.85.0.1"
    assert host_of(ip_address("fd12::1")) == "[fd12::1]"
