"""The demo's grid with the built panel on its gateway, and a browser on the operator's laptop."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from tests.e2e.truth import PHOTOS, Sockets, sockets, statuses
from tests.e2e.walks import NAME, NEW, ROOT, TABLET, Browser, Walked

from gridwire.adapters.control_api import calls
from gridwire.lab.grid import APP_PORT, GATEWAY, Grid, build_grid
from gridwire.lab.topology import ROUTER

# What the gateway answers to the new edge is lost on its way.
_LOST = f"""
table ip lost {{
  chain on_its_way {{
    type filter hook forward priority filter
    ip daddr 198.51.100.{NEW.number} udp sport 51820 drop
  }}
}}
"""


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node") or str(ROOT / ".venv" / "node" / "bin" / "node")
    assert Path(found).exists(), "there is no Node.js: make panel brings one"
    assert (ROOT / "panel" / "out" / "index.html").exists(), "the panel is not built: make panel"
    return found


@pytest.fixture(scope="session")
def browse(node: str) -> Callable[[Grid], Browser]:
    """A browser on the laptop of a grid, and an operator who has yet to open the one-time link."""

    def made(grid: Grid) -> Browser:
        added = grid.command(GATEWAY, "operator", "add", NAME)
        return Browser(grid=grid, link=added.strip().splitlines()[-1], node=node)

    return made


@pytest.fixture(scope="session")
def browser(browse: Callable[[Grid], Browser]) -> Iterator[Browser]:
    grid = build_grid(lambda _: None, besides=(NEW, TABLET))
    try:
        yield browse(grid)
    finally:
        grid.close()


@pytest.fixture(scope="session")
def operator(browser: Browser) -> Browser:
    """The browser of an operator who has a password: set by the one-time link, as a person does it."""
    walked = browser.walk("welcome", link=browser.link)
    assert walked.wrong == []
    print(walked.figures)
    return browser


@pytest.fixture(scope="session")
def added(operator: Browser) -> Walked:
    """A fourth edge, which joined by what the panel prints. ``figures`` has the sockets of before and after, too."""
    grid = operator.grid
    host, router = grid.host(NEW.host), grid.host(ROUTER)
    joining: list[Popen[str]] = []
    before: Sockets = set()

    def join(printed: dict[str, str]) -> None:
        process = host.start(["sh", "-c", printed["command"]], stdin=PIPE)
        assert process.stdin is not None
        print(printed["token"], file=process.stdin, flush=True)
        process.stdin.close()
        process.stdin = None
        joining.append(process)

    def joined(_: None) -> None:
        _, errors = joining[0].communicate(timeout=60)
        assert joining[0].returncode == 0, errors
        before.update(sockets(grid))

    grid.start_app(NEW.host)
    walked = operator.walk(
        "add",
        {
            "the gateway's answers are lost": lambda _: router.run(["nft", "-f", "-"], input_text=_LOST) and None,
            "it joins": join,
            "they arrive again": lambda _: router.run(["nft", "delete", "table", "ip", "lost"]) and None,
            "it has joined": joined,
            "it runs": lambda _: grid.up(NEW.host),
        },
        edge=NEW.host,
        reach=f"127.0.0.1:{APP_PORT}",
    )
    grid.learn_addresses()
    walked.figures["before"] = before
    return walked


@pytest.fixture(scope="session")
def photos(operator: Browser, added: Walked) -> Walked:
    """A service on the new edge and a route to it, published by the forms."""
    assert added.wrong == []
    grid = operator.grid
    before = sockets(grid)

    def services(_: None) -> list[str]:
        with grid.api() as api:
            return [str(service.name) for service in api.send(calls.services()).body.items]

    walked = operator.walk(
        "publish",
        {"services": services, "statuses": lambda _: statuses(grid)},
        service=PHOTOS,
        target=f"127.0.0.1:{APP_PORT}",
        edge=NEW.host,
    )
    walked.figures["sockets"] = before
    return walked
