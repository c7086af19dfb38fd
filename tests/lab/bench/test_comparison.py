"""What the bench takes for a difference, and what for noise."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.lab.bench.comparison import Better, Judgement, interval, judge, noise, ratio, spread

FIGURES = st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=1, max_size=40)


def rounds(cost: float, *, jitter: float, seed: int, count: int = 21) -> list[float]:
    """Costs of a program on a machine that drifts by half from the first round to the last."""
    luck = random.Random(seed)
    return [cost * (1 + 0.5 * n / count) * luck.uniform(1 - jitter, 1 + jitter) for n in range(count)]


def test_a_slowdown_of_15_percent_is_told_where_the_machine_drifts_by_half() -> None:
    ours, again = rounds(10, jitter=0.05, seed=1), rounds(10, jitter=0.05, seed=2)
    slowed = rounds(11.5, jitter=0.05, seed=3)
    floor = noise(ratio(ours, again, Better.LESS))
    assert judge(ratio(ours, slowed, Better.LESS), 1, floor) is Judgement.ABOVE
    assert judge(ratio(slowed, ours, Better.LESS), 1, floor) is Judgement.BELOW


def test_what_is_the_same_is_not_told_apart() -> None:
    ours, again, third = (rounds(10, jitter=0.05, seed=seed) for seed in (1, 2, 3))
    floor = noise(ratio(ours, again, Better.LESS))
    assert judge(ratio(ours, third, Better.LESS), 1, floor) is Judgement.UNTOLD


def test_a_difference_below_the_noise_is_refused() -> None:
    ours, again = rounds(10, jitter=0.4, seed=1), rounds(10, jitter=0.4, seed=2)
    slowed = rounds(11, jitter=0.4, seed=3)
    assert judge(ratio(ours, slowed, Better.LESS), 1, noise(ratio(ours, again, Better.LESS))) is Judgement.UNTOLD


def test_a_program_that_differs_from_itself_hides_every_smaller_difference() -> None:
    steady = [10.0] * 9
    floor = noise(ratio(steady, [12.0] * 9, Better.LESS))
    assert floor == pytest.approx(0.2)
    assert judge(ratio(steady, [11.5] * 9, Better.LESS), 1, floor) is Judgement.UNTOLD
    assert judge(ratio(steady, [13.0] * 9, Better.LESS), 1, floor) is Judgement.ABOVE


def test_a_goal_nearer_than_the_noise_is_not_told() -> None:
    near = ratio([10.0] * 9, [8.1] * 9, Better.LESS)
    assert judge(near, 0.80, 0.02) is Judgement.UNTOLD
    assert judge(near, 0.80, 0.01) is Judgement.ABOVE
    assert judge(near, 0.90, 0.02) is Judgement.BELOW


def test_more_is_better_turns_the_ratio_round() -> None:
    assert ratio([20.0], [10.0], Better.MORE).median == 2
    assert ratio([20.0], [10.0], Better.LESS).median == 0.5


@pytest.mark.parametrize(
    ("count", "expected"), [(1, (0, 0)), (5, (0, 4)), (6, (0, 5)), (9, (1, 7)), (21, (5, 15))]
)  # the ranks of the sign test's tables
def test_the_interval_of_a_median(count: int, expected: tuple[int, int]) -> None:
    assert interval(count) == expected


@given(FIGURES)
def test_a_spread_and_a_ratio_are_in_order(figures: list[float]) -> None:
    found = spread(figures)
    assert found.minimum <= found.median <= found.maximum
    one = ratio(figures, figures[::-1], Better.LESS)
    assert one.minimum <= one.low <= one.median <= one.high <= one.maximum
    assert one.reach >= 0
