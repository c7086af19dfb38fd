"""Two machines, installed by the commands of the guide."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from grid import Grid
from machine import ROOT, Machine

REPOSITORY = Path(__file__).parents[2]
_OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/opt/wheels /opt/gridwire-wheel"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(argv, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Iterator[Grid]:
    """Two bare machines, booted, connected; the guide's first section has been executed on them."""
    if not ROOT.is_dir():
        pytest.skip("make test-systemd builds the root file system first")
    folder = tmp_path_factory.mktemp("machines")
    grid = Grid(*(Machine(name, folder / name, _OFFLINE) for name in ("gateway", "home-1")))
    machines = (grid.gateway, grid.edge)
    try:
        for machine in machines:
            for path, content in (
                ("etc/hostname", f"{machine.name}\n".encode()),
                ("etc/hosts", b"127.0.0.1 localhost\n192.0.2.1 gw.example.com\n"),
                (f"opt/gridwire-wheel/{wheel.name}", wheel.read_bytes()),
            ):
                place = machine.disk / path
                place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
                place.write_bytes(content)
                place.chmod(0o644)
            machine.boot()
        grid.connect()
        for machine in machines:
            assert machine.settle() == "running"
        grid.section_on_each("Install the program")
        yield grid
    finally:
        for machine in machines:
            machine.off()
