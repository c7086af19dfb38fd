"""What a real Docker engine does to a host, as doctor sees it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from gridwire.lab.engine import Engine, missing
from gridwire.lab.topology import Lab, Link, Place, build

pytestmark = [
    pytest.mark.netns,
    pytest.mark.timeout(240),
    pytest.mark.skipif(bool(missing()), reason=missing() or "there is an engine"),
]
GRIDWIRE = [sys.executable, "-P", "-m", "gridwire.cli.main"]
LINK = Link(name="home", prefix=IPv4Network("198.51.100.0/24"))


def image() -> bytes:
    """A tar of sleep(1) and what it is linked to: there is no registry to pull from."""
    said = subprocess.run(["ldd", "/bin/sleep"], capture_output=True, text=True, check=True).stdout
    linked = [word for word in said.split() if word.startswith("/")]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for path in ("/bin/sleep", *linked):
            tar.add(Path(path).resolve(), arcname=path.lstrip("/"))
    return buffer.getvalue()


@pytest.fixture
def lab() -> Iterator[Lab]:
    built = build((LINK,), (Place(host="box", link="home", number=5),))
    try:
        yield built
    finally:
        built.close()


@pytest.fixture
def engine(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="gridwire-docker-doctor-") as folder:
        made = Engine(Path(folder), lab.host("box"), request.param)
        made.start()
        try:
            argv = ["/usr/bin/docker", "-H", made.address, "import", "-", "sleeper"]
            subprocess.run(argv, input=image(), capture_output=True, check=True)
            yield made
        finally:
            made.stop()


def doctor(lab: Lab) -> dict[str, list[dict[str, Any]]]:
    done = lab.host("box").run([*GRIDWIRE, "doctor", "-o", "json"], timeout=60, check=False)
    assert done.returncode == 3, done.stderr
    named: dict[str, list[dict[str, Any]]] = {}
    for one in json.loads(done.stdout)["findings"]:
        named.setdefault(one["id"], []).append(one)
    return named


@pytest.mark.parametrize("engine", [(), ("--userland-proxy=false",)], ids=["proxy", "no proxy"], indirect=True)
def test_published_ports_their_proxies_and_forwarding_are_named(lab: Lab, engine: Engine) -> None:
    assert "docker-published" not in doctor(lab)
    for port in ("8080:80", "127.0.0.1:8081:80", "8082:80"):
        engine.docker("run", "-d", "-p", port, "sleeper", "/bin/sleep", "600")
    named = doctor(lab)
    published = {one["what"].split()[2]: one for one in named["docker-published"]}
    assert set(published) == {"8080/tcp", "8082/tcp"}, "what is published on 127.0.0.1 is for this host alone"
    assert "publish it as 127.0.0.1:8080" in published["8080/tcp"]["fix"]
    assert "→ 172.17.0." in published["8080/tcp"]["evidence"]
    assert "docker-forwarding" in named
    assert "routed" not in named, "that is Docker's forwarding"
    proxied = not engine.options
    assert ("docker-proxy" in named) is proxied
    held = [one for one in named.get("wildcard-listener", ()) if "docker-proxy" in one["what"]]
    assert len(held) == (2 if proxied else 0)
    assert all("publish the port as 127.0.0.1" in one["fix"] for one in held)
    assert ("route-localnet" in named) is not proxied, "without its proxy Docker opens 127.0.0.1 to its bridge"
