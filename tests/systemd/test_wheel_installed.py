"""The wheel on a bare Debian, built there by uv and installed in each way that users install programs; no checkout."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import ROOT, Machine

pytestmark = [pytest.mark.systemd, pytest.mark.slow, pytest.mark.timeout(900)]

REPOSITORY = Path(__file__).parents[2]
_FOLDERS = ("/opt/wheels", "/opt/gridwire-wheel")
_OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": " ".join(_FOLDERS),
    "UV_FIND_LINKS": ",".join(_FOLDERS),
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_TOOL_DIR": "/opt/uv",
    "UV_TOOL_BIN_DIR": "/usr/local/bin",
}
# Each leaves `gridwire` on PATH, and then nothing.
_WAYS = {
    "venv": (
        "python3 -m venv /opt/gridwire && /opt/gridwire/bin/pip install -q gridwire"
        " && ln -s /opt/gridwire/bin/gridwire /usr/local/bin/gridwire",
        "rm -rf /opt/gridwire /usr/local/bin/gridwire",
    ),
    "pipx": (
        "/opt/tools/bin/pipx install --global --pip-args=--no-index gridwire",
        "/opt/tools/bin/pipx uninstall --global gridwire",
    ),
    "uv": ("/opt/tools/bin/uv tool install -q --no-index gridwire", "/opt/tools/bin/uv tool uninstall -q gridwire"),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with the wheel that uv built on it, from a checkout that is gone again."""
    if not ROOT.is_dir():
        pytest.skip("make test-systemd builds the root file system first")
    folder = tmp_path_factory.mktemp("machines")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    subprocess.run(argv, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    machine = Machine("bench", folder / "bench", _OFFLINE)
    with tarfile.open(fileobj=io.BytesIO(next(folder.glob("*.tar.gz")).read_bytes())) as sdist:
        sdist.extractall(machine.disk / "opt/checkout", filter="data")
    machine.boot()
    try:
        machine.run("python3 -m venv /opt/tools && /opt/tools/bin/pip install -q pipx uv", seconds=300)
        machine.run("mkdir /opt/gridwire-wheel")  # uv refuses a --find-links that is not there yet
        options = "-q --no-index --python /usr/bin/python3 --out-dir /opt/gridwire-wheel"
        machine.run(f"/opt/tools/bin/uv build {options} /opt/checkout/*", seconds=300)
        machine.run("rm -r /opt/checkout")
        yield machine
    finally:
        machine.off()


@pytest.mark.parametrize("way", _WAYS)
def test_it_is_installed_and_joins_nodes(bench: Machine, way: str) -> None:
    install, uninstall = _WAYS[way]
    assert not bench.ok("command -v gridwire")
    bench.run(install, seconds=300)
    assert bench.run("gridwire --version").stdout.strip() in bench.run("ls /opt/gridwire-wheel").stdout
    demo = json.loads(bench.run("gridwire demo --only join -o json", seconds=240).stdout)
    assert [(proof["id"], proof["ok"]) for proof in demo["proofs"]] == [("join", True)], demo
    bench.run(uninstall)
    assert not bench.ok("command -v gridwire")
