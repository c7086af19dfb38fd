"""Lab hosts that have a Docker engine each, with gridwire's image on it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from gridwire.lab import resolver
from gridwire.lab.compose import V1
from gridwire.lab.engine import Engine, missing
from gridwire.lab.topology import ROUTER, Lab, Link, Place, build

from .grid import Grid
from .prepare import IMAGE, V2
from .site import Site

PROGRAMS = {"v1": V1, "v2": str(V2)}
STREET = Link(name="street", prefix=IPv4Network("192.0.2.0/24"))


@pytest.fixture(params=PROGRAMS, scope="module")
def program(request: pytest.FixtureRequest) -> str:
    """docker-compose, both of them."""
    path = PROGRAMS[request.param]
    if not Path(path).exists():
        pytest.skip(f"there is no Compose {request.param} ({path}); `make test-compose` says why")
    return path


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    if why := missing():
        pytest.skip(why)
    if not IMAGE.exists():
        pytest.skip("make test-compose builds the image first")
    names = ("gateway", "home-1", "phone")
    made = build((STREET,), tuple(Place(host=name, link="street", number=10 + n) for n, name in enumerate(names)))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def nameserver(lab: Lab) -> Iterator[str]:
    """The address of a DNS server on the street, which knows no name."""
    address = str(STREET.prefix[1])
    running = lab.host(ROUTER).start([sys.executable, "-I", "-S", resolver.__file__, address])
    assert running.stdout is not None
    assert running.stdout.readline().strip() == "ready"
    yield address
    running.kill()
    running.communicate()


@pytest.fixture(scope="module")
def engine_on(lab: Lab, nameserver: str) -> Iterator[Callable[[str], Engine]]:
    """A started engine with the image, by the name of its host; the same for the same host."""
    with ExitStack() as stack:
        made: dict[str, Engine] = {}

        def engine(name: str) -> Engine:
            if name not in made:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"gridwire-docker-{name}-")))
                made[name] = Engine(folder, lab.host(name), ("--dns", nameserver))
                made[name].start()
                stack.callback(made[name].stop)
                made[name].docker("load", "-q", "-i", str(IMAGE), timeout=300)
            return made[name]

        yield engine


@pytest.fixture(scope="module")
def bare(lab: Lab, engine_on: Callable[[str], Engine], program: str, tmp_path_factory: pytest.TempPathFactory) -> Grid:
    sites = []
    for name in ("gateway", "home-1"):
        host = lab.host(name)
        config = tmp_path_factory.mktemp(f"docker-{name}")
        sites.append(Site(host=host, engine=engine_on(name), program=program, config=config))
        hosts = host.root / "etc/hosts"
        hosts.write_text(f"127.0.0.1 localhost {name}\n{lab.address('gateway')} gw.example.com\n")
    return Grid(*sites)
