"""init, up, invite, join and revoke as a user types them, on hosts that are network namespaces."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import pytest
from tests.netns.commands import GRIDWIRE, gridwire, until

from gridwire.adapters.wireguard.kernel import kernel_has_wireguard
from gridwire.core import paths
from gridwire.core.enrollment import decode_token, encode_token
from gridwire.lab.topology import Lab, Link, Place, build

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]
KILLED_BEFORE_IT_SAVES = """
import os, signal, sys
from gridwire.agent.state_dir import AgentState
from gridwire.cli.main import main
AgentState.save_credential = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.exit(main())
"""
PUBLIC = Link(name="public", prefix=IPv4Network("203.0.113.0/24"))
NOTHING = ["0:\tfrom all lookup local", "32766:\tfrom all lookup main", "32767:\tfrom all lookup default"]
HOME = Link(name="home", prefix=IPv4Network("198.51.100.0/24"))


def files(lab: Lab, host: str) -> dict[str, str]:
    done = lab.host(host).run(
        ["sh", "-c", "find /etc/gridwire /var/lib/gridwire -type f 2>/dev/null | sort | xargs -r sha256sum"],
        check=False,
    )
    return dict(reversed(line.split()) for line in done.stdout.splitlines())  # type: ignore[misc]


def shown(lab: Lab, node: str) -> dict[str, Any]:
    view: dict[str, Any] = json.loads(gridwire(lab, "gw", "node", "show", node, "-o", "json").stdout)
    return view


def perimeter(lab: Lab, host: str) -> list[str]:
    """The guard's table, gridwire's policy rules and its blackhole routes, as the kernel has them."""
    seen = "nft list tables; ip rule; ip route show type blackhole"
    return lab.host(host).run(["sh", "-c", seen]).stdout.splitlines()


def elsewhere(token: str) -> str:
    """The token with a gateway whose name nobody knows."""
    whole = decode_token(token)
    gateways = tuple(replace(gateway, endpoint="gw.example.invalid:51820") for gateway in whole.gateways)
    return encode_token(replace(whole, gateways=gateways))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    places = [
        Place(host="gw", link="public", number=7),
        *(
            Place(host=name, link="home", number=number)
            for number, name in enumerate(("e1", "e2", "c1", "e3", "e4"), 5)
        ),
    ]
    built = build((PUBLIC, HOME), places)
    try:
        yield built
    finally:
        built.close()


@pytest.fixture(scope="module")
def gateway(lab: Lab) -> Lab:
    """The lab with a gateway that runs."""
    done = gridwire(lab, "gw", "init", "gw", "--endpoint", lab.address("gw"), "--yes")
    assert done.returncode == 0, done.stderr
    start_up(lab, "gw")
    until(lambda: gridwire(lab, "gw", "status").returncode == 0)
    return lab


def start_up(lab: Lab, host: str) -> None:
    lab.host(host).start_logged([*GRIDWIRE, "up"], Path("/var/log/up.log"))


def token_for(lab: Lab, name: str, *options: str) -> str:
    done = gridwire(lab, "gw", "invite", name, "-o", "json", *options)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["token"])


def test_the_perimeter_of_a_running_gateway_is_known_and_a_stranger_on_it_is_found(gateway: Lab) -> None:
    """Without a unit of systemd's or a name to go by: `gridwire up` runs all of it."""

    def told() -> dict[str, Any]:
        seen: dict[str, Any] = json.loads(gridwire(gateway, "gw", "perimeter", "-o", "json").stdout)
        return seen

    def owners() -> dict[tuple[str, int], str]:
        listed = [view["socket"] for view in told()["sockets"]["items"] if view["node"] == "gw"]
        return {(socket["protocol"], socket["port"]): socket["owner"] for socket in listed}

    own = dict.fromkeys((*(("tcp", port) for port in (80, 443, 2086, 2087, 2443)), ("udp", 51820)), "ours")
    until(lambda: owners() == own, 45)  # the first look may have come before nginx did
    seen = told()
    assert seen["verdict"]["state"] == "well"
    (node,) = [node for node in seen["nodes"] if node["node"] == "gw"]
    assert (node["public"], node["foreign"], node["guard"]["state"], node["proof"]) == (1, 0, "stands", "read-back")
    reach = {(v["socket"]["protocol"], v["socket"]["port"]): v for v in seen["sockets"]["items"] if v["node"] == "gw"}
    assert reach["udp", 51820]["reach"] == "link", "a documentation address is of no internet"
    assert reach["tcp", 80]["socket"]["process"] == "nginx"
    assert gridwire(gateway, "gw", "perimeter").returncode == 0

    serving = "import socket,time; s = socket.create_server(('0.0.0.0', 8080)); time.sleep(3600)"
    stranger = gateway.host("gw").start([sys.executable, "-c", serving], stdout=DEVNULL, stderr=DEVNULL)
    try:
        until(lambda: told()["verdict"]["findings"] == 1, 30)
        done = gridwire(gateway, "gw", "perimeter", "gw")
        assert done.returncode == 3
        assert "wildcard-listener" in done.stdout
        assert "tcp 0.0.0.0:8080" in done.stdout
    finally:
        stranger.kill()
        stranger.wait()
    gateway.host("gw").run(["nft", "flush", "ruleset"])
    until(lambda: "guard-repaired" in gridwire(gateway, "gw", "perimeter").stdout, 30)


def test_init_shows_before_it_changes_and_asks(lab: Lab) -> None:
    before = files(lab, "e2")
    done = gridwire(lab, "e2", "init", "other", "--endpoint", lab.address("e2"))
    assert done.returncode == 2
    assert "this host ✓" in done.stdout
    assert "no clash ✓" in done.stdout
    assert "--yes" in done.stderr
    assert files(lab, "e2") == before


def test_init_refuses_a_prefix_that_the_host_uses(lab: Lab) -> None:
    lab.host("e2").run(["ip", "addr", "add", "10.85.9.1/24", "dev", "eth0"])
    try:
        done = gridwire(lab, "e2", "init", "other", "--endpoint", lab.address("e2"), "--yes")
    finally:
        lab.host("e2").run(["ip", "addr", "del", "10.85.9.1/24", "dev", "eth0"])
    assert done.returncode == 1
    assert "10.85.9.1/24 of eth0" in done.stderr
    assert "10.86.0.0/16 is free" in done.stderr
    assert files(lab, "e2") == {}


def test_a_second_init_changes_nothing(gateway: Lab) -> None:
    before = {path: digest for path, digest in files(gateway, "gw").items() if "/control/" not in path}
    endpoint = gateway.address("gw")
    assert gridwire(gateway, "gw", "init", "gw", "--endpoint", endpoint, "--yes").returncode == 0
    assert gridwire(gateway, "gw", "init", "gw", "--endpoint", endpoint).returncode == 1
    assert gridwire(gateway, "gw", "init", "other", "--endpoint", endpoint, "--yes").returncode == 1
    after = {path: digest for path, digest in files(gateway, "gw").items() if "/control/" not in path}
    assert {p: d for p, d in after.items() if "agent" not in p} == {p: d for p, d in before.items() if "agent" not in p}
    assert after["/var/lib/gridwire/agent/node.key"] == before["/var/lib/gridwire/agent/node.key"]


def test_secrets_are_for_root_alone(gateway: Lab) -> None:
    listing = gateway.host("gw").run(["stat", "-c", "%a %U %n", "/var/lib/gridwire/agent/node.key"])
    assert listing.stdout.startswith("600 root")
    modes = gateway.host("gw").run(["stat", "-c", "%a %U", "/var/lib/gridwire/control", "/var/lib/gridwire/agent"])
    assert modes.stdout.split() == ["700", "gridwire", "700", "root"]


@pytest.mark.kernel
def test_join_revoke_and_join_again(gateway: Lab) -> None:
    token = token_for(gateway, "e1", "--tag", "site=a")
    done = gridwire(gateway, "e1", "join", "--reach", "127.0.0.1:9000", stdin=f"{token}\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("e1 (edge) joined as 10.85.1.")
    assert token not in done.stdout + done.stderr
    assert gridwire(gateway, "e1", "reach", "list").stdout.split() == ["REACH", "127.0.0.1:9000"]
    listed = gridwire(gateway, "gw", "node", "show", "e1", "-o", "json")
    assert json.loads(listed.stdout)["node"]["state"] == "active"

    again = gridwire(gateway, "e1", "join", stdin=token)
    assert again.returncode == 0, again.stderr

    before = files(gateway, "e2")
    began = time.monotonic()
    stolen = gridwire(gateway, "e2", "join", stdin=token)
    assert time.monotonic() - began < 30
    assert stolen.returncode == 2
    assert "no answer yet: " in stolen.stderr
    assert stolen.stderr.count("another host has redeemed it") == 2
    until(lambda: "quarantined" in gridwire(gateway, "gw", "node", "show", "e1").stdout, 30)
    assert files(gateway, "e2") == before
    assert perimeter(gateway, "e2") == NOTHING

    assert gridwire(gateway, "gw", "node", "revoke", "e1", "--yes").returncode == 0
    fresh = token_for(gateway, "e1")
    refused = gridwire(gateway, "e1", "join", stdin=fresh)
    assert refused.returncode == 1
    assert "--anew" in refused.stderr
    anew = gridwire(gateway, "e1", "join", "--anew", stdin=fresh)
    assert anew.returncode == 0, anew.stderr
    assert "may be published, as before: 127.0.0.1:9000" in anew.stderr
    assert gridwire(gateway, "e1", "reach", "list").stdout.split() == ["REACH", "127.0.0.1:9000"]

    held = (files(gateway, "e1"), perimeter(gateway, "e1"))
    gateway.host("e1").run(["sh", "-c", "echo nameserver 127.0.0.1 >/etc/resolv.conf"])
    unresolved = gridwire(gateway, "e1", "join", "--anew", stdin=elsewhere(token_for(gateway, "e1", "--replace")))
    assert unresolved.returncode == 1
    assert "the gateway's endpoint: gw.example.invalid does not resolve" in unresolved.stderr
    assert "then run `gridwire join` again" in unresolved.stderr
    assert (files(gateway, "e1"), perimeter(gateway, "e1")) == held, "it is the node that it was"


def test_a_node_that_waits_says_so_and_options_are_kept_where_there_are_settings(gateway: Lab) -> None:
    first = gridwire(gateway, "e2", "join", "--reach", "127.0.0.1:9000", stdin=token_for(gateway, "w1"))
    assert first.returncode == 0, first.stderr
    taking_over = token_for(gateway, "w1", "--replace", "--approve")
    options = ("--anew", "--no-hosts", "--wireguard-go", shutil.which("wireguard-go") or "/usr/bin/wireguard-go")
    done = gridwire(gateway, "e2", "join", *options, stdin=taking_over)
    assert done.returncode == 0, done.stderr
    assert "it took over from the w1 that was in the grid before, which is revoked" in done.stderr
    assert "on the gateway, gridwire node approve w1" in done.stderr
    kept = gateway.host("e2").run(["cat", "/etc/gridwire/gridwire.yaml"]).stdout
    assert "hosts: false" in kept
    assert f"wireguard_go: {options[-1]}" in kept
    assert gridwire(gateway, "gw", "node", "approve", "w1").returncode == 0


@pytest.mark.skipif(kernel_has_wireguard(), reason="wireguard-go is not used where the kernel has WireGuard")
def test_a_program_that_is_no_wireguard_leaves_the_host_as_it_was(gateway: Lab) -> None:
    before = files(gateway, "e4")
    script = "printf '#!/bin/sh\\necho wireguard-go of a kind\\n' >/run/no-wg; chmod +x /run/no-wg"
    gateway.host("e4").run(["sh", "-c", script])
    done = gridwire(gateway, "e4", "join", "--wireguard-go", "/run/no-wg", stdin=token_for(gateway, "no-wg"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2].startswith("gridwire: --wireguard-go: ")
    assert "did not start: wireguard-go of a kind" in done.stderr
    assert files(gateway, "e4") == before
    assert perimeter(gateway, "e4") == NOTHING


def test_a_join_that_was_killed_between_its_confirmation_and_its_disk_is_finished_by_the_next(gateway: Lab) -> None:
    token = token_for(gateway, "e3")
    join = [sys.executable, "-P", "-c", KILLED_BEFORE_IT_SAVES, "join"]
    killed = gateway.host("e3").run(join, input_text=token, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert shown(gateway, "e3")["node"]["state"] == "active"

    again = gridwire(gateway, "e3", "join", stdin=token)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("e3 (edge) joined as 10.85.1.")
    assert gateway.host("e3").run(["test", "-s", "/var/lib/gridwire/agent/spec.json"], check=False).returncode == 0


def test_the_traffic_of_nodes_is_not_taken_for_a_newcomers(gateway: Lab) -> None:
    if gridwire(gateway, "gw", "node", "show", "e3").returncode != 0:  # where the test before this runs elsewhere
        assert gridwire(gateway, "e3", "join", stdin=token_for(gateway, "e3")).returncode == 0
    joined_with = gateway.host("e3").run(["cat", f"{paths.AGENT_STATE}/listen-port"]).stdout
    start_up(gateway, "e3")
    until(lambda: shown(gateway, "e3")["connected"] is True)
    assert gateway.host("e3").run(["wg", "show", "gw0", "listen-port"]).stdout == joined_with  # NATs know that one
    before = shown(gateway, "gw")["reported_at"]
    until(lambda: shown(gateway, "gw")["reported_at"] != before)  # with e3's own handshake counted
    waiting = gateway.host("gw").start([*GRIDWIRE, "invite", "nobody", "--wait"], stdout=DEVNULL, stderr=PIPE)
    assert waiting.stderr is not None
    try:
        said = next(line for line in waiting.stderr if "UDP port is open" in line)
    finally:
        waiting.terminate()
        waiting.wait(20)
        waiting.stderr.close()
    assert "0 handshakes begun by newcomers" in said
    assert "join was not started" in said


def test_a_blocked_port_is_told_within_ten_seconds(gateway: Lab) -> None:
    token = token_for(gateway, "c1", "--role", "client")
    drop = "add table inet blocked; add chain inet blocked i { type filter hook input priority -300; }; "
    drop += "add rule inet blocked i udp dport 51820 ip saddr " + gateway.address("c1") + " drop"
    gateway.host("gw").run(["nft", drop])
    began = time.monotonic()
    process = gateway.host("c1").start([*GRIDWIRE, "join", "--token-file", "/dev/stdin"], stdin=PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(token)
    process.stdin.close()
    said = process.stderr.readline()
    assert time.monotonic() - began < 12
    assert "none came back" in said
    gateway.host("gw").run(["nft", "delete table inet blocked"])
    assert process.wait(60) == 0
    process.stderr.close()
    if process.stdout is not None:
        process.stdout.close()


def test_the_prefix_of_the_mesh_is_compared_with_the_newcomers_network(gateway: Lab) -> None:
    token = token_for(gateway, "clash", "--role", "client")
    before = files(gateway, "e2")
    gateway.host("e2").run(["ip", "addr", "add", "10.85.7.1/24", "dev", "eth0"])
    try:
        done = gridwire(gateway, "e2", "join", stdin=token)
    finally:
        gateway.host("e2").run(["ip", "addr", "del", "10.85.7.1/24", "dev", "eth0"])
    assert done.returncode == 1
    assert "10.85.7.1/24 of eth0" in done.stderr
    assert files(gateway, "e2") == before
