"""Lists a page at a time: nothing twice, nothing missed, whatever comes and goes meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.control.paging import Asked, Column, page, text_column
from gridwire.core.errors import Invalid

Item = tuple[str, int]
COLUMNS: dict[str, Column[Item]] = {
    "name": text_column(lambda item: item[0]),
    "size": Column(value=lambda item: item[1], texts=lambda item: (str(item[1]),)),
}
NAMES = st.text("abc", min_size=1, max_size=3)
ITEMS = st.dictionaries(NAMES, st.integers(0, 3), max_size=12).map(lambda found: sorted(found.items()))
SORTS = st.sampled_from((None, "name", "-name", "size", "-size"))


def listed(items: list[Item], **asked: Any) -> Any:
    wanted = Asked(**{"limit": None, "cursor": None, "filter": None, "sort": None, **asked})
    return page(items, wanted, COLUMNS, lambda item: item, name=lambda item: item[0])


@given(ITEMS, SORTS, st.integers(1, 5))
def test_pages_are_the_whole(items: list[Item], sort: str | None, limit: int) -> None:
    whole = listed(items, sort=sort)
    assert sorted(whole.items) == items
    assert whole.total == len(items)
    found: list[Item] = []
    cursor = None
    while True:
        one = listed(items, sort=sort, limit=limit, cursor=cursor)
        assert len(one.items) <= limit
        found += one.items
        cursor = one.next
        if cursor is None:
            break
        assert len(one.items) == limit
    assert tuple(found) == whole.items
    field, backwards = (sort or "name").lstrip("-"), (sort or "").startswith("-")
    values = [item[0] if field == "name" else item[1] for item in found]
    assert values == sorted(values, reverse=backwards)


@given(ITEMS, ITEMS, SORTS, st.integers(1, 5))
def test_what_comes_and_goes_moves_no_other(
    before: list[Item], after: list[Item], sort: str | None, limit: int
) -> None:
    """What is there on both pages, unchanged, is seen once."""
    first = listed(before, sort=sort, limit=limit)
    if first.next is None:
        return
    rest = listed(after, sort=sort, cursor=first.next).items
    stayed = set(before) & set(after)
    assert not set(first.items) & set(rest) & stayed
    assert stayed <= set(first.items) | set(rest)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["a", "ab", "b", "living room"]),
        ("b", ["ab", "b"]),
        ("name:b", ["b"]),
        ("name:*b", ["ab", "b"]),
        ("NAME:B", None),
        ("name:B", ["b"]),
        ("-name:b", ["a", "ab", "living room"]),
        ("-b", ["a", "living room"]),
        ("a b", ["ab"]),
        ('name:"living room"', ["living room"]),
        ('"g r"', ["living room"]),
        ("size:2", ["b"]),
        ("name:l*n*g*m", ["living room"]),
        ("name:a*ab", []),
        ("colour:red", None),
        ('"open', None),
        ("name:", None),
        (" ".join("a" * 21), None),
    ],
)
def test_filters(text: str, names: list[str] | None) -> None:
    items: list[Item] = [("a", 0), ("ab", 1), ("b", 2), ("living room", 3)]
    if names is None and text != "NAME:B":
        with pytest.raises(Invalid) as refused:
            listed(items, filter=text)
        assert refused.value.field == "filter"
    elif names is None:  # no field is written so: it is text, which nothing has
        assert listed(items, filter=text).items == ()
    else:
        assert [name for name, _ in listed(items, filter=text).items] == names


def test_lists_of_nouns(world: Any) -> None:
    for name in ("home-1", "home-2"):
        world.join(name, tags=[["site", name[-1]]])
    world.join("phone", role="client")
    world.publish("api")
    world.publish("web", on="tag:site=1")
    for name in ("api", "web", "shop"):
        world.route(name, to="api", allow=("role:client",) if name != "shop" else ())

    def names(noun: str, key: str = "name", **params: Any) -> list[str]:
        answer = world.local.get(f"/api/v1/{noun}", params=params)
        assert answer.status_code == 200, answer.text
        found = answer.json()["items"]
        return [(one["node"] if noun == "nodes" else one)[key] for one in found]

    assert names("nodes") == ["gw", "home-1", "home-2", "phone"]
    assert names("nodes", sort="-name", limit=2) == ["phone", "home-2"]
    assert names("nodes", filter="role:edge tag:site=*") == ["home-1", "home-2"]
    assert names("nodes", filter="10.85.0.1") == ["gw"]
    assert names("nodes", sort="role") == ["phone", "home-1", "home-2", "gw"]
    assert names("services", filter="on:role:edge") == ["api"]
    assert names("services", filter='"tag:site=1"') == ["web"]
    assert names("routes", filter="-allow:*") == ["shop"]
    assert names("routes", filter="to:api", sort="-host", limit=2) == ["web", "shop"]


@pytest.mark.parametrize("noun", ["nodes", "services", "routes", "policies", "revisions", "events", "invitations"])
@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 100_000}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"sort": "colour"}, "sort"),
        ({"filter": "colour:red"}, "filter"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WyJuYW1lIix7fSwiIl0"}, "cursor"),
        ({"filter": "x" * 501}, "filter"),
    ],
)
def test_what_is_asked_wrongly_is_refused_with_its_name(
    world: Any, noun: str, params: dict[str, Any], field: str
) -> None:
    answer = world.local.get(f"/api/v1/{noun}", params=params)
    assert (answer.status_code, answer.json().get("field")) == (422, field), answer.text


def test_a_cursor_is_of_one_order(world: Any) -> None:
    world.join("a")
    first = world.local.get("/api/v1/nodes", params={"limit": 1}).json()
    answer = world.local.get("/api/v1/nodes", params={"limit": 1, "sort": "role", "cursor": first["next"]})
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")
