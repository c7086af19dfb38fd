"""What `make test-compose` runs on: gridwire's image as a file, and Compose v2 built from its Go module.

    python tests/compose/prepare.py

Once, some minutes; kept in $GRIDWIRE_CACHE/compose. What cannot be had here is named, and its tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gridwire.lab.engine import DOCKER, Engine, missing

CACHE = Path(os.environ.get("GRIDWIRE_CACHE", Path.home() / ".cache/gridwire")) / "compose"
IMAGE = CACHE / "gridwire.tar"
MODULE = "github.com/docker/compose/v2"
VERSION = "v2.40.3"
V2 = CACHE / f"docker-compose-{VERSION}"
REPOSITORY = Path(__file__).parents[2]


def main() -> int:
    CACHE.mkdir(parents=True, exist_ok=True)
    if why := missing():
        print(f"compose: {why}: skipped")
        return 0
    build_image()
    build_v2()
    return 0


def build_image() -> None:
    """By packaging/images.sh, on an engine that has no network of its own."""
    engine = Engine(CACHE / "engine")
    engine.start()
    try:
        environment = {"DOCKER": DOCKER, "NETWORK": "host"}
        script = str(REPOSITORY / "packaging/images.sh")
        print(engine.client([script, sys.executable], env=environment, timeout=1800).stdout.strip())
        made = engine.docker("image", "inspect", "--format", "{{.Id}}", "gridwire").strip()
        stamp = IMAGE.with_suffix(".id")
        if not IMAGE.exists() or not stamp.exists() or stamp.read_text() != made:
            engine.docker("save", "-o", str(IMAGE), "gridwire", timeout=300)
            stamp.write_text(made)
            engine.docker("image", "prune", "--force")
    finally:
        engine.stop()


def build_v2() -> None:
    if V2.exists():
        print(f"compose: {V2}")
        return
    if shutil.which("go") is None:
        print("compose: Go is not installed, so Compose v2 is not built: its tests are skipped")
        return
    print(f"compose: building {MODULE} {VERSION}, some minutes")
    told = subprocess.run(["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"], capture_output=True, check=True)
    with tempfile.TemporaryDirectory(prefix="gridwire-compose-") as folder:
        # A copy that may be written to: `go install` refuses a module whose go.mod has exclude lines.
        source = Path(folder) / "source"
        shutil.copytree(json.loads(told.stdout)["Dir"], source, copy_function=shutil.copyfile)
        for path in (source, *source.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        flags = f"-s -w -X {MODULE}/internal.Version={VERSION}"
        made = Path(folder) / "docker-compose"
        argv = ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(made), "./cmd"]
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
        subprocess.run(argv, cwd=source, check=True, env=environment)
        shutil.move(made, V2)


if __name__ == "__main__":
    sys.exit(main())
