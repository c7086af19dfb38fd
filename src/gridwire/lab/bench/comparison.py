"""Whether two things that were measured in turn differ: figures of rounds in, a ratio and its noise out. Pure.

Both sides of a pair were measured within one round, so what drifts on the machine from round to round is in both and
falls out of their ratio. A ratio above 1 always says that the first of the pair does better. Its interval is the
distribution-free one of a median, between two order statistics (the sign test turned round; Conover, Practical
Nonparametric Statistics, 3.2), since single rounds have outliers that no mean and no normal curve survives.

The *noise floor* of a metric is the largest ratio, either way, that two runs of the same program might still have
in this very run: the far end of the interval of the program measured against itself. A difference below it, or
below the reach of its own interval, is none that this run can tell.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_CONFIDENCE = 0.95


class Better(StrEnum):
    LESS = "less"
    MORE = "more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of one figure over all rounds."""

    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Of a pair of sides. ``low`` to ``high``: the interval of the median."""

    minimum: float
    low: float
    median: float
    high: float
    maximum: float

    @property
    def reach(self) -> float:
        """How far the median may be from the truth, as a share: 0.02 is 2 %."""
        return max(self.high / self.median, self.median / self.low) - 1


class Judgement(StrEnum):
    """Of a ratio against a value: 1 to ask which is better, a goal to ask whether it is met."""

    ABOVE = "above"
    BELOW = "below"
    UNTOLD = "untold"  # the noise is larger than the difference


def spread(figures: Sequence[float]) -> Spread:
    return Spread(minimum=min(figures), median=statistics.median(figures), maximum=max(figures))


def ratio(ours: Sequence[float], theirs: Sequence[float], better: Better) -> Ratio:
    """By how much ours is better, round by round; figures must be above 0 and of the same rounds."""
    pairs = zip(ours, theirs, strict=True)
    found = sorted(a / b if better is Better.MORE else b / a for a, b in pairs)
    first, last = interval(len(found))
    return Ratio(
        minimum=found[0],
        low=found[first],
        median=statistics.median(found),
        high=found[last],
        maximum=found[-1],
    )


def interval(count: int) -> tuple[int, int]:
    """The indices of the sorted values between which their median lies with 95 %; the ends where they are too few."""
    outside, first = 0.0, 0
    for index in range(count // 2):
        outside += 2 * math.comb(count, index) / 2**count
        if outside > 1 - _CONFIDENCE:
            break
        first = index
    return first, count - 1 - first


def noise(again: Ratio) -> float:
    """The noise floor that a program measured against itself shows, as a share."""
    return max(again.high, 1 / again.low) - 1


def judge(measured: Ratio, value: float, floor: float) -> Judgement:
    """Which side of ``value`` the ratio is on; UNTOLD where it is nearer than the noise. ``floor``: as a share."""
    distance = max(measured.median / value, value / measured.median) - 1
    if distance <= max(floor, measured.reach):
        return Judgement.UNTOLD
    return Judgement.ABOVE if measured.median > value else Judgement.BELOW
