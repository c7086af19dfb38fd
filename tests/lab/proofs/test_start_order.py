"""What counts as a crash of a part that was started."""

from __future__ import annotations

import pytest

from gridwire.lab.proofs.start_order import crashes_of


@pytest.mark.parametrize(
    ("statuses", "crashed"),
    [
        pytest.param({"guard": 0, "agent": None}, [], id="the-guard-has-done-its-work"),
        pytest.param({"guard": 1, "agent": None}, ["guard"], id="a-status-other-than-0"),
        pytest.param({"guard": 0, "agent": 0}, ["agent"], id="only-the-guard-ends-by-itself"),
        pytest.param({"nginx": -9}, ["nginx"], id="a-signal"),
    ],
)
def test_a_part_that_ended_has_crashed(statuses: dict[str, int | None], crashed: list[str]) -> None:
    assert crashes_of(statuses) == crashed
