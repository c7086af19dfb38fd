"""An nginx that does not answer says nothing of what it has under way."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gridwire.core.errors import NotFinished
from gridwire.lab.changes import Changes


def changes(root: Path) -> Changes:
    grid: Any = SimpleNamespace(api=lambda: None, gateway=SimpleNamespace(root=root))
    return Changes(grid)


def test_without_a_door_nothing_is_known_to_be_in_flight(tmp_path: Path) -> None:
    assert changes(tmp_path).in_flight("ingest", "edge-1") is None


def test_without_a_door_an_endpoint_is_not_idle(tmp_path: Path) -> None:
    with pytest.raises(NotFinished, match="requests on edge-1 to end"):
        changes(tmp_path).idle("ingest", "edge-1", timeout=0.4)


def test_a_zero_counts_once_it_has_stood_longer_than_nginx_takes_to_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([0, 0, 3, 1])
    seen = changes(tmp_path)
    monkeypatch.setattr(seen, "in_flight", lambda *_: next(counts, 0))
    start = time.monotonic()

    seen.idle("ingest", "edge-1", timeout=5)

    assert next(counts, None) is None
    assert time.monotonic() - start > 0.25
