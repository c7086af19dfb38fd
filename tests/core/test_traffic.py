"""Counts that can be added up, and how far off a percentile of them may be."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.errors import Invalid
from gridwire.core.traffic import ERROR, LAST, Cell, Kind, Tally, bucket_of, cells_of, middle, name_in, unpack

_TIMES = st.integers(min_value=0, max_value=245_000)
_COUNTS = st.integers(min_value=0, max_value=2**50)
_TALLIES = st.builds(
    Tally,
    _COUNTS,
    _COUNTS,
    _COUNTS,
    _COUNTS,
    _COUNTS,
    st.dictionaries(st.integers(min_value=0, max_value=LAST), st.integers(min_value=1, max_value=2**40), max_size=20),
)


def _of(times: list[int]) -> Tally:
    tally = Tally(requests=len(times))
    for milliseconds in times:
        bucket = bucket_of(milliseconds)
        tally.histogram[bucket] = tally.histogram.get(bucket, 0) + 1
    return tally


@given(_TIMES)
def test_a_buckets_middle_is_near_what_is_in_it(milliseconds: int) -> None:
    assert abs(middle(bucket_of(milliseconds)) - milliseconds) <= ERROR * milliseconds


def test_buckets_follow_each_other_without_a_gap() -> None:
    buckets = [bucket_of(milliseconds) for milliseconds in range(300_000)]
    assert buckets[:16] == list(range(16))
    assert {b - a for a, b in pairwise(buckets)} == {0, 1}
    assert buckets[-1] == LAST


@given(
    st.lists(_TIMES, min_size=1, max_size=200),
    st.integers(min_value=1, max_value=7),
    st.sampled_from([0.5, 0.95, 0.99]),
)
def test_percentiles_of_parts_added_up_are_those_of_the_whole(times: list[int], parts: int, share: float) -> None:
    whole = Tally()
    for part in range(parts):
        whole.add(unpack(_of(times[part::parts]).pack()))
    assert whole == _of(times)
    exact = sorted(times)[ceil(share * len(times)) - 1]
    found = whole.percentile(share)
    assert found is not None
    assert abs(found - exact) <= ERROR * exact


@given(_TALLIES)
def test_a_tally_comes_back_as_it_was_packed(tally: Tally) -> None:
    assert unpack(tally.pack()) == tally


@pytest.mark.parametrize("packed", [b"", b"\x01", b"\x01\x01\x01\x01\x01\x01", b"\x01\x01\x01\x01\x81"])
def test_what_no_tally_made_is_refused(packed: bytes) -> None:
    with pytest.raises(Invalid):
        unpack(packed)


def test_nothing_has_no_percentile() -> None:
    assert Tally(requests=3).percentile(0.5) is None


def test_which_cells_make_a_noun() -> None:
    one, two = Cell("gw", "shop", "api", "e1"), Cell("gw2", "shop", "api", "e2")
    refused, other = Cell("gw", "shop", "api", "-"), Cell("gw", "blog", "web", "e1")
    cells = {one, two, refused, other, *map(Cell, ("gw", "gw2")), Cell(node="e1"), Cell(node="e2")}
    assert set(cells_of(cells, Kind.ROUTE, "shop")) == {one, two, refused}
    assert set(cells_of(cells, Kind.SERVICE, "api")) == {one, two, refused}
    assert cells_of(cells, Kind.ENDPOINT, "api/e2") == [two]
    assert cells_of(cells, Kind.NODE, "e1") == [Cell(node="e1")]
    assert cells_of(cells, Kind.GATEWAY, "gw2") == [Cell(gateway="gw2")]
    assert set(cells_of(cells, Kind.GATEWAY, "")) == {Cell(gateway="gw"), Cell(gateway="gw2")}
    for kind in Kind:  # each cell goes by the name under which it is found
        assert {c for c in cells if (name := name_in(c, kind)) and c in cells_of(cells, kind, name)} == {
            c for c in cells if name_in(c, kind) is not None
        }
