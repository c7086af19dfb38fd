"""What the load's timeline says of an edge that died and came back."""

from __future__ import annotations

import pytest

from gridwire.lab.load import Report
from gridwire.lab.proofs.edge_death import VICTIM, Times, in_flight, seconds_back, seconds_out

OTHER = "edge-1"
TIMES = Times(died=100.0, gone=100.01, born=103.0, connections=4)

Row = tuple[float, float, str, str, int]


def report(*rows: Row) -> Report:
    return Report(timeline=list(rows))


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        pytest.param((100.4, 102.4, "POST", "", 502), 0.4, id="failed"),
        pytest.param((100.4, 101.5, "GET", OTHER, 200), 0.4, id="waited-and-was-tried-elsewhere"),
        pytest.param((100.4, 100.5, "GET", OTHER, 200), 0.0, id="answered-at-once"),
        pytest.param((103.5, 105.5, "GET", OTHER, 200), 0.0, id="of-after-its-return"),
        pytest.param((99.1, 99.9, "GET", OTHER, 200), 0.0, id="done-before-the-kill"),
    ],
)
def test_out_of_rotation_is_when_the_last_request_was_due_that_it_hurt_before_its_return(
    row: Row, seconds: float
) -> None:
    assert seconds_out(report(row), TIMES) == pytest.approx(seconds)


def test_back_is_the_first_answer_after_the_return_alone() -> None:
    seen = report((99.0, 99.1, "GET", VICTIM, 200), (104.0, 104.5, "GET", VICTIM, 200))

    assert seconds_back(seen, TIMES) == pytest.approx(1.5)
    assert seconds_back(report((104.0, 104.5, "GET", OTHER, 200)), TIMES) is None


def test_only_posts_under_way_at_the_kill_that_no_other_edge_answered_were_in_flight() -> None:
    seen = report(
        (99.9, 102.0, "POST", "", 502),
        (99.9, 100.2, "POST", OTHER, 200),
        (99.9, 100.2, "GET", "", 502),
        (99.5, 99.6, "POST", VICTIM, 200),
        (100.5, 102.5, "POST", "", 502),
    )

    assert in_flight(seen, TIMES) == 1
