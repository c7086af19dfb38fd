"""A listing of nft's in canonical form: equal while nobody changed the table, and only then."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.netfilter import Nft, canonical, difference, with_members
from gridwire.core.errors import Unavailable

TABLE: list[dict[str, Any]] = [
    {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
    {"table": {"family": "inet", "name": "gridwire", "handle": 1}},
    {"counter": {"family": "inet", "name": "stranger", "table": "gridwire", "handle": 2, "packets": 4, "bytes": 240}},
    {"set": {"name": "role_edge", "type": "ipv4_addr", "handle": 3, "elem": ["10.85.1.0", "10.85.1.1"]}},
    {"set": {"name": "meter", "type": "ipv4_addr", "handle": 4, "flags": ["timeout"], "timeout": 60}},
    {"chain": {"name": "input", "handle": 5, "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
    {"rule": {"chain": "input", "handle": 6, "expr": [{"match": {"right": {"set": ["lo", "gw0"]}}}, {"drop": None}]}},
    {"rule": {"chain": "input", "handle": 7, "expr": [{"counter": {"packets": 1, "bytes": 60}}, {"accept": None}]}},
]


def changed(at: int, kind: str, **to: object) -> list[dict[str, Any]]:
    listing = copy.deepcopy(TABLE)
    listing[at][kind].update(to)
    return listing


@pytest.mark.parametrize(
    "same",
    [
        changed(1, "table", handle=77),
        changed(2, "counter", packets=99, bytes=9999),
        changed(3, "set", elem=["10.85.1.1", "10.85.1.0"]),
        changed(4, "set", elem=[{"elem": {"val": "192.0.2.1", "expires": 3}}], flags=["timeout", "dynamic"]),
        changed(6, "rule", expr=[{"match": {"right": {"set": ["gw0", "lo"]}}}, {"drop": None}]),
        changed(7, "rule", expr=[{"counter": {"packets": 8, "bytes": 480}}, {"accept": None}]),
        [TABLE[0], *TABLE[1:6][::-1], *TABLE[6:]],
    ],
    ids=["handle", "count", "element order", "meter contents", "anonymous set order", "rule's count", "object order"],
)
def test_what_is_no_change_is_none(same: list[dict[str, Any]]) -> None:
    assert difference(canonical(TABLE), canonical(same)) == ""


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (changed(1, "table", flags="dormant"), "table gridwire: changed"),
        (changed(3, "set", elem=["10.85.1.0"]), "set role_edge: 0 added, 1 removed"),
        (changed(3, "set", elem=["10.85.1.0", "10.85.1.9"]), "set role_edge: 1 added, 1 removed"),
        (changed(5, "chain", policy="drop"), "chain input: changed"),
        (changed(5, "chain", prio=10), "chain input: changed"),
        (changed(6, "rule", expr=[{"accept": None}]), "rules of chain input: changed"),
        ([*TABLE[:6], TABLE[7], TABLE[6]], "rules of chain input: changed"),
        (TABLE[:7], "rules of chain input: 2 → 1"),
        (TABLE[:6], "rules of chain input is gone"),
        ([*TABLE, {"chain": {"name": "more"}}], "chain more is new"),
        ([*TABLE[:2], *TABLE[3:]], "counter stranger is gone"),
    ],
)
def test_what_changed_is_named(other: list[dict[str, Any]], said: str) -> None:
    assert difference(canonical(TABLE), canonical(other)) == said


def test_members_change_in_a_listing_as_they_do_in_the_kernel() -> None:
    emptied = copy.deepcopy(TABLE)
    del emptied[3]["set"]["elem"]
    assert with_members(canonical(TABLE), {"role_edge": []}) == canonical(emptied)
    moved = with_members(canonical(TABLE), {"role_edge": ["10.85.1.9"]})
    assert moved == canonical(changed(3, "set", elem=["10.85.1.9"]))


def test_an_nft_that_is_missing_or_speaks_no_json_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="apt install nftables"):
        Nft(binary=str(tmp_path / "nft")).read()
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\necho 'Error: JSON support not compiled-in' >&2\nexit 1\n")
    old.chmod(0o755)
    with pytest.raises(Unavailable, match="built with JSON"):
        Nft(binary=str(old)).read()


def test_a_listing_that_is_no_json_is_of_an_altered_table(tmp_path: Path) -> None:
    """nft 1.0.6 prints a dormant table's flags from memory that is not theirs: any bytes may come."""
    mute = tmp_path / "mute"
    mute.write_text('#!/bin/sh\nprintf \'{"nftables": [{"table": {"flags": "\\377\\n"}}]}\'\n')
    mute.chmod(0o755)
    listing = Nft(binary=str(mute)).read()
    assert listing is not None
    assert difference(canonical(TABLE), listing) != ""
    assert Nft(binary=str(mute)).counters() == {}
