"""The panel in a real browser, through a real tunnel, from a real gateway: what an operator does and sees."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gridwire.lab.grid import EDGES, GATEWAY, OPERATOR

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
SETTINGS = ("you", "operators", "tokens", "notifications", "certificates", "network", "about")
PAGES = (
    "/",
    "/start",
    "/nodes",
    "/nodes/add",
    "/nodes/add?kind=host",
    "/nodes/add?kind=device",
    "/nodes/add?kind=computer",
    f"/nodes?name={EDGES[0]}",
    "/services",
    "/services/add",
    "/routes",
    "/routes/add",
    "/routes/try",
    "/policies",
    "/traffic",
    "/perimeter",
    "/revisions",
    "/events",
    "/settings",
    *(f"/settings?show={part}" for part in SETTINGS),
    "/nothing-is-here",
)


def test_the_link_sets_a_password_that_logs_in(operator: Any) -> None:
    again = operator.walk("used", link=operator.link)
    assert again.wrong == []


def test_an_edge_is_drained_by_keyboard_and_another_window_sees_it_at_once(operator: Any) -> None:
    assert operator.walk("drain", edge=EDGES[1]).wrong == []
    listed = operator.grid.command(GATEWAY, "node", "show", EDGES[1], "-o", "json")
    assert '"drained": true' in listed


def test_a_gateway_that_goes_and_comes_is_said_and_followed_again(operator: Any) -> None:
    grid = operator.grid
    done = {"control away": lambda _: grid.down(GATEWAY), "control back": lambda _: grid.up(GATEWAY)}
    assert operator.walk("away", done).wrong == []


def test_every_page_is_whole_in_light_and_dark_wide_and_narrow(operator: Any) -> None:
    """PICTURES: a directory outside that gets what was seen."""
    walked = operator.walk("pages", pages=PAGES, pictures="/run/pictures")
    if wanted := os.environ.get("PICTURES"):
        for picture in (operator.grid.host(OPERATOR).root / "run/pictures").glob("*.png"):
            Path(wanted, picture.name).write_bytes(picture.read_bytes())
    assert walked.wrong == []
