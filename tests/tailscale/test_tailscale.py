"""gridwire on a tailnet, with real tailscaled: who gets in, what is reached, and what is not."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tailnet import Tailnet

from gridwire.lab.waiting import until

pytestmark = [pytest.mark.tailscale, pytest.mark.slow, pytest.mark.timeout(300)]

PORTS = (80, 2086, 2087)


def test_a_rule_or_an_operator_lets_nodes_in(grid: Tailnet) -> None:
    nodes = grid.nodes()
    assert {nodes[name]["node"]["state"] for name in ("gw", "edge-1", "client")} == {"active"}
    assert nodes["edge-1"]["node"]["tailnet"]["tags"] == ["edge"]
    assert nodes["client"]["node"]["tailnet"]["login"].startswith("user-")
    kinds = [event["kind"] for event in json.loads(grid.gridwire("gw", "events", "-o", "json"))]
    assert kinds.count("node.joined") >= 5


def test_the_route_is_balanced_over_both_families(grid: Tailnet) -> None:
    for address in grid.addresses("gw"):
        until(
            lambda address=address: len({grid.get("client", address)[1] for _ in range(8)} - {""}) >= 2,
            f"balance over {address}",
            timeout=40,
        )


def test_nothing_listens_on_a_wildcard(grid: Tailnet) -> None:
    for name in ("gw", "edge-1"):
        assert not {place for place in grid.listeners(name) if place.startswith(("0.0.0.0", "[::]", "*"))}


def test_who_is_not_in_reaches_the_enrol_port_alone(grid: Tailnet) -> None:
    gateway, edge = grid.addresses("gw")[0], grid.addresses("edge-1")[0]
    assert grid.get("stray", gateway)[0] == 0
    assert grid.get("stray", gateway, port=2086)[0] == 0
    assert grid.get("stray", edge, port=2085)[0] == 0
    assert grid.get("stray", gateway, port=2087)[0] == 404


def test_other_services_of_a_node_are_reached_as_before(grid: Tailnet) -> None:
    """The device is not gridwire's alone: SSH over the tailnet must not end with the guard."""
    gateway = grid.addresses("gw")[0]
    argv = ["python3", "-m", "http.server", "8022", "--bind", gateway, "--directory", "/var/empty-app"]
    grid.run("gw", "mkdir", "-p", "/var/empty-app")
    service = grid.host("gw").start_logged(argv, Path("/var/log/other.log"))
    try:
        until(lambda: grid.get("stray", gateway, port=8022)[0] == 200, "another service", timeout=10)
    finally:
        service.terminate()
        service.wait(10)


def test_one_waits_for_a_yes_and_is_out_of_every_upstream_until_then(grid: Tailnet) -> None:
    said = grid.gridwire("guest", "join", "gw", "--role", "client", "-o", "json")
    assert json.loads(said)["state"] == "pending"
    assert json.loads(said)["owner"] == "tag:client"
    grid.up("guest")
    try:
        assert grid.get("guest", grid.addresses("gw")[0])[0] == 0
        grid.gridwire("gw", "node", "approve", "guest")
        until(lambda: grid.get("guest", grid.addresses("gw")[0])[0] == 200, "the guest's answer", timeout=20)
    finally:
        grid.gridwire("gw", "node", "revoke", "guest", "--yes")
        grid.down("guest")


def test_policies_name_users_and_tags_of_the_tailnet(grid: Tailnet) -> None:
    user = grid.nodes()["client"]["node"]["tailnet"]["login"]
    gateway = grid.addresses("gw")[0]
    grid.gridwire("gw", "policy", "set", "people", "--allow", f"user:{user}")
    for host, allow in (("by-user", f"user:{user}"), ("by-policy", "policy:people"), ("by-tag", "tag:edge")):
        grid.gridwire("gw", "route", "add", "--host", host, "--to", "api", "--allow", allow)
    until(lambda: grid.get("edge-1", gateway, "by-tag.grid")[0] == 200, "edge-1 by its tag", timeout=40)
    for host in ("by-user", "by-policy"):
        until(lambda host=host: grid.get("client", gateway, f"{host}.grid")[0] == 200, host, timeout=10)
        assert grid.get("edge-1", gateway, f"{host}.grid")[0] == 403
    assert grid.get("client", gateway, "by-tag.grid")[0] == 403


def test_an_edge_that_is_killed_is_out_of_rotation(grid: Tailnet) -> None:
    grid.stop_tailscaled("edge-1", kill=True)
    began = time.monotonic()
    try:
        until(lambda: "edge-1" not in grid.answering(requests=8), "edge-1 out of rotation", timeout=20)
        print(f"edge killed: out of rotation after {time.monotonic() - began:.1f} s")
        assert [grid.get("client", grid.addresses("gw")[0])[0] for _ in range(6)] == [200] * 6
    finally:
        grid.start_tailscaled("edge-1")
    until(lambda: "edge-1" in grid.answering(), "edge-1 back", timeout=40)


def test_the_mesh_never_leaves_in_clear(grid: Tailnet) -> None:
    """Without its device the gateway's requests to that edge would go to the default gateway."""
    edge = grid.addresses("edge-1")[0]
    grid.stop_tailscaled("gw", kill=True)
    try:
        before = grid.counter("gw", "leak")
        assert grid.get("gw", edge, port=2085)[0] == 0
        assert grid.counter("gw", "leak") > before
    finally:
        grid.start_tailscaled("gw")
    until(lambda: len(grid.answering()) >= 2, "the grid again", timeout=40)


def test_revoked_is_cut_at_the_gateway_though_the_tailnet_still_knows_it(grid: Tailnet) -> None:
    gateway = grid.addresses("gw")[0]
    until(lambda: "edge-4" in grid.answering(), "edge-4", timeout=20)
    said = grid.gridwire("gw", "node", "revoke", "edge-4", "--yes", "-o", "json")
    print(f"revoked: {json.loads(said)['milliseconds']} ms")
    assert "edge-4" not in grid.answering()
    assert grid.tailscale("edge-4", "ping", "--c=1", "gw").strip()  # the tailnet lets it through
    for port in PORTS:
        assert grid.get("edge-4", gateway, port=port)[0] == 0
    assert grid.get("edge-4", grid.addresses("gw")[1], port=2087)[0] == 0
    said = grid.refused("edge-4", "join", "gw", "--anew")
    assert "does not answer" in said
    assert "put out" in said
    grid.down("edge-4")
    _leaves_the_tailnet_as_it_was(grid, "edge-4")


def test_logged_out_nothing_listens_and_logged_in_elsewhere_it_is_the_same_node(grid: Tailnet) -> None:
    until(lambda: "edge-2" in grid.answering(), "edge-2", timeout=20)
    before = grid.addresses("edge-2")
    assert f"{before[0]}:2085" in grid.listeners("edge-2")
    grid.tailscale("edge-2", "logout")
    until(lambda: not _of_gridwire(grid, "edge-2"), "no listener on edge-2", timeout=15)
    assert not {place for place in grid.listeners("edge-2") if place.startswith(("0.0.0.0", "[::]", "*"))}
    grid.log_in("edge-2", "--advertise-tags=tag:edge")
    after = grid.addresses("edge-2")
    assert not set(after) & set(before)
    until(lambda: f"{after[0]}:2085" in grid.listeners("edge-2"), grid.log("edge-2"), timeout=30)
    until(lambda: "edge-2" in grid.answering(), "edge-2 at its new address", timeout=30)
    node = grid.nodes()["edge-2"]["node"]
    assert (node["address"], node["state"]) == (after[0], "active")
    assert not {place for place in grid.listeners("edge-2") if before[0] in place}


def test_the_gateway_itself_moves_and_its_nodes_follow(grid: Tailnet) -> None:
    before = grid.addresses("gw")
    grid.tailscale("gw", "logout")
    until(lambda: not _of_gridwire(grid, "gw"), "no listener on the gateway", timeout=15)
    grid.expire("gw")  # as Tailscale's own control plane does with a node that logs out
    grid.log_in("gw", "--advertise-tags=tag:gateway")
    after = grid.addresses("gw")
    assert not set(after) & set(before)
    until(lambda: f"{after[0]}:80" in grid.listeners("gw"), "the gateway's listeners", timeout=40)
    until(lambda: len(grid.answering()) >= 2, "the edges behind the gateway's new address", timeout=60)


def test_an_expired_key_is_said_and_nothing_listens(grid: Tailnet) -> None:
    until(lambda: "edge-3" in grid.answering(), "edge-3", timeout=20)
    grid.expire("edge-3")
    until(lambda: not _of_gridwire(grid, "edge-3"), "no listener on edge-3", timeout=20)
    until(lambda: "edge-3" not in grid.answering(requests=8), "edge-3 out of rotation", timeout=20)
    until(lambda: "key expired" in grid.log("edge-3"), "what is wrong, in edge-3's log", timeout=20)
    assert "--force-reauth" in grid.log("edge-3")
    said = grid.refused("edge-3", "join", "gw", "--anew")
    assert "key expired" in said


def test_a_node_gives_its_credential_to_no_other_grid(grid: Tailnet) -> None:
    before = (grid.host("edge-1").root / "var/lib/gridwire/agent/joined.json").read_text()
    assert "--anew" in grid.refused("edge-1", "join", "stray")
    assert "join from another host" in grid.refused("gw", "join", "edge-1")
    again = json.loads(grid.gridwire("edge-1", "join", "gw", "--reach", "127.0.0.1:9000", "-o", "json"))
    assert (again["node"], again["state"]) == ("edge-1", "active")
    assert (grid.host("edge-1").root / "var/lib/gridwire/agent/joined.json").read_text() == before


def test_userspace_networking_is_refused_with_the_fix(grid: Tailnet) -> None:
    grid.start_tailscaled("intruder", "--tun=userspace-networking")
    try:
        grid.tailscale("intruder", "up", "--login-server=http://192.168.77.1:8080", "--accept-dns=false")
        said = grid.refused("intruder", "join", "gw")
        assert "userspace mode" in said
        assert "TS_USERSPACE=false" in said
        assert "userspace" in grid.refused("intruder", "init", "--mesh", "tailscale", "--yes")
    finally:
        grid.tailscale("intruder", "logout", check=False)
        grid.stop_tailscaled("intruder")


def test_a_node_whose_tailscaled_turns_to_userspace_serves_nobody(grid: Tailnet) -> None:
    """Backends on 127.0.0.1 are reached past nginx then, so at least nothing of the grid leads there."""
    until(lambda: "edge-1" in grid.answering(), "edge-1", timeout=40)
    grid.stop_tailscaled("edge-1")
    grid.start_tailscaled("edge-1", "--tun=userspace-networking")
    try:
        until(lambda: not _of_gridwire(grid, "edge-1"), "no listener on edge-1", timeout=20)
        until(lambda: "userspace mode" in grid.log("edge-1"), "what is wrong, in edge-1's log", timeout=20)
    finally:
        grid.stop_tailscaled("edge-1")
        grid.start_tailscaled("edge-1")
    until(lambda: "edge-1" in grid.answering(), "edge-1 back", timeout=40)


def test_a_host_on_the_link_without_a_key_gets_nothing_and_with_the_guard_off_it_gets_in(grid: Tailnet) -> None:
    """Tailscale's own rules filter the source, not the destination."""
    addresses = grid.addresses("gw")
    for address, via in zip(addresses, ("192.168.77.10", "2001:db8::a"), strict=True):
        grid.run("intruder", "ip", "route", "replace", address, "via", via)
    try:
        answers = [grid.get("intruder", address, port=port)[0] for address in addresses for port in PORTS]
        assert answers == [0] * 6
        grid.run("gw", "nft", "delete", "table", "inet", "gridwire")  # the second layer by itself, until it is healed
        assert [grid.get("intruder", address)[0] for address in addresses] == [0, 0]
        until(lambda: grid.counter("gw", "stranger") >= 0, "the guard healed", timeout=10)
        grid.down("gw")
        grid.gridwire("gw", "guard", "remove", "--yes")
        nginx = grid.host("gw").start_logged(_nginx(), Path("/var/log/bare-nginx.log"))
        try:
            opened = until(lambda: [s for a in addresses if (s := grid.get("intruder", a)[0])], "an answer", timeout=20)
            print(f"intruder: 0 of 6 answered with the guard, {opened} without")
        finally:
            nginx.terminate()
            nginx.wait(10)
    finally:
        if "gw" not in grid.serving:
            grid.up("gw")
    until(lambda: len(grid.answering()) >= 1, "the grid again", timeout=40)


def _leaves_the_tailnet_as_it_was(grid: Tailnet, name: str) -> None:
    """Uninstalled, the host is on its tailnet as before: the device is not gridwire's to remove."""
    addresses = grid.addresses(name)
    assert "dport 2085 blackhole" in grid.run(name, "ip", "rule")
    grid.gridwire(name, "uninstall", "--purge", "--yes")
    assert grid.addresses(name) == addresses
    rules = grid.run(name, "ip", "rule")
    assert rules.startswith("0:\tfrom all lookup local")
    assert "blackhole" not in rules
    assert "gridwire" not in grid.run(name, "nft", "list", "tables")
    assert "pong" in grid.tailscale(name, "ping", "--c=1", "gw")


def _nginx() -> list[str]:
    """As `gridwire nginx run` becomes it, without waiting for the guard."""
    return ["/usr/sbin/nginx", "-c", "/var/lib/gridwire/nginx/nginx.conf", "-g", "daemon off;"]


def _of_gridwire(grid: Tailnet, name: str) -> set[str]:
    return {place for place in grid.listeners(name) if place.rpartition(":")[2] in ("80", "2085", "2086", "2087")}
