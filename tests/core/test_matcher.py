"""What becomes of a request, as a user would state it."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from gridwire.core.fleet import Balance
from gridwire.core.health import Health, HealthCheck
from gridwire.core.matcher import Decision, Malformed, decide, normal_path
from gridwire.core.names import HostName
from gridwire.core.proxy import Endpoint, Grant, Pool, RouteEntry, RoutingTable

PHONE, LAPTOP = IPv4Address("10.85.1.1"), IPv4Address("10.85.1.2")


def route(name: str, host: str, path: str = "/", *, grant: str = "all", service: str = "app") -> RouteEntry:
    return RouteEntry(name=name, host=host, path=path, grant=grant, service=service)


def pool(service: str, *endpoints: Endpoint) -> Pool:
    return Pool(
        service=service,
        balance=Balance.ROUND_ROBIN,
        retries=2,
        connect_timeout_ms=1000,
        read_timeout_ms=60_000,
        send_timeout_ms=60_000,
        health=HealthCheck(),
        endpoints=endpoints,
    )


def endpoint(node: str, *, drained: bool = False, weight: int = 1) -> Endpoint:
    return Endpoint(node=node, address=IPv4Address("10.85.2.1"), port=2085, drained=drained, weight=weight)


TABLE = RoutingTable(
    version=(1, 1),
    routes=(
        route("any", "*.grid"),
        route("any-a", "*.a.grid"),
        route("app", "app.grid"),
        route("admin", "app.grid", "/admin", grant="laptop"),
        route("deep", "app.grid", "/admin/deep/er/"),
        route("empty", "empty.grid", service="empty"),
        route("nowhere", "nowhere.grid", service="none"),
        route("closed", "closed.grid", grant="nobody"),
        route("part", "part.grid", "/only"),
    ),
    grants=(
        Grant(id="all", addresses=(PHONE, LAPTOP)),
        Grant(id="laptop", addresses=(LAPTOP,)),
        Grant(id="nobody", addresses=()),
    ),
    pools=(pool("app", endpoint("a"), endpoint("b", drained=True)), pool("empty", endpoint("a", drained=True))),
    closed=(HostName("panel.grid"),),
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("app.grid", "app"),
        ("APP.Grid:8080", "app"),
        ("app.grid.", "app"),
        ("app.grid.:80", "app"),
        ("x.grid", "any"),
        ("x.y.grid", "any"),
        ("x.a.grid", "any-a"),
        ("x.y.a.grid", "any-a"),
        ("a.grid", "any"),
    ],
)
def test_the_exact_host_wins_then_the_longest_wildcard(host: str, expected: str) -> None:
    assert decide(TABLE, host, "/", PHONE).route == expected


@pytest.mark.parametrize("host", ["panel.grid", "PANEL.grid.", "panel.grid:80"])
def test_no_wildcard_stands_for_a_host_that_is_closed(host: str) -> None:
    assert decide(TABLE, host, "/", PHONE) == Decision(404, "no-route")
    assert decide(TABLE, f"x.{host}", "/", PHONE).route == "any"


@pytest.mark.parametrize("host", ["", "grid", ".grid", "app.grid.evil", "10.85.0.1", "[fd00::1]:80", "xgrid"])
def test_an_unknown_host_is_421(host: str) -> None:
    assert decide(TABLE, host, "/", PHONE) == Decision(421, "unknown-host")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", "app"),
        ("/administrator", "app"),
        ("/admin", "admin"),
        ("/admin/", "admin"),
        ("/admin?x=/..", "admin"),
        ("/admin/deep/er", "deep"),
        ("/admin/deep/er/x", "deep"),
        ("/admin/deep/error", "admin"),
        ("/x/../y", "app"),
        ("/a%20b", "app"),
    ],
)
def test_the_longest_prefix_of_whole_segments_wins(target: str, expected: str) -> None:
    assert decide(TABLE, "app.grid", target, LAPTOP).route == expected


@pytest.mark.parametrize(
    "target",
    [
        "/%61dmin",
        "//admin",
        "/x/../admin",
        "/x/%2e%2e/admin",
        "/admin/../x",
        "/admin%2fx",
        "/%2561dmin",
        "//admin/..%2fx",
        "/./admin",
        "/admin/..%2f..%2fx/../..",
    ],
)
def test_a_spelling_that_reads_as_another_route_is_refused(target: str) -> None:
    decision = decide(TABLE, "app.grid", target, LAPTOP)
    assert decision.status == 400
    assert decision.route is None


def test_who_is_not_allowed_is_told_so_and_sees_no_endpoint() -> None:
    assert decide(TABLE, "app.grid", "/admin", PHONE).status == 403
    assert decide(TABLE, "closed.grid", "/", LAPTOP).reason == "not-allowed"
    assert decide(TABLE, "app.grid", "/", IPv4Address("10.85.0.1")).status == 403


def test_no_route_no_endpoint_no_service() -> None:
    assert decide(TABLE, "part.grid", "/other", PHONE) == Decision(404, "no-route")
    assert decide(TABLE, "app.grid", "/.gridwire/check", PHONE).status == 404
    assert decide(TABLE, "empty.grid", "/", PHONE).reason == "no-endpoint"
    assert decide(TABLE, "nowhere.grid", "/", PHONE).status == 503


def test_down_is_never_used_and_unknown_is_a_last_resort() -> None:
    assert decide(TABLE, "app.grid", "/", PHONE, {("app", "a"): Health.DOWN}).status == 503
    assert decide(TABLE, "app.grid", "/", PHONE, {("app", "a"): Health.UNKNOWN}).status == 200


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a//b///c", "/a/b/c"),
        ("/a/./b/.", "/a/b/"),
        ("/a/../b", "/b"),
        ("/a/..", "/"),
        ("/%2e/%2E%2e", None),
        ("/a%2Fb", "/a/b"),
        ("/a%3Fb%23c", "/a?b#c"),
        ("/a%252e", "/a%2e"),
        ("/a#b", "/a"),
        ("/...", "/..."),
        ("/..a/.b", "/..a/.b"),
        ("/a%", None),
        ("/a%0", None),
        ("/%zz", None),
        ("/%00", None),
        ("/..", None),
        ("a", None),
        ("*", None),
        ("http://app.grid/a/../b", "/b"),
    ],
)
def test_paths_are_read_as_nginx_reads_them(target: str, path: str | None) -> None:
    if path is None:
        with pytest.raises(Malformed):
            normal_path(target)
    else:
        assert normal_path(target) == path
