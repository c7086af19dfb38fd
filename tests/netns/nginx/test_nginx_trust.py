"""Who is believed: what a client says of itself, what an application answers, who speaks to an edge."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Any

import pytest

from gridwire.core.names import NodeName
from gridwire.core.proxy import (
    Endpoint,
)
from gridwire.lab.nginx_pair import until

pytestmark = pytest.mark.netns

Grid = Any  # conftest.Grid, which has no importable name
GATEWAY = IPv4Address("10.85.0.1")
CLIENT = IPv4Address("10.85.2.1")
STRANGER = IPv4Address("10.85.2.9")
EDGES = tuple(IPv4Address(f"10.85.1.{n}") for n in (1, 2, 3))


@pytest.mark.parametrize("status", [400, 404, 413, 500, 502, 503, 504, 590, 591])
def test_an_applications_own_errors_reach_the_client_as_they_are_and_once(grid: Grid, status: int) -> None:
    answer = grid.ask("POST", "/x", "once", X_Want=str(status))
    assert answer.status == status
    assert answer.text in ("e0", "e1", "e2")  # type: ignore[attr-defined]
    assert "X-Gridwire-Reason" not in answer.headers
    assert grid.stored() == {"once": 1}


def test_who_a_client_is_is_set_and_never_inherited(grid: Grid) -> None:
    forged = "1.2.3.4"
    answer = grid.ask(
        X_Real_IP=forged,
        X_Forwarded_For=forged,
        X_Forwarded_Host=forged,
        X_Forwarded_Proto=forged,
        X_Forwarded_Port=forged,
        Forwarded=f"for={forged}",
        X_Gridwire_Peer=forged,
        X_Gridwire_Service="other",
        X_Gridwire_Role="operator",
        x_gridwire_anything=forged,
        X_Request_Id="mine",
    )
    assert answer.status == 200
    (seen,) = [head for app in grid.apps for head in app.seen]
    assert not [name for name, value in seen.items() if forged in value]
    ours = {name: value for name, value in seen.items() if name.startswith(("x-", "forwarded"))}
    assert re.fullmatch(r"[0-9a-f]{6}-[0-9]+\.[0-9]{3}-[0-9]+-[0-9]+", ours.pop("x-request-id"))
    assert ours == {
        "x-real-ip": str(CLIENT),
        "x-forwarded-for": str(CLIENT),
        "x-gridwire-peer": str(CLIENT),
        "x-forwarded-proto": "http",
        "x-forwarded-host": "api.grid",
    }
    assert seen["host"] == "api.grid"


def test_only_gateways_may_speak_to_an_edge(grid: Grid) -> None:
    answer = grid.ask(to=EDGES[0], port=2085, peer=STRANGER, X_Gridwire_Service="api", X_Gridwire_Peer=str(CLIENT))
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (403, "not-a-gateway")
    check = grid.ask(path="/.gridwire/check", to=EDGES[0], port=2085, peer=STRANGER, X_Gridwire_Service="api")
    assert check.status == 403


def test_the_gateways_check_goes_to_the_application(grid: Grid) -> None:
    def check(service: str) -> tuple[int, str | None]:
        answer = grid.ask(path="/.gridwire/check", to=EDGES[0], port=2085, peer=GATEWAY, X_Gridwire_Service=service)
        return answer.status, answer.headers.get("X-Gridwire-Reason")

    assert check("api") == (200, None)
    assert check("none") == (503, "unknown-service")
    grid.apps[0].shutdown()
    grid.apps[0].server_close()
    assert check("api") == (503, "app-unreachable")


@pytest.mark.parametrize("target", ["@retry", "@aside", "@own", "@stream", "/elsewhere"])
def test_an_application_cannot_send_a_request_elsewhere(grid: Grid, target: str) -> None:
    for status in (200, 502):
        answer = grid.ask(X_Steer=target, X_Want=str(status))
        assert (answer.status, answer.text) == (status, answer.headers["X-App"])  # type: ignore[attr-defined]
    assert len([one for app in grid.apps for one in app.seen]) == 2


@pytest.mark.parametrize("target", ["@retry", "@aside", "@own", "@stream", "/elsewhere"])
def test_an_edge_that_redirects_a_request_gets_a_page_and_no_count_is_left(grid: Grid, target: str) -> None:
    with grid.namespace.inside():
        rogue = type(grid.apps[0])("rogue", 9100)
        lying = Endpoint(node=NodeName("rogue"), address=IPv4Address("127.0.0.1"), port=9100)
    try:
        grid.route(grid.table(lying))
        answer = grid.ask(X_Steer=target)
        assert answer.status in (500, 502), answer.status
        assert answer.headers["X-Gridwire-Reason"]
        until(lambda: grid.gateway.door.state()["flight"] == {}, "no request under way")
    finally:
        rogue.shutdown()
        rogue.server_close()
