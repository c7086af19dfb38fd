"""docs/reference/doctor.md names every finding of doctor's, as it is, and no other; and each is found somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gridwire.core.doctor.kinds import BY_ID, KINDS, found

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([a-z-]+)` \| (\w+) \| (\w+) \| (.+) \|$", re.MULTILINE)


def test_the_page_is_the_list() -> None:
    rows = ROW.findall((ROOT / "docs/reference/doctor.md").read_text())
    wanted = [(k.id, str(k.severity), k.where, k.meaning + (" Against." if k.against else "")) for k in KINDS]
    assert rows == wanted


def test_each_is_listed_once_and_nothing_else_can_be_found() -> None:
    assert len(BY_ID) == len(KINDS)
    with pytest.raises(KeyError):
        found("not-listed", "what")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_each_is_found_by_the_code(kind: object) -> None:
    text = "".join(path.read_text() for path in (ROOT / "src/gridwire").rglob("doctor/*.py") if path.name != "kinds.py")
    assert f'"{kind.id}"' in text  # type: ignore[attr-defined]
