"""Each thing that no load may show makes a proof fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gridwire.lab.load import Plan, Report
from gridwire.lab.load_run import Account
from gridwire.lab.proofs.losses import losses
from gridwire.lab.proofs.proof import verdict

PLAN = Plan(address="10.85.0.1", port=80, host="api.grid", websockets=2)
GOOD = Report(sent=4, answered_once=4, shares={"edge-1": 4}, acknowledged=["a"], websockets_opened=2)
BOOKS = Account(acknowledged=1, missing=(), doubled=(), unasked=0)


def test_a_good_load_shows_none() -> None:
    assert verdict(losses(PLAN, GOOD, BOOKS)) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ran_out": True}, "the load ended before what it was to see"),
        ({"sent": 5}, "requests lost"),
        ({"answered_twice": 1}, "answered twice"),
        ({"websockets_dropped": 1}, "WebSockets dropped"),
        ({"websockets_opened": 1}, "WebSockets dropped"),
        ({"websockets_silent": 1}, "WebSockets silent at the end"),
    ],
)
def test_a_loss_of_the_load_is_named(change: dict[str, int], problem: str) -> None:
    assert verdict(losses(PLAN, replace(GOOD, **change), BOOKS)) == [problem]


@pytest.mark.parametrize(
    ("books", "problem"),
    [
        (replace(BOOKS, acknowledged=0), "no record acknowledged"),
        (replace(BOOKS, missing=("a",)), "records missing"),
        (replace(BOOKS, doubled=("a",)), "records doubled"),
    ],
)
def test_a_loss_in_the_books_is_named(books: Account, problem: str) -> None:
    assert verdict(losses(PLAN, GOOD, books)) == [problem]
