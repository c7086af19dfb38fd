"""What a load's report says of requests that were answered, broken, doubled or never answered."""

from __future__ import annotations

import pytest

from gridwire.lab.load import Report, Row, report
from gridwire.lab.load_run import account


def row(name: str, *, method: str = "GET", status: int = 200, edge: str = "edge-1", error: str = "") -> Row:
    records = (f"record-{name}",) if method == "POST" else ()
    return Row(id=name, method=method, due=1.0, done=1.01, status=status, edge=edge, error=error, records=records)


def test_a_request_without_an_answer_is_lost_and_its_records_are_not_acknowledged() -> None:
    seen = report([row("a"), row("b", method="POST", status=0, edge="", error="reset")], doubled=0)

    assert (seen.sent, seen.answered_once, seen.lost) == (2, 1, 1)
    assert seen.posts_failed == 1
    assert seen.idempotent_failed == 0
    assert seen.errors == {"reset": 1}
    assert seen.unacknowledged == ["record-b"]


def test_an_error_page_answers_but_acknowledges_nothing() -> None:
    seen = report([row("a", method="POST", status=502, edge="")], doubled=0)

    assert (seen.answered_once, seen.lost, seen.posts_failed) == (1, 0, 1)
    assert seen.acknowledged == []
    assert seen.shares == {}


def test_a_get_that_failed_counts_as_an_idempotent_request_lost() -> None:
    assert report([row("a", status=503), row("b", status=0)], doubled=0).idempotent_failed == 2


def test_latency_counts_from_when_a_request_was_due() -> None:
    late = Row(id="late", method="GET", due=1.0, done=3.0, status=200, edge="edge-1")

    assert report([late], doubled=0).latency_ms["max"] == pytest.approx(2000)


def test_a_report_without_requests_is_all_zero() -> None:
    seen = report([], doubled=0)

    assert (seen.sent, seen.answered_once, seen.lost, seen.latency_ms["max"]) == (0, 0, 0, 0.0)


def test_an_acknowledged_record_that_no_edge_holds_is_missing() -> None:
    books = account(Report(acknowledged=["a", "b"]), [{"a": 1}, {}])

    assert books.missing == ("b",)
    assert books.doubled == ()


@pytest.mark.parametrize(
    "stored",
    [pytest.param([{"a": 2}, {}], id="twice-on-one-edge"), pytest.param([{"a": 1}, {"a": 1}], id="once-on-two-edges")],
)
def test_a_record_stored_twice_is_doubled(stored: list[dict[str, int]]) -> None:
    assert account(Report(acknowledged=["a"]), stored).doubled == ("a",)


def test_records_of_other_loads_do_not_count() -> None:
    books = account(Report(acknowledged=["a"]), [{"a": 1, "other": 7}])

    assert (books.missing, books.doubled) == ((), ())


def test_a_record_stored_though_its_request_broke_is_counted_apart() -> None:
    books = account(Report(unacknowledged=["a", "b"]), [{"a": 1}])

    assert books.unasked == 1
    assert books.missing == ()
