"""What is changed in the gateway's settings file: the grid follows it, or says where it does not and why."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from gridwire.control.grid import Grid
from gridwire.control.usecases.follow_settings import HostSettings
from gridwire.core.fleet import Network
from gridwire.core.names import HostName, NodeName

NETWORK = Network(prefix=ip_network("10.85.0.0/16"))
ENDPOINT = "gw.example.com:51820"


def follow(world: Any, *, endpoint: str | None = ENDPOINT, name: str = "gw", **changes: Any) -> list[str]:
    """What status says of it."""
    asked = HostSettings(
        node=NodeName(name),
        network=replace(NETWORK, **changes),
        endpoint=endpoint,
        place=lambda key: f"/etc/gridwire/gridwire.yaml:7:3({key})",
    )
    world.grid.follow(asked)
    return [finding["what"] for node, finding in world.local.get("/api/v1/status").json()["findings"] if node == "gw"]


def test_settings_that_say_what_is_make_no_revision(world: Any) -> None:
    before = world.version()
    assert follow(world) == []
    assert follow(world, endpoint=None) == []
    assert world.version() == before


def test_a_domain_is_followed_before_anybody_was_invited(world: Any) -> None:
    world.publish()
    world.route(allow=("role:client",))
    assert follow(world, suffix=HostName("home.example.com"), routes_port=8080) == []
    assert world.fleet().network.suffix == "home.example.com"
    status = world.local.get("/api/v1/status").json()
    assert status["routes"][0]["url"] == "http://api.home.example.com:8080/"
    newest = world.local.get("/api/v1/revisions").json()["items"][0]
    assert newest["reason"] == "settings changed: domain home.example.com, network.ports.routes 8080"
    assert world.local.get("/api/v1/events").json()["items"][-1]["kind"] == "settings.changed"
    # The name in full is the same route now.
    assert world.route("again", host="api.home.example.com", allow=("role:client",)).status_code == 409


def test_two_routes_that_would_become_one_leave_the_grid_as_it_was(world: Any) -> None:
    world.publish()
    world.route(allow=("role:client",))
    world.route("full", host="api.home.example.com", allow=("role:client",))
    before = world.version()
    (said,) = follow(world, suffix=HostName("home.example.com"))
    assert "api.home.example.com" in said
    assert world.version() == before
    assert world.fleet().network == NETWORK


def test_endpoint_routes_port_and_mtu_are_followed_with_nodes_there(world: Any) -> None:
    world.join("web")
    assert follow(world, endpoint="gw.example.com:51822", routes_port=8088, mtu=1380) == []
    gateway = world.node("gw")["node"]
    assert gateway["endpoint"] == "gw.example.com:51822"
    assert world.fleet().network.routes_port == 8088
    assert world.fleet().network.mtu == 1380
    assert follow(world, endpoint="gw.example.com:51822", routes_port=8088, mtu=1380) == []


@pytest.mark.parametrize(
    ("changes", "setting", "fix"),
    [
        ({"suffix": HostName("home.example.com")}, "domain", "route add --host api.home.example.com"),
        ({"api_port": 3086}, "network.ports.api", "write 2086 again"),
        ({"enrol_port": 3087}, "network.ports.enrol", "write 2087 again"),
        ({"edge_port": 3085}, "network.ports.edge", "write 2085 again"),
    ],
)
def test_what_a_token_says_is_fixed_and_told_with_its_place(
    changes: dict[str, Any], setting: str, fix: str, world: Any
) -> None:
    world.invite("web")
    before = world.version()
    (said,) = follow(world, endpoint="gw.example.com:51999", **changes)
    assert said.startswith(f"/etc/gridwire/gridwire.yaml:7:3({setting})")
    assert "web" in said
    ((_, finding),) = world.local.get("/api/v1/status").json()["findings"]
    assert finding["severity"] == "warning"
    assert fix in finding["fix"]
    assert world.version() == before  # nothing of such settings is followed, the endpoint neither
    assert follow(world) == []  # put back, it is forgotten


def test_a_device_holds_no_token_and_fixes_nothing(world: Any, make_key: Any) -> None:
    world.local.post("/api/v1/devices", json={"name": "phone", "role": "client", "public_key": make_key("phone")})
    assert follow(world, suffix=HostName("home.example.com")) == []


def test_prefix_and_interface_never_change(world: Any) -> None:
    said = follow(world, prefix=ip_network("10.99.0.0/16"), interface="gw9")
    assert len(said) == 2
    assert all("fixed at init" in what for what in said)
    assert world.fleet().network == NETWORK


def test_a_gateway_that_was_given_another_name_is_told_so_and_goes_on(world: Any) -> None:
    world.grid = Grid(world.store, gateway="other", clock=world.clock)
    world.app.state.grid = world.grid
    (said,) = follow(world, name="other")
    assert "(node.name)" in said
    assert "the grid's gateway is gw" in said


def test_a_gateway_that_joined_says_nothing_about_the_grid(world: Any) -> None:
    world.join("gw2", role="gateway", endpoint="gw2.example.com:51820")
    assert follow(world, name="gw2", endpoint=None, routes_port=81, suffix=HostName("b.example.com")) == []
    assert world.fleet().network == NETWORK
    assert follow(world, name="gw2", endpoint="gw2.example.com:51821", routes_port=81) == []
    assert world.node("gw2")["node"]["endpoint"] == "gw2.example.com:51821"
