"""Goals and limits: met, missed, or not to be told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gridwire.lab.bench.comparison import Judgement
from gridwire.lab.bench.scenario import Goal, Result
from gridwire.lab.bench.verdict import Standing, verdict

Make = Callable[..., Result]


@pytest.mark.parametrize(("least", "standing"), [(1.1, Standing.MET), (1.5, Standing.MISSED), (1.245, Standing.UNTOLD)])
def test_a_goal_is_met_missed_or_too_near(made: Make, least: float, standing: Standing) -> None:
    found = verdict(made(goals=(Goal(side="slow", metric="cpu_us", least=least),)))
    (one,) = found.comparisons
    assert (one.standing, one.judgement) == (standing, Judgement.ABOVE)
    assert found.ok is (standing is Standing.MET)
    assert found.missed is (standing is Standing.MISSED)


def test_the_noise_floor_is_what_a_program_shows_against_itself(made: Make) -> None:
    assert verdict(made(again=10.5)).floors["one"]["cpu_us"] == pytest.approx(0.05, rel=0.01)
    assert verdict(made(slow=10.4, again=10.5)).comparisons[0].judgement is Judgement.UNTOLD


def test_a_limit_is_asked_of_the_reference_alone(made: Make) -> None:
    found = verdict(made(most=11))
    assert [one.standing for one in found.figures] == [Standing.MET, None, None]
    assert verdict(made(most=9.9)).missed
