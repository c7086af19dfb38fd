"""What operators do in the panel, and what then really happens: edges that join, routes that open, weights that count.

Each journey is walked in a browser on the operator's device; whether it was true is asked of the hosts, in requests
and sockets of their own. Journeys build on each other: what one adds is what the next one edits.
"""

from __future__ import annotations

import re

import pytest
from tests.e2e.truth import DEVICES, PHOTOS, Sockets, newest, served, settled, sockets, statuses
from tests.e2e.walks import NEW, Browser, Walked

from gridwire.adapters.control_api import calls
from gridwire.lab.grid import CLIENT, EDGES, GATEWAY, GUEST, OPERATOR, SERVICE, Grid
from gridwire.lab.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
WEIGHTS = {EDGES[0]: 3, EDGES[1]: 1, EDGES[2]: 0}
ASKED = 120  # requests: with 3 to 1 they are shared out as 90 and 30


def opened(plan: dict[str, list[str]]) -> Sockets:
    """The sockets that a preview says will open; it may speak of none that close."""
    found = [re.fullmatch(r"opens (\S+) (\S+)/tcp \(\w+\)", line) for line in plan.get("Listeners", [])]
    assert all(found), plan
    return {(one[1], one[2]) for one in found if one is not None}


def crowd(grid: Grid, lines: list[str]) -> dict[str, set[str]]:
    """A preview's lines of who and where → the names of nodes by place."""
    with grid.api() as api:
        active = [view.node for view in api.send(calls.nodes()).body.items if view.node.state == "active"]
    found: dict[str, set[str]] = {}
    for line in lines:
        who, _, places = line.partition(": ")
        names = set()
        for one in re.split(r", | and ", who):
            role = re.fullmatch(r"role:(\w+) \(\d+\)", one)
            names |= {node.name for node in active if node.role == role[1]} if role else {one}
        for place in places.split(", "):
            found.setdefault(place, set()).update(names)
    return found


@pytest.fixture(scope="session")
def weighted(operator: Browser) -> Walked:
    """Weights by sliders. ``figures`` has the revision of before."""
    number = newest(operator.grid)
    walked = operator.walk("weights", service=SERVICE, weights=WEIGHTS)
    walked.figures["revision"] = number
    return walked


def test_an_edge_joins_by_what_the_page_prints_and_each_step_is_shown_from_both_ends(
    operator: Browser, added: Walked
) -> None:
    assert added.wrong == []
    grid = operator.grid
    shown = opened({"Listeners": added.figures["listeners"]})
    assert shown
    new = until(lambda: sockets(grid) - added.figures["before"], "the new edge's listener", timeout=20)
    assert new == shown


def test_a_service_and_its_route_do_what_their_previews_said(operator: Browser, photos: Walked) -> None:
    assert photos.wrong == []
    grid, figures = operator.grid, photos.figures
    assert figures["service"]["Endpoints"] == [f"{PHOTOS}: 0 → 1, {NEW.host} begins"]
    after = statuses(grid)
    gained = served(after) - served(figures["before"])
    assert gained == {CLIENT, GUEST}
    assert crowd(grid, figures["route"]["Can open from then on"]) == {f"{PHOTOS}.grid": gained}
    assert "Can no longer open" not in figures["route"]
    assert set(grid.answers(host=f"{PHOTOS}.grid")) == {NEW.host}
    listening_now = sockets(grid) - figures["sockets"]
    assert opened(figures["service"]) | opened(figures["route"]) == listening_now == set()


def test_of_two_who_edit_a_route_the_second_sees_both_versions(operator: Browser, photos: Walked) -> None:
    assert photos.wrong == []
    grid, place = operator.grid, f"{PHOTOS}.grid"

    def faster(allow: list[str]) -> None:
        options = [word for selector in allow for word in ("--allow", selector)]
        grid.command(GATEWAY, "route", "add", "--name", PHOTOS, "--host", PHOTOS, "--to", PHOTOS, *options)

    walked = operator.walk("edit", {"statuses": lambda _: statuses(grid), "somebody is faster": faster}, route=PHOTOS)
    figures = walked.figures
    assert walked.wrong == []
    alone, over = figures["alone"], figures["mine over theirs"]
    assert crowd(grid, alone["Can no longer open"]) == {place: {CLIENT, GUEST}}
    assert crowd(grid, alone["Can open from then on"]) == {place: {OPERATOR}} == {place: served(figures["after alone"])}
    assert figures["conflict"] == ["−before: allow: node:guest", "+after: allow: node:phone"]
    assert crowd(grid, over["Can no longer open"]) == {place: {GUEST}}
    assert crowd(grid, over["Can open from then on"]) == {place: {CLIENT}} == {place: served(figures["after mine"])}
    assert served(figures["after theirs"]) == set(DEVICES)


def test_weights_that_sliders_set_share_out_real_requests(operator: Browser, weighted: Walked) -> None:
    assert weighted.wrong == []
    settled(operator.grid)
    answers = operator.grid.answers(requests=ASKED)
    print(dict(answers))
    assert answers.total() == ASKED
    assert answers[EDGES[2]] == 0
    assert 0.65 <= answers[EDGES[0]] / ASKED <= 0.85
    assert any(EDGES[2] in line for line in weighted.figures["preview"]["Endpoints"])


def test_a_rollback_shows_its_plan_and_brings_the_old_shares_back(operator: Browser, weighted: Walked) -> None:
    assert weighted.wrong == []
    grid = operator.grid
    walked = operator.walk("rollback", {"revision": lambda _: newest(grid)}, number=weighted.figures["revision"])
    assert walked.wrong == []
    assert any(EDGES[2] in line for line in walked.figures["plan"]["Endpoints"])
    settled(grid)
    answers = grid.answers(requests=ASKED)
    print(dict(answers))
    assert answers.total() == ASKED
    assert all(0.25 <= answers[edge] / ASKED <= 0.42 for edge in EDGES)
