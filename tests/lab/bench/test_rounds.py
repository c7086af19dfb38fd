"""Sides are measured in turn, and what was prepared is taken away whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from gridwire.core.errors import NotFound, Unavailable
from gridwire.lab.bench.rounds import in_turn, run
from gridwire.lab.bench.scenario import Case, Prepared, Reading, Scenario, Side, Wanted
from gridwire.lab.bench.scenarios import SCENARIOS, named

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def sides(measure: Callable[[str], Reading]) -> tuple[Side, ...]:
    return tuple(Side(id=name, title=name, measure=lambda _, name=name: measure(name)) for name in "abc")


def scenario(measure: Callable[[str], Reading], said: list[str]) -> Scenario:
    @contextmanager
    def prepare(wanted: Wanted, say: Callable[[str], None]) -> Iterator[Prepared]:
        case = Case(id="c", title="C", sides=sides(measure), reference="a", again="b", metrics=("cpu_us", "rate"))
        try:
            yield Prepared(cases=(case,), programs={}, conditions=())
        finally:
            said.append("taken away")

    return Scenario(id="x", title="X", about="x", rounds=3, seconds=1, prepare=prepare)


def test_nobody_always_follows_the_same_one() -> None:
    three = sides(lambda _: {})
    orders = [[side.id for side in in_turn(three, number)] for number in range(6)]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert {order[0] for order in orders} == {"a", "b", "c"}
    followed = {(before, after) for order in orders for before, after in pairwise(order)}
    assert followed == {(x, y) for x in "abc" for y in "abc" if x != y}


def test_every_round_measures_every_side_after_one_that_does_not_count() -> None:
    asked: list[str] = []

    def measure(name: str) -> Reading:
        asked.append(name)
        return {"cpu_us": float(len(asked))}

    done = run(scenario(measure, []), Wanted(rounds=3, seconds=1), lambda _: None, now=NOW)
    assert sorted(asked) == sorted("abc" * 4)
    (case,) = done.cases
    assert all(len(side.readings["cpu_us"]) == 3 and min(side.readings["cpu_us"]) > 3 for side in case.sides)
    assert "rate" not in case.sides[0].readings


def test_what_breaks_leaves_nothing_standing() -> None:
    said: list[str] = []
    asked: list[str] = []

    def measure(name: str) -> Reading:
        asked.append(name)
        if len(asked) > 3:  # after the warming up
            raise Unavailable("broken")
        return {}

    with pytest.raises(Unavailable, match=r"^a: broken"):  # and names whose it was
        run(scenario(measure, said), Wanted(rounds=1, seconds=1), lambda _: None, now=NOW)
    assert said == ["taken away"]


def test_scenarios_have_names_of_their_own() -> None:
    assert len({one.id for one in SCENARIOS}) == len(SCENARIOS)
    assert named(["proxy"]) == (SCENARIOS[0],)
    assert named([]) == SCENARIOS
    with pytest.raises(NotFound, match="no scenario proxies"):
        named(["proxies"])
