"""Names: what is taken literally everywhere, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridwire.core.errors import Invalid
from gridwire.core.names import (
    check_label,
    host_name,
    host_pattern,
    interface_name,
    parse_tag,
    shown,
    under_suffix,
)

LABEL = set("abcdefghijklmnopqrstuvwxyz0123456789-")


def accepted(parse: Callable[..., object], text: str) -> bool:
    try:
        parse(text, "field")
    except Invalid:
        return False
    return True


@pytest.mark.parametrize("name", ["a", "0", "home-1", "a" * 63, "xn--bcher-kva"])
def test_a_label_is_a_name(name: str) -> None:
    assert check_label(name, "name") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "a-",
        "A",
        "a.b",
        "a_b",
        "a b",
        "a\n",
        "\na",
        "a\0",
        "ä",
        "а",
        "１",
        "a" * 64,
        "../x",
        "${x}",
        "a;b",
        "'",
    ],
)
def test_anything_else_is_not(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_label(name, "node")
    assert caught.value.field == "node"
    assert "\n" not in caught.value.what


@settings(deadline=None)
@given(st.text())
@example("a\n")
@example("ⅷ")
def test_no_other_character_is_ever_let_through(text: str) -> None:
    if accepted(check_label, text):
        assert set(text) <= LABEL
        assert 1 <= len(text) <= 63
    if accepted(host_name, text):
        assert set(text) <= LABEL | {"."}
        assert len(text) <= 253
    if accepted(interface_name, text):
        assert len(text.encode()) <= 15
        assert "/" not in text
    if accepted(parse_tag, text):
        assert text.isascii()
        assert text.isprintable()


@pytest.mark.parametrize("host", ["localhost", "api.grid", "a.b.c", "1.2.3.x"])
def test_host_names(host: str) -> None:
    assert host_name(host) == host


@pytest.mark.parametrize(
    "host", ["", ".", "a.", ".a", "a..b", "10.0.0.1", "1", "*.a", "a:80", "[::1]", f"{'a.' * 127}a"]
)
def test_what_is_no_host_name(host: str) -> None:
    assert not accepted(host_name, host)


@pytest.mark.parametrize(
    ("pattern", "host"), [("api", "api.grid"), ("api.home", "api.home"), ("*.api", "*.api"), ("*", "*.grid")]
)
def test_one_label_stands_under_the_suffix(pattern: str, host: str) -> None:
    if pattern != "*":
        assert host_pattern(pattern) == pattern
    assert under_suffix(pattern, "grid") == host


@pytest.mark.parametrize("pattern", ["*", "a.*", "**.a", "*a.b", "*.", "*.*.a"])
def test_a_wildcard_is_one_star_in_front(pattern: str) -> None:
    assert not accepted(host_pattern, pattern)


@pytest.mark.parametrize("tag", ["site", "=a", "site=", "Site=a", "site=a b", "1=a", "site=-a", "site=a\n"])
def test_what_is_no_tag(tag: str) -> None:
    assert not accepted(parse_tag, tag)


def test_a_tag_keeps_what_stands_after_the_first_equals_out() -> None:
    assert parse_tag("site=a") == ("site", "a")
    assert not accepted(parse_tag, "site=a=b")


@settings(deadline=None)
@given(st.text(max_size=300))
def test_what_is_shown_fits_a_line_and_is_printable(text: str) -> None:
    assert len(shown(text)) <= 60
    assert shown(text).isprintable()
