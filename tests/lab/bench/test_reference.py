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


@pytest.mark.parametrize("scenario", [one.id for one in SCENARIOS])
def test_the_page_shows_what_was_kept(scenario: str) -> None:
    page = PAGE.read_text()
    assert markdown(results.read(KEPT / f"{scenario}.json")).strip() in page
    picture = KEPT / f"{scenario}.svg"
    assert picture.exists()
    assert f"](../../{picture.relative_to(REPOSITORY)})" in page
