"""What a result says: ratios with their noise, goals met or missed, and what cannot be told. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gridwire.lab.bench.comparison import Judgement, Ratio, Spread, judge, noise, ratio, spread
from gridwire.lab.bench.scenario import METRICS, Goal, Limit, MeasuredCase, MeasuredSide, Result


class Standing(StrEnum):
    MET = "met"
    MISSED = "missed"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The reference against ``side`` in one metric. ``judgement``: against 1, so whether it does better at all.

    ``goal`` and ``standing`` where something was promised; a goal nearer to the ratio than the noise is untold.
    """

    case: str
    metric: str
    side: str
    ratio: Ratio
    noise: float
    judgement: Judgement
    goal: Goal | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One side's own figure, with its limit where there is one."""

    case: str
    metric: str
    side: str
    spread: Spread
    limit: Limit | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    figures: tuple[Figure, ...]
    floors: dict[str, dict[str, float]]
    """Noise floors: by case, by metric, as a share."""
    comparisons: tuple[Comparison, ...]

    @property
    def standings(self) -> tuple[Standing, ...]:
        every = [one.standing for one in self.comparisons] + [one.standing for one in self.figures]
        return tuple(standing for standing in every if standing is not None)

    @property
    def ok(self) -> bool:
        return all(standing is Standing.MET for standing in self.standings)

    @property
    def missed(self) -> bool:
        return Standing.MISSED in self.standings


def verdict(result: Result) -> Verdict:
    floors = {case.id: _floors(case) for case in result.cases}
    return Verdict(
        figures=tuple(figure for case in result.cases for figure in _figures(case)),
        floors=floors,
        comparisons=tuple(one for case in result.cases for one in _comparisons(case, floors[case.id])),
    )


def _figures(case: MeasuredCase) -> Iterator[Figure]:
    for side in case.sides:
        for metric, readings in side.readings.items():
            limit = next((one for one in case.limits if one.metric == metric and side.id == case.reference), None)
            found = spread(readings)
            standing = None
            if limit is not None:
                standing = Standing.MET if found.median <= limit.most else Standing.MISSED
            yield Figure(case=case.id, metric=metric, side=side.id, spread=found, limit=limit, standing=standing)


def _floors(case: MeasuredCase) -> dict[str, float]:
    if case.again is None:
        return {}
    ours, again = case.side(case.reference), case.side(case.again)
    return {metric: noise(_ratio(metric, ours, again)) for metric in ours.readings if metric in again.readings}


def _ratio(metric: str, ours: MeasuredSide, theirs: MeasuredSide) -> Ratio:
    return ratio(ours.readings[metric], theirs.readings[metric], METRICS[metric].better)


def _comparisons(case: MeasuredCase, floors: dict[str, float]) -> Iterator[Comparison]:
    ours = case.side(case.reference)
    for side in case.others:
        for metric, floor in floors.items():
            if metric not in side.readings:
                continue
            found = _ratio(metric, ours, side)
            goal = next((one for one in case.goals if one.side == side.id and one.metric == metric), None)
            yield Comparison(
                case=case.id,
                metric=metric,
                side=side.id,
                ratio=found,
                noise=max(floor, found.reach),
                judgement=judge(found, 1, floor),
                goal=goal,
                standing=None if goal is None else _standing(found, goal, floor),
            )


def _standing(found: Ratio, goal: Goal, floor: float) -> Standing:
    told = judge(found, goal.least, floor)
    return {Judgement.ABOVE: Standing.MET, Judgement.BELOW: Standing.MISSED, Judgement.UNTOLD: Standing.UNTOLD}[told]
