"""What a resolver's answer means for the routes' wildcard record."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gridwire.adapters.resolver import Looked, judge, look_up
from gridwire.core.names import HostName

MESH = ip_address("10.85.0.1")
DOMAIN = HostName("home.example.com")


@pytest.mark.parametrize(
    ("outcome", "addresses", "ok", "said", "fix"),
    [
        ("found", ("10.85.0.1",), True, "resolves to 10.85.0.1", ""),
        ("found", ("192.0.2.1",), False, "192.0.2.1, not to 10.85.0.1", "*.home.example.com A 10.85.0.1"),
        ("empty", (), False, "strips private answers", "rebind-domain-ok=/home.example.com/"),
        ("absent", (), False, "does not resolve", "create one record"),
        ("silent", (), False, "no resolver answered", "*.home.example.com A 10.85.0.1, and check /etc/resolv.conf"),
    ],
)
def test_an_answer_is_judged(outcome: str, addresses: tuple[str, ...], ok: bool, said: str, fix: str) -> None:
    looked = Looked(name="x", outcome=outcome, addresses=tuple(map(ip_address, addresses)))  # type: ignore[arg-type]
    check = judge(DOMAIN, MESH, looked)
    assert check.ok is ok
    assert said in check.what
    assert fix in check.fix


def test_a_stripping_resolver_is_told_from_a_missing_record() -> None:
    empty = judge(DOMAIN, MESH, Looked(name="x", outcome="empty"))
    absent = judge(DOMAIN, MESH, Looked(name="x", outcome="absent"))
    assert empty.what != absent.what


def test_the_hosts_file_counts() -> None:
    assert ip_address("127.0.0.1") in look_up("localhost").addresses


@pytest.mark.parametrize("name", ["", "a" * 300, "nul\0byte", "no-such-name.invalid"])
def test_a_name_that_cannot_be_is_no_fault(name: str) -> None:
    assert look_up(name).outcome != "found"
