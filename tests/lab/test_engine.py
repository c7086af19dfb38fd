"""Where there is no engine to be had, that is said, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridwire.core.errors import Unavailable
from gridwire.lab import engine


def test_without_docker_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "DOCKERD", str(tmp_path / "dockerd"))
    assert "apt install docker.io" in engine.missing()
    with pytest.raises(Unavailable, match="not installed"):
        engine.Engine(tmp_path / "folder").start()
    assert not (tmp_path / "folder").exists()
