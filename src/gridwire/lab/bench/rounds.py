"""Measure the sides of a scenario in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gridwire.core.errors import Unavailable
from gridwire.lab.bench.machine import machine
from gridwire.lab.bench.scenario import Case, MeasuredCase, MeasuredSide, Reading, Result, Scenario, Side, Wanted


def run(scenario: Scenario, wanted: Wanted, say: Callable[[str], None], *, now: datetime) -> Result:
    """Prepare, warm up, measure every round, take everything away; raise GridwireError where something broke."""
    seen = machine()  # before anything of ours runs
    with scenario.prepare(wanted, say) as prepared:
        cases = tuple(_measured(case, wanted, say) for case in prepared.cases)
        return Result(
            scenario=scenario.id,
            title=scenario.title,
            taken=now,
            machine=seen,
            programs=dict(prepared.programs),
            conditions=prepared.conditions,
            rounds=wanted.rounds,
            seconds=wanted.seconds,
            planted=wanted.planted,
            cases=cases,
        )


def in_turn(sides: Sequence[Side], number: int) -> tuple[Side, ...]:
    """The order of a round: everybody comes first once, and the way round changes, so that nobody always follows the
    same one, whose caches and clock he would inherit."""
    first = number % len(sides)
    turned = (*sides[first:], *sides[:first])
    return turned[::-1] if number // len(sides) % 2 else turned


def _measured(case: Case, wanted: Wanted, say: Callable[[str], None]) -> MeasuredCase:
    if case.again is not None:
        say(f"{case.title}: warming up")
        for side in case.sides:
            side.measure(min(wanted.seconds, 1.0))  # JIT, caches, kept-alive connections
    found: dict[str, list[Reading]] = {side.id: [] for side in case.sides}
    for number in range(wanted.rounds):
        say(f"{case.title}: round {number + 1} of {wanted.rounds}")
        for side in in_turn(case.sides, number):
            found[side.id].append(_reading(side, wanted.seconds))
    return MeasuredCase(
        id=case.id,
        title=case.title,
        reference=case.reference,
        again=case.again,
        metrics=case.metrics,
        sides=tuple(
            MeasuredSide(id=side.id, title=side.title, readings=_by_metric(case, found[side.id])) for side in case.sides
        ),
        goals=case.goals,
        limits=case.limits,
        note=case.note,
    )


def _reading(side: Side, seconds: float) -> Reading:
    try:
        return side.measure(seconds)
    except Unavailable as error:
        raise Unavailable(f"{side.title}: {error.what}", fix=error.fix) from None


def _by_metric(case: Case, readings: Sequence[Reading]) -> dict[str, tuple[float, ...]]:
    return {
        metric: tuple(round(reading[metric], 6) for reading in readings)
        for metric in case.metrics
        if all(metric in reading for reading in readings)
    }
