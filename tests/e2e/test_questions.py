"""What each page answers at three in the morning, without a click, in a grid where that very thing is broken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.broken import PLACES, build_broken, found_grid

from gridwire.lab.grid import LINKS, OPERATOR, Grid
from gridwire.lab.topology import build

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]

LONG = r"\d+ (s|min)"
LOST = r"(no connection within \d+ ms|its tunnel is down)"  # the first as soon as checks say so, the second in minutes
# Of each page, what a person asks, and the words of the answer; each stands whole on the page, wide and narrow.
PAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "/": {
        "Are users failing now?": (r"Failing: \d of \d routes", "not reached", "some endpoints fail"),
        "At which hop?": ("^home-1$", rf"{LOST}\.", r"Answered 500, not 200\."),
        "What changed just before?": (rf"Changed {LONG}.* before: revision \d+ by root",),
        "What needs somebody?": ("certificate .*ends", "agent does not report"),
    },
    "/nodes": {
        "Who is silent, and since when?": ("no answer|tunnel down", "agent silent", rf"^({LONG}) ago$"),
        "Tunnel, agent or host?": ("host or its way: (no connection|both silent)", "agent: silent, the tunnel stands"),
        "What do users lose?": ("^(users lose )?photos$", "^(users lose )?git$"),
    },
    "/services": {
        "How many endpoints serve?": ("^2 of 3$", "^0 of 1$", "^2 of 2$"),
        "Which check failed, with what answer, how long ago?": (
            rf"nas down for {LONG}.*, HTTP /healthz: answered 500, not 200",
            rf"home-1 unknown for {LONG}.*: {LOST}",
        ),
    },
    "/routes": {
        "Does it work for me?": ("works", "fails", "refused"),
        "Why not?": (rf"home-1 unknown for {LONG}.*: {LOST}", "Refused: it is open to policy:family"),
    },
    "/policies": {
        "Who can open this?": ("payroll.grid/", "opened by phone", "opened by laptop and phone"),
        "Why was X refused?": (r"laptop is refused: it allows tag:owner=ann \(by policy family\)",),
    },
    "/perimeter": {
        "Is anything reachable?": (r"\d public sockets? a node, \d+ findings?", r"0\.0\.0\.0:8080/tcp"),
        "Proved when, from where?": (r"read back \d+ s ago", "not everywhere: a node did not tell"),
        "What mends it?": ("listens on this node's mesh address", "Give the application 127.0.0.1 as its host"),
    },
    "/traffic": {
        "Errors where?": ("shop at 1 of 2 endpoints: office 100 %, by the application",),
        "Since when?": (rf"errors go on ?, since {LONG} ago, the last (now|\d+ s ago)",),
        "One endpoint or all?": (r"photos .*found no endpoint to ask|photos at its only endpoint",),
    },
    "/revisions": {
        "What changed last, by whom?": (r"Last change: revision \d+", rf"root, {LONG} ago", "route tv"),
        "Is it safe to undo?": ("nobody loses by it, and somebody gains a route|safe: nobody loses",),
    },
    "/events": {
        "Is the chain whole?": (r"chain whole, lines 1 to \d+, checked in this browser",),
        "What preceded the first error?": ("First trouble of the last day, and what preceded it", "session refused"),
        "Person or machine?": ("a person", "a machine"),
    },
    "/settings": {
        "Who can log in?": ("may change", r"ada \(you\)", "From 1 device of role operator: laptop"),
        "What expires?": ("4 days left", r"certificate .*home\.example\.com on gateway"),
        "Last tested backup?": ("makes no backups yet",),
    },
}


def _asked(pages: dict[str, dict[str, tuple[str, ...]]]) -> list[dict[str, Any]]:
    return [
        {
            "path": path,
            "name": path.strip("/").replace("/", "-") or "overview",
            "questions": [{"ask": ask, "says": says} for ask, says in questions.items()],
        }
        for path, questions in pages.items()
    ]


def _keep(grid: Grid, kind: str = "") -> None:
    """PICTURES: a directory outside that gets what was seen."""
    if wanted := os.environ.get("PICTURES"):
        for picture in (grid.host(OPERATOR).root / "run/pictures").glob("*.png"):
            Path(wanted, f"question-{kind}{picture.name}").write_bytes(picture.read_bytes())


@pytest.fixture(scope="module")
def broken(browse: Any) -> Iterator[Any]:
    grid = build_broken(lambda _: None)
    try:
        yield browse(grid)
    finally:
        grid.close()


@pytest.fixture(scope="module")
def bare(browse: Any) -> Iterator[Any]:
    """A gateway and the operator's laptop: as far as a person comes before the panel is there."""
    grid = Grid(lab=build(LINKS, PLACES[:2]))
    try:
        found_grid(grid)
        yield browse(grid)
    finally:
        grid.close()


def test_each_page_answers_its_questions_without_a_click(broken: Any) -> None:
    walked = broken.walk("questions", pages=_asked(PAGES), pictures="/run/pictures", link=broken.link, wrongly=True)
    _keep(broken.grid)
    assert not walked.wrong, "\n".join(walked.wrong)


def test_the_first_run_says_which_step_and_whom_it_waits_for_and_is_resumed(bare: Any) -> None:
    """Two browsers: the second knows nothing of the first, and stands where the grid does."""
    first = {
        "/": {"What do I do first?": ("The gateway stands. Three steps to the first route",)},
        "/start": {
            "Which step?": ("2 of 5 steps done", "Add the first edge"),
            "Does it wait for me or for it?": ("^waits for you$", "gridwire invite home-1 --role edge"),
            "Can I resume?": ("You can leave and come back",),
        },
    }
    walked = bare.walk("questions", pages=_asked(first), pictures="/run/pictures", link=bare.link)
    _keep(bare.grid, "first-")
    assert walked.wrong == []
    bare.grid.invite("home-1", "edge")
    (left,) = _asked(
        {"/start": {"Which step?": ("waits for you, at home-1", "home-1 is invited", "2 of 5 steps done")}}
    )
    walked = bare.walk("questions", pages=[{**left, "name": "start-resumed"}], pictures="/run/pictures")
    _keep(bare.grid, "first-")
    assert walked.wrong == []
