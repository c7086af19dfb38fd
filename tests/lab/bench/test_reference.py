"""docs/reference/benchmarks.md shows the results that are kept, as `gridwire bench report --markdown` prints them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridwire.lab.bench import results
from gridwire.lab.bench.report import markdown
from gridwire.lab.bench.scenarios import SCENARIOS

REPOSITORY = Path(__file__).parents[3]
KEPT = REPOSITORY / "bench/results"
PAGE = REPOSITORY / "docs/reference/benchmarks.md"


def test_the_page_names_every_scenario() -> None:
    page = PAGE.read_text()
    assert [one.id for one in SCENARIOS if f"`{one.id}`" not in page] == []


@pytest.mark.parametrize("kept", sorted(KEPT.glob("*.json")), ids=lambda kept: kept.stem)
def test_the_page_shows_what_was_kept(kept: Path) -> None:
    page = PAGE.read_text()
    assert markdown(results.read(kept)).strip() in page
    picture = kept.with_suffix(".svg")
    assert picture.exists()
    assert f"](../../{picture.relative_to(REPOSITORY)})" in page
