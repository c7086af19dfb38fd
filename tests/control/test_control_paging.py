"""Lists a page at a time: nothing twice, nothing missed, whatever comes and goes meanwhile."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.control.columns import INVITATIONS, POLICIES, SERVICES, node_columns, route_columns
from gridwire.control.looks import Looks
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


def test_logs_are_filtered_and_walked_by_the_database(world: Any) -> None:
    world.publish("api")
    for name in ("under-score", "plain"):
        world.route(name, to="api")
    world.local.delete("/api/v1/routes/plain")

    def numbers(**params: Any) -> list[int]:
        return [one["number"] for one in world.local.get("/api/v1/revisions", params=params).json()["items"]]

    assert numbers() == [5, 4, 3, 2, 1]
    assert numbers(sort="number", limit=2) == [1, 2]
    assert numbers(filter="ROUTE -removed") == [4, 3]
    assert numbers(filter='changed:"*route plain: *"') == [5, 4]
    assert numbers(filter="under_score") == []  # no wildcard of SQL's
    assert numbers(filter="%") == []
    assert numbers(before=3) == [2, 1]
    first = world.local.get("/api/v1/revisions", params={"limit": 2}).json()
    assert first["total"] == 5
    world.publish("meanwhile")
    assert numbers(limit=2, cursor=first["next"]) == [3, 2]
    kinds = world.local.get("/api/v1/events", params={"filter": "kind:route.*", "sort": "number"}).json()
    assert [event["kind"] for event in kinds["items"]] == ["route.added", "route.added", "route.removed"]
    oldest = world.local.get("/api/v1/events", params={"after": 0, "limit": 1}).json()
    assert [event["number"] for event in oldest["items"]] == [1]


def test_the_guide_names_the_fields_that_there_are(world: Any) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "changes.md").read_text()
    rows = dict(re.findall(r"^\| (nodes|services|routes|policies|invitations) \| ([a-z_ ]+)", guide, re.MULTILINE))
    picture = world.grid.picture(world.grid.snapshot())
    for noun, columns in (
        ("nodes", node_columns(picture)),
        ("services", SERVICES),
        ("routes", route_columns("grid")),
        ("policies", POLICIES),
        ("invitations", INVITATIONS),
    ):
        assert rows[noun].split() == [name for name, column in columns.items() if column.texts is not None], noun


def test_what_is_dear_is_looked_at_again_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"cpu": 0.0, "now": 0.0}
    monkeypatch.setattr(
        "gridwire.control.looks.time",
        SimpleNamespace(**{"thread_time": lambda: clock["cpu"], "monotonic": lambda: clock["now"]}),
    )
    looks, seen = Looks(), iter(range(100))

    def look(cost: float) -> int:
        clock["cpu"] += cost
        return next(seen)

    assert [looks.at("x", (1, 1), lambda: look(0.01)) for _ in range(3)] == [0, 1, 2]  # cheap: never kept
    assert [looks.at("x", (1, 1), lambda: look(1.0)) for _ in range(3)] == [3, 3, 3]
    assert looks.at("x", (1, 2), lambda: look(1.0)) == 4  # another revision
    clock["now"] = 3.9
    assert looks.at("x", (1, 2), lambda: look(1.0)) == 4
    clock["now"] = 4.1
    assert looks.at("x", (1, 2), lambda: look(1.0)) == 5


def test_a_cursor_that_is_nested_without_end_is_none(world: Any) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 1500).decode()
    for path in ("nodes", "events"):
        assert world.local.get(f"/api/v1/{path}?cursor={nested}").status_code == 422
