"""rise and fall, and the spellings of a check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.errors import Invalid
from gridwire.core.health import Health, HealthCheck, Tally, count, parse_health


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("tcp", HealthCheck()),
        ("http:/healthz", HealthCheck(kind="http", path="/healthz")),
        ("http:/up=204", HealthCheck(kind="http", path="/up", status=204)),
        ("http:/up?probe=204", HealthCheck(kind="http", path="/up?probe=204")),
    ],
)
def test_a_check_is_spelt_as_documented(text: str, check: HealthCheck) -> None:
    assert parse_health(text) == check


@pytest.mark.parametrize("text", ["", "http", "http:", "http:healthz", "udp", "http:/a b", "http:/\n", "tcp:9000"])
def test_other_spellings_name_the_field(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_health(text)
    assert caught.value.field.startswith("health")


@pytest.mark.parametrize(
    "wrong", [{"interval_ms": 0}, {"timeout_ms": 10}, {"rise": 0}, {"fall": 101}, {"status": 99}, {"path": "healthz"}]
)
def test_a_check_outside_its_bounds_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Invalid) as caught:
        HealthCheck(**wrong)  # type: ignore[arg-type]
    assert next(iter(wrong)) in caught.value.field


def test_the_first_result_decides_at_once() -> None:
    check = HealthCheck(rise=5, fall=5)
    assert count(Tally(), check, passed=True).health is Health.UP
    assert count(Tally(Health.UNKNOWN), check, passed=False).health is Health.DOWN


@pytest.mark.parametrize(
    ("before", "results", "after"),
    [
        (Health.CHECKING, "n", Health.UNKNOWN),
        (Health.UP, "n", Health.UP),
        (Health.UP, "nn", Health.UNKNOWN),
        (Health.UP, "nf", Health.DOWN),
        (Health.UP, "fn", Health.UNKNOWN),
        (Health.UP, "npn", Health.UP),
        (Health.DOWN, "n", Health.UNKNOWN),
        (Health.DOWN, "np", Health.UP),
        (Health.UNKNOWN, "p", Health.UP),
        (Health.UNKNOWN, "f", Health.DOWN),
        (Health.UNKNOWN, "fp", Health.DOWN),
    ],
)
def test_behind_a_lost_path_a_state_is_unknown_and_the_first_result_after_it_decides(
    before: Health, results: str, after: Health
) -> None:
    """p: passed, f: failed, n: no path."""
    tally = Tally(before)
    for result in results:
        tally = count(tally, HealthCheck(rise=2, fall=2), passed=result == "p", no_path=result == "n")
    assert tally.health is after


@given(st.lists(st.booleans(), min_size=1), st.integers(1, 5), st.integers(1, 5))
def test_a_state_turns_over_only_after_so_many_results_in_a_row(results: list[bool], rise: int, fall: int) -> None:
    check = HealthCheck(rise=rise, fall=fall)
    tally = count(Tally(), check, passed=results[0])
    streak = 0
    for passed in results[1:]:
        before = tally.health
        agrees = passed == (before is Health.UP)
        streak = 0 if agrees else streak + 1
        tally = count(tally, check, passed=passed)
        turned = streak >= (fall if before is Health.UP else rise)
        assert (tally.health is not before) == turned
        if turned:
            streak = 0
