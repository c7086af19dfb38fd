"""Results as a run would have given them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from gridwire.lab.bench.scenario import Goal, Limit, Machine, MeasuredCase, MeasuredSide, Result

Make = Callable[..., Result]


@pytest.fixture
def made() -> Make:
    """``made(slow=12.5)``: gridwire takes 10 µs, the second time 10.1, `slow` what is said."""

    def make(*, slow: float = 12.5, again: float = 10.1, goals: tuple[Goal, ...] = (), most: float = 11) -> Result:
        costs = {"gridwire": 10.0, "again": again, "slow": slow}
        sides = tuple(
            MeasuredSide(id=name, title=name.title(), readings={"cpu_us": tuple(cost + n / 1000 for n in range(9))})
            for name, cost in costs.items()
        )
        case = MeasuredCase(
            id="one",
            title="small answers",
            reference="gridwire",
            again="again",
            metrics=("cpu_us",),
            sides=sides,
            goals=goals,
            limits=(Limit(metric="cpu_us", most=most, wanted=9),),
            note="A note.",
        )
        return Result(
            scenario="proxy",
            title="Proxies",
            taken=datetime(2026, 11, 25, 18, 0, tzinfo=UTC),
            machine=Machine(processor="Some CPU", cpus=2, memory_mb=2048, kernel="6.1.0", system="Debian", busy=0.01),
            programs={"nginx": "1.22.1"},
            conditions=("one worker each",),
            rounds=9,
            seconds=2,
            planted=0.0,
            cases=(case,),
        )

    return make
