"""Every record of a user's file must be acknowledged, or the spread is not proved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from gridwire.lab.grid import EDGES
from gridwire.lab.load import Report
from gridwire.lab.proofs.spread import prove


@dataclass
class Sent:
    """A grid whose load acknowledged so many records of a file of ``input_records``."""

    input_records: int
    acknowledged: int

    def load(self, **_: Any) -> Sent:
        return self

    def wait(self) -> Report:
        ids = [f"r{number}" for number in range(self.acknowledged)]
        return Report(sent=30, shares=dict.fromkeys(EDGES, 10), acknowledged=ids)

    def stored(self) -> tuple[dict[str, int], ...]:
        return ({f"r{number}": 1 for number in range(self.acknowledged)},)


@pytest.mark.parametrize(
    ("given", "acknowledged", "ok"), [(250, 250, True), (250, 249, False), (0, 300, True), (0, 0, False)]
)
def test_records_of_the_file_are_counted(given: int, acknowledged: int, ok: bool) -> None:
    assert prove(Sent(given, acknowledged)).ok is ok  # type: ignore[arg-type]  # all of a grid that it uses
