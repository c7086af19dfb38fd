"""Who is cut off, or falls silent: shown at once, and true in requests of its own."""

from __future__ import annotations

import time

import pytest
from tests.e2e.truth import PHOTOS
from tests.e2e.walks import NEW, TABLET, Browser, Walked

from gridwire.lab.asking import Asking
from gridwire.lab.grid import GATEWAY, ROUTE_HOST
from gridwire.lab.processes import gone, kill, processes
from gridwire.lab.topology import ROUTER
from gridwire.lab.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_node_is_revoked_by_its_typed_name_and_reaches_nothing(operator: Browser) -> None:
    grid = operator.grid
    grid.join(TABLET.host, grid.invite(TABLET.host, "client"))
    with Asking(grid.host(TABLET.host), grid.mesh[GATEWAY]) as asking:
        until(lambda: asking.status(ROUTE_HOST, "/") == 200, "the tablet to be served", timeout=20)
        walked = operator.walk("revoke", node=TABLET.host)
        assert walked.wrong == []
        assert asking.status(ROUTE_HOST, "/") == 0
    assert walked.figures["preview"]["Cut at once"] == [f"{TABLET.host}: the tunnel, and all that goes through it"]
    losses = walked.figures["preview"]["Can no longer open"]
    assert any(line.startswith(TABLET.host) and ROUTE_HOST in line for line in losses)


def test_an_edge_that_dies_is_shown_at_once_and_what_is_behind_it_is_unknown(operator: Browser, photos: Walked) -> None:
    assert photos.wrong == []
    grid = operator.grid
    edge, router = grid.host(NEW.host), grid.host(ROUTER)

    def die(_: None) -> float:
        """All of gridwire there at once, and the cable; the moment, in ms since 1970."""
        victims = tuple(one for one in processes(edge) if one.program)
        died = time.time()
        router.run(["ip", "link", "set", f"p-{NEW.host}", "down"])
        kill(victims)
        until(gone(victims), "the edge's processes to die", timeout=3, every=0.005)
        return died * 1000

    def come_back(_: None) -> None:
        router.run(["ip", "link", "set", f"p-{NEW.host}", "up"])
        grid.up(NEW.host)

    walked = operator.walk(
        "death", {"it dies": die, "it comes back": come_back}, edge=NEW.host, service=PHOTOS, looks=8
    )
    print(walked.figures)
    assert walked.wrong == []
