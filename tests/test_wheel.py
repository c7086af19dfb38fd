"""The wheel has everything: built here, and looked into."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SOURCE = REPOSITORY / "src/gridwire"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(argv, cwd=REPOSITORY, check=True, capture_output=True, timeout=60)
    return next(folder.glob("*.whl"))


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in SOURCE.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert f"gridwire/{path.relative_to(SOURCE)}" in names
    for needed in ("lua/gridwire/match.lua", "systemd/gridwire-agent.service", "packaging/prerequisites.sh"):
        assert f"gridwire/{needed}" in names


def test_a_panel_that_was_built_is_in_the_wheel_and_is_found_there(tmp_path: Path) -> None:
    """From a checkout with a panel of two files, by way of a source distribution, as an installer without Node has."""
    checkout = tmp_path / "checkout"
    shutil.copytree(SOURCE, checkout / "src/gridwire", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore"):
        shutil.copy(REPOSITORY / name, checkout)
    shutil.copytree(REPOSITORY / "packaging", checkout / "packaging")
    static = checkout / "panel/out/_next/static"
    static.mkdir(parents=True)
    (checkout / "panel/out/index.html").write_text("<p>here</p>")
    (static / "a.js").write_text("a()")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(argv, cwd=checkout, check=True, capture_output=True, timeout=60)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        sdist.extractall(tmp_path / "unpacked", filter="data")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(argv, cwd=next((tmp_path / "unpacked").iterdir()), check=True, capture_output=True, timeout=60)
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(tmp_path / "installed")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r})\n"
        "from gridwire.adapters.nginx import find_panel\n"
        "folder = find_panel(); print(folder, sorted(path.name for path in folder.rglob('*.*')))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path}/installed/gridwire/panel ['a.js', 'index.html']\n"


def test_it_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """Unpacked as pip would, with the packages of this environment and nothing of this clone."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    for arguments, said in ((["version"], "."), (["demo", "--list"], "start-order"), (["completion", "bash"], "compl")):
        program = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
            "import gridwire; from gridwire.cli.main import run\n"
            f"assert gridwire.__file__.startswith(sys.path[0])\nsys.exit(run({arguments!r}))"
        )
        argv = [sys.executable, "-P", "-c", program]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
