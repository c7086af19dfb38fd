"""docs/reference/perimeter.md names every finding, state and reach, as it is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gridwire.core.exposure import Realm
from gridwire.core.perimeter_verdict import BY_ID, KINDS, GuardState

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/perimeter.md").read_text()
CODE = "".join(
    path.read_text()
    for name in ("core/perimeter_verdict.py", "core/doctor/listeners.py", "agent/guard.py")
    for path in [ROOT / "src/gridwire" / name]
)


def test_the_page_is_the_list_of_findings() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (\w+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(kind.id, str(kind.severity), kind.where, kind.meaning) for kind in KINDS]
    assert len(BY_ID) == len(KINDS)


def test_the_page_is_the_list_of_states_and_of_realms() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \| [^|]+ \|$", PAGE, re.MULTILINE)
    assert rows == [*map(str, Realm), *map(str, GuardState)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_each_is_found_by_the_code(kind: object) -> None:
    name = kind.id  # type: ignore[attr-defined]
    assert re.search(rf'(found|_found)\(\s*"{name}"|id="{name}",\s*severity=Severity', CODE), name
