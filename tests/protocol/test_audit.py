"""A chain that both sides, Python here and the panel's own check, take for whole or broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from gridwire.protocol.audit import Event, broken_at


class _Case(BaseModel):
    about: str
    events: tuple[Event, ...]


CHAIN = _Case.model_validate_json(
    (Path(__file__).parents[1] / "cases" / "audit" / "chain.json").read_text(), strict=False
).events


def test_the_case_is_whole_and_has_what_is_hard_to_write_alike() -> None:
    assert broken_at(CHAIN) is None
    assert any(not line.detail.isascii() for line in CHAIN)
    assert any(line.at.microsecond for line in CHAIN)


@pytest.mark.parametrize("field", ["actor", "kind", "subject", "detail"])
def test_a_line_that_was_altered_breaks_it(field: str) -> None:
    altered = Event(**{name: getattr(CHAIN[3], name) for name in Event.__slots__} | {field: "another"})
    assert broken_at((*CHAIN[:3], altered, *CHAIN[4:])) == 4
