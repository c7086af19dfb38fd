"""The perimeter in real network namespaces, each layer by itself and both: who is answered, and who is not."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.netfilter import Nft, RoutingRules
from gridwire.agent.guard import GuardSection
from gridwire.core.guard import DeleteTable, Flood, LoadTable, SetSysctl, plan_guard, plan_guard_removal
from gridwire.core.observed import Known

pytestmark = [pytest.mark.netns, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

Grid = Any  # conftest.Grid, which has no importable name
IP_TRANSPARENT = 19  # linux/in.h
SILENCE = 0.4


def test_a_stranger_on_the_link_gets_200_without_the_guard_and_silence_with_it(grid: Grid) -> None:
    assert grid.stranger.asks(grid.address, 80) == "200"
    grid.guard()
    assert grid.stands()
    assert grid.stranger.gets_nothing(grid.address, 80)
    assert grid.stranger.gets_nothing(grid.address, 9), "not even a RST says that somebody is there"
    assert grid.peer.asks(grid.address, 80) == "200"
    assert grid.gateway.asks(grid.address, 80) == "200", "the gateway reaches itself"
    assert grid.gateway.do(grid.section.counters)["stranger"][0] > 0


def test_of_a_hosts_users_only_root_calls_the_ports_that_only_root_may(grid: Grid) -> None:
    """Any user of a newcomer's host sends from the newcomer's address: one of them enrolled a key of its own."""

    def asked_by(uid: int, port: int) -> str:
        script = f"exec 3<>/dev/tcp/{grid.peer_address}/{port} && read -r -n 3 -t 2 -u 3 said; echo $said"
        user = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
        return grid.gateway.run(*user, "timeout", "1", "bash", "-c", script, check=False).strip()

    for port in (2086, 2087):
        grid.peer.listen(grid.peer_address, port)
    grid.guard()
    assert asked_by(65534, 2087) == "200", "without it anybody may"
    spec = replace(grid.spec(), root_only_ports=(2087,))
    grid.guard(spec)
    assert grid.stands(spec)
    assert asked_by(65534, 2087) == ""
    assert asked_by(1, 2087) == ""
    assert grid.gateway.do(grid.section.counters)["unprivileged"][0] > 0
    assert asked_by(65534, 2086) == "200"
    assert asked_by(0, 2087) == "200"
    grid.gateway.run("nft", "add", "rule", "inet", "gridwire", "output", "counter")
    assert not grid.stands(spec)


def test_a_user_of_the_host_does_not_pass_for_another_node(grid: Grid) -> None:
    """nginx knows who asks by the address: over IPv6 ip_nonlocal_bind lets anybody send from any, and over IPv4
    CAP_NET_RAW does, which containers on the host's network have by default."""
    six = ":" in grid.address
    family = socket.AF_INET6 if six else socket.AF_INET

    def heard(source: str) -> bool:
        with socket.socket(family, socket.SOCK_DGRAM) as here, socket.socket(family, socket.SOCK_DGRAM) as there:
            here.bind((grid.address, 0))
            here.settimeout(SILENCE)
            if not six:
                there.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
            there.bind((source, 0))
            there.sendto(b"?", here.getsockname()[:2])
            try:
                return here.recv(9) == b"?"
            except TimeoutError:
                return False

    for version in (4, 6):
        grid.gateway.sysctl(f"net/ipv{version}/ip_nonlocal_bind", 1)
    assert grid.gateway.do(heard, grid.peer_address), "without the guard it comes through"
    grid.guard()
    assert grid.stands(grid.spec())
    assert grid.gateway.do(heard, grid.address)
    assert not grid.gateway.do(heard, grid.peer_address)
    assert grid.gateway.do(grid.section.counters)["stranger"][0] > 0


@pytest.mark.parametrize("strictness", [0, 1, 2])
def test_the_second_layer_alone_holds_when_everything_is_flushed(grid4: Grid, strictness: int) -> None:
    for device in ("all", "eth0"):
        grid4.gateway.sysctl(f"net/ipv4/conf/{device}/rp_filter", strictness)
    assert grid4.stranger.asks(grid4.address, 80) == "200"
    grid4.guard()
    grid4.gateway.run("nft", "flush", "ruleset")
    assert grid4.stranger.gets_nothing(grid4.address, 80)
    assert grid4.peer.asks(grid4.address, 80) == "200"
    assert grid4.gateway.asks(grid4.address, 80) == "200"
    grid4.peer.listen(grid4.peer_address, 2085)
    assert grid4.gateway.asks(grid4.peer_address, 2085) == "200"


def test_the_second_layer_alone_holds_for_ipv6_too(grid6: Grid) -> None:
    grid6.guard()
    grid6.gateway.run("nft", "flush", "ruleset")
    assert grid6.stranger.gets_nothing(grid6.address, 80)
    assert grid6.peer.asks(grid6.address, 80) == "200"
    assert grid6.gateway.asks(grid6.address, 80) == "200"
    assert grid6.gateway.asks("::1", 9).startswith("refused"), "loopback is still looked up"


def test_the_first_layer_alone_holds(grid: Grid) -> None:
    grid.guard(None, LoadTable)
    assert grid.stranger.gets_nothing(grid.address, 80)
    assert grid.container.gets_nothing(grid.address, 80)
    assert grid.peer.asks(grid.address, 80) == "200"


def test_a_container_on_the_host_reaches_the_link_and_never_the_mesh(grid: Grid) -> None:
    grid.stranger.listen(grid.stranger_address, 8080)
    grid.stranger.ip("route", "replace", grid.container_address, "via", grid.link)
    assert grid.container.asks(grid.address, 80) == "200"
    assert grid.container.asks(grid.stranger_address, 8080) == "200"
    grid.guard()
    assert grid.container.gets_nothing(grid.address, 80)
    assert grid.container.gets_nothing(grid.peer_address, 80)
    assert grid.container.asks(grid.stranger_address, 8080) == "200", "forwarding that is not the mesh's goes on"
    grid.gateway.run("nft", "flush", "ruleset")
    assert grid.container.gets_nothing(grid.address, 80)
    assert grid.container.asks(grid.stranger_address, 8080) == "200"


@pytest.mark.parametrize("flushed", [False, True], ids=["both layers", "rules only"])
def test_nothing_is_forwarded_out_of_the_mesh(grid: Grid, *, flushed: bool) -> None:
    """A malicious edge sends what it likes into the tunnel, and one packet may do harm without an answer."""

    def arrives() -> bool:
        with grid.stranger.udp(grid.stranger_address, 5000) as lan, grid.peer.udp(grid.peer_address) as edge:
            edge.sendto(b"pivot", (grid.stranger_address, 5000))
            with suppress(TimeoutError):
                return bool(lan.recv(64))
        return False

    grid.stranger.listen(grid.stranger_address, 8080)
    assert grid.peer.asks(grid.stranger_address, 8080) == "200"
    assert arrives()
    grid.guard()
    if flushed:
        grid.gateway.run("nft", "flush", "ruleset")
    assert grid.peer.gets_nothing(grid.stranger_address, 8080)
    assert not arrives()


def test_mesh_sources_from_the_link_are_dropped(grid: Grid) -> None:
    """The reply would go to the real peer; the packet itself must not arrive either (UDP needs no reply)."""
    grid.stranger.ip("addr", "add", f"{grid.other_peer}/128" if grid.version == 6 else grid.other_peer, "dev", "lo")

    def heard(port: int) -> bytes:
        receiver = grid.gateway.udp(grid.link, port)
        sender = grid.stranger.udp(grid.other_peer, 0)
        with receiver, sender:
            sender.sendto(b"spoofed", (grid.link, port))
            with suppress(TimeoutError):
                return receiver.recv(64)
        return b""

    for device in ("all", "eth0"):
        grid.gateway.sysctl(f"net/ipv4/conf/{device}/rp_filter", 0)
    assert grid.stranger.asks(grid.link, 9), "each knows the other's link-layer address"
    assert heard(7001) == b"spoofed"
    grid.guard()
    assert heard(7002) == b""


def test_loopback_is_closed_to_the_link_whatever_route_localnet_says(grid4: Grid) -> None:
    grid4.gateway.listen("127.0.0.1", 9000)
    grid4.gateway.sysctl("net/ipv4/conf/eth0/route_localnet", 1)
    grid4.stranger.sysctl("net/ipv4/conf/eth0/route_localnet", 1)
    grid4.stranger.ip("addr", "del", "127.0.0.1/8", "dev", "lo")
    grid4.stranger.ip("route", "add", "127.0.0.0/8", "via", grid4.link)
    assert grid4.stranger.asks("127.0.0.1", 9000) == "200"
    grid4.guard()
    assert grid4.stranger.gets_nothing("127.0.0.1", 9000)
    assert grid4.gateway.asks("127.0.0.1", 9000) == "200"
    assert [f.id for f in grid4.gateway.do(grid4.section.findings)] == ["route-localnet"]


@pytest.mark.parametrize("only", [(), (LoadTable, SetSysctl)], ids=["both layers", "settings"])
def test_arp_says_nothing_of_the_mesh_address(grid4: Grid, only: tuple[type, ...]) -> None:
    grid4.stranger.ip("route", "replace", f"{grid4.address}/32", "dev", "eth0")
    assert grid4.stranger.asks(grid4.address, 80) == "200"
    assert "lladdr" in grid4.stranger.run("ip", "neigh", "show", grid4.address)
    grid4.guard(None, *only)
    grid4.stranger.ip("neigh", "flush", "all")
    assert grid4.stranger.asks(grid4.address, 80, patience=SILENCE) != "200"
    assert "lladdr" not in grid4.stranger.run("ip", "neigh", "show", grid4.address)


def test_a_role_reaches_its_ports_on_the_mesh_address_and_nothing_else(grid: Grid) -> None:
    grid.gateway.listen(grid.address, 22)
    grid.gateway.listen(grid.link, 80)
    grid.guard(grid.spec(grid.opening("edge", grid.peer_address), grid.opening("enrolling", ports=(2086,))))
    assert grid.peer.asks(grid.address, 80) == "200"
    assert grid.peer.gets_nothing(grid.address, 2086)
    assert grid.peer.gets_nothing(grid.address, 22)
    assert grid.peer.gets_nothing(grid.link, 80), "the gateway's other addresses have no role"
    assert grid.peer.gets_nothing(grid.address, 80, source=grid.other_peer), "an address without a role"
    assert grid.peer.pings(grid.address)


def test_the_gateway_opens_connections_to_edges_and_hears_their_answers(grid: Grid) -> None:
    grid.guard(grid.spec(grid.opening("edge")))
    grid.peer.listen(grid.peer_address, 2085)
    assert grid.gateway.asks(grid.peer_address, 2085) == "200"
    assert grid.peer.gets_nothing(grid.address, 80)


def test_a_change_of_roles_keeps_counters_and_cuts_open_connections(grid: Grid) -> None:
    grid.guard()
    connection = grid.peer.do(lambda: socket.create_connection((grid.address, 80), timeout=SILENCE))
    with connection:
        assert connection.recv(3) == b"200"
        connection.sendall(b"kept")
        assert connection.recv(4) == b"kept"
        assert grid.stranger.gets_nothing(grid.address, 80)
        counted = grid.gateway.do(grid.section.counters)["stranger"][0]
        emptied = grid.spec(grid.opening("edge", grid.other_peer))
        grid.guard(emptied)
        assert grid.stands(emptied)
        connection.sendall(b"lost")
        with pytest.raises(TimeoutError):
            connection.recv(4)
        assert grid.gateway.do(grid.section.counters)["stranger"][0] == counted > 0
        assert grid.peer.asks(grid.address, 80, source=grid.other_peer) == "200"
        grid.guard()
        connection.settimeout(5)  # TCP's timer doubled while nothing was answered
        assert connection.recv(4) == b"lost", "what WireGuard's peer sent again arrives once it may"


def test_a_new_table_goes_on_counting(grid4: Grid) -> None:
    grid4.guard()
    assert grid4.stranger.gets_nothing(grid4.address, 80)
    counted = grid4.gateway.do(grid4.section.counters)["stranger"][0]
    grid4.guard(replace(grid4.spec(), listen_port=51821))
    assert grid4.gateway.do(grid4.section.counters)["stranger"][0] == counted > 0


@pytest.mark.parametrize(
    "tamper",
    [
        ("nft", "flush", "ruleset"),
        ("nft", "delete", "table", "inet", "gridwire"),
        ("nft", "flush", "chain", "inet", "gridwire", "prerouting"),
        ("nft", "flush", "set", "inet", "gridwire", "role_edge"),
        ("nft", "add", "element", "inet", "gridwire", "role_edge", "{ 10.85.9.9 }"),
        ("nft", "insert", "rule", "inet", "gridwire", "mesh", "accept"),
        ("nft", "add", "table", "inet", "gridwire", "{ flags dormant; }"),
        ("nft", "add", "chain", "inet", "gridwire", "input", "{ policy drop; }"),
        ("ip", "rule", "del", "pref", "13"),
        ("ip", "rule", "add", "pref", "0", "lookup", "local"),
        ("ip", "rule", "flush"),
        ("ip", "-6", "rule", "del", "pref", "14"),
    ],
    ids=" ".join,
)
def test_what_others_change_is_told_by_the_kernel_and_repaired(grid4: Grid, tamper: tuple[str, ...]) -> None:
    spec = grid4.spec()
    grid4.guard()
    woken = threading.Event()
    watch = grid4.gateway.do(lambda: grid4.section.watch(woken.set))
    with closing(watch):
        assert grid4.stands()
        grid4.gateway.run(*tamper)
        assert woken.wait(5), "the kernel's news did not come"
        assert not grid4.stands()
        grid4.guard(spec)
        assert grid4.stands()
    assert grid4.stranger.gets_nothing(grid4.address, 80)
    assert grid4.gateway.asks(grid4.address, 80) == "200"


def test_after_a_flush_the_guard_is_back_within_a_second(grid4: Grid) -> None:
    """The best of five: this machine may be busy with other tests."""
    grid4.guard()
    took = []
    woken = threading.Event()
    with closing(grid4.gateway.do(lambda: grid4.section.watch(woken.set))):
        for _ in range(5):
            assert grid4.stands()
            woken.clear()
            grid4.gateway.run("nft", "flush", "ruleset")
            start = time.monotonic()
            assert woken.wait(5)
            grid4.guard()
            took.append(time.monotonic() - start)
    assert min(took) < 1


def test_traffic_and_other_tables_leave_the_guard_standing(grid4: Grid) -> None:
    grid4.guard()
    grid4.flood(first=1, packets=50)
    grid4.gateway.run("nft", "add", "table", "inet", "other")
    grid4.gateway.ip("rule", "add", "pref", "13", "to", "10.99.0.0/16", "blackhole")
    assert grid4.stands()


def test_gw0_may_be_made_anew(grid: Grid) -> None:
    """wireguard-go's device goes and comes back with another index."""
    grid.guard()
    grid.gateway.ip("link", "del", "gw0")
    assert grid.stranger.gets_nothing(grid.address, 80)
    grid.tunnel()
    assert grid.stands()
    assert grid.peer.asks(grid.address, 80) == "200"
    assert grid.stranger.gets_nothing(grid.address, 80)
    grid.gateway.run("nft", "flush", "ruleset")
    assert grid.stranger.gets_nothing(grid.address, 80)
    assert grid.peer.asks(grid.address, 80) == "200"


def test_mesh_traffic_never_leaves_by_another_interface(grid: Grid) -> None:
    """With gw0 gone and no blackhole route, the default route would carry it in clear."""
    grid.gateway.ip("route", "add", "default", "via", grid.stranger_address)
    # nodad: an IPv6 address is tentative for a moment, on lo too, and cannot be bound until then.
    once = ("/32",) if grid.version == 4 else ("/128", "nodad")
    grid.stranger.ip("addr", "add", f"{grid.peer_address}{once[0]}", "dev", "lo", *once[1:])
    grid.stranger.listen(grid.peer_address, 2085)
    grid.gateway.ip("link", "set", "gw0", "down")
    assert grid.gateway.asks(grid.peer_address, 2085, source=grid.link) == "200"
    grid.guard()
    assert grid.gateway.asks(grid.peer_address, 2085, source=grid.link, patience=SILENCE) != "200"
    assert grid.gateway.do(grid.section.counters)["leak"][0] > 0


def test_removal_puts_everything_back(grid: Grid) -> None:
    keys = ("net/ipv4/conf/all/arp_ignore", "net/ipv4/ip_nonlocal_bind", "net/ipv4/tcp_mtu_probing")
    grid.gateway.sysctl("net/ipv4/tcp_mtu_probing", 0)

    def state() -> list[str]:
        settings = [grid.gateway.do(Path("/proc/sys", key).read_text) for key in keys]
        return [grid.gateway.run("ip", "rule"), grid.gateway.run("ip", "-6", "rule"), *settings]

    before = state()
    grid.guard()
    assert state() != before
    assert grid.gateway.do(grid.section.remove)
    assert state() == before
    assert "gridwire" not in grid.gateway.run("nft", "list", "ruleset")
    assert grid.stranger.asks(grid.address, 80) == "200"
    assert grid.gateway.do(grid.section.remove) == ()


def test_after_each_action_the_host_is_closed_and_finds_itself(grid: Grid) -> None:
    observed = grid.gateway.do(grid.section.observe)
    actions = plan_guard(grid.spec(), observed)
    assert isinstance(actions[0], LoadTable)
    for action in actions:
        grid.gateway.do(grid.section.apply, action)
        assert grid.stranger.gets_nothing(grid.address, 80), action.reason
        assert grid.gateway.asks(grid.address, 80) == "200", action.reason
        assert grid.peer.asks(grid.address, 80) == "200", action.reason
    removal = plan_guard_removal(grid.gateway.do(grid.section.observe))
    for action in removal:
        grid.gateway.do(grid.section.apply, action)
        assert grid.gateway.asks(grid.address, 80) == "200", action.reason
        is_open = grid.stranger.asks(grid.address, 80, patience=SILENCE) == "200"
        assert is_open == isinstance(action, DeleteTable), action.reason


def test_without_nft_the_guard_is_unknown_and_does_not_stand(grid4: Grid, tmp_path: Path) -> None:
    section = GuardSection(nft=Nft(binary=str(tmp_path / "nft")), memory=tmp_path / "other.json")
    observed = grid4.gateway.do(section.observe)
    assert not isinstance(observed, Known)
    assert "apt install nftables" in observed.reason
    assert plan_guard(grid4.spec(), observed)


def test_floods_of_handshakes_are_metered_and_nothing_else_is(grid: Grid) -> None:
    grid.guard()
    assert grid.flood(first=1, packets=200) in range(20, 60)
    assert grid.flood(first=4, packets=200) == 200, "data of established endpoints"
    assert grid.flood(first=1, packets=200, size=149) == 200, "no handshake of WireGuard's is of that length"
    counted = grid.gateway.do(grid.section.counters)
    assert counted["arrived"][0] == 600
    assert counted["initiations"][0] == 200
    assert counted["flood"][0] in range(140, 181)
    assert counted["newcomers"][0] == 200 - counted["flood"][0]


def test_a_known_endpoint_shakes_hands_while_strangers_flood(grid: Grid) -> None:
    """Known is whoever was sent a handshake response, which only the holder of a known key ever gets."""
    grid.guard(replace(grid.spec(), flood=Flood(per_source=5, all_sources=10)))
    known = grid.stranger.udp(grid.stranger_address, 40000)
    gateway = grid.gateway.udp(grid.link, 51820)
    with known:
        with gateway:
            gateway.sendto(bytes([2]) + bytes(91), (grid.stranger_address, 40000))
            assert len(known.recv(2048)) == 92
        assert grid.flood(first=1, packets=100) <= 10
        newcomers = grid.gateway.do(grid.section.counters)["newcomers"][0]
        assert grid.flood(first=1, packets=3, sender=known) == 3
        assert grid.gateway.do(grid.section.counters)["newcomers"][0] == newcomers > 0
        assert grid.flood(first=1, packets=100, sender=known) <= 10, "a meter of its own, not a free pass"


def test_rules_of_another_prefix_are_taken_away(grid4: Grid) -> None:
    other = replace(grid4.spec(), prefix=ip_network("10.86.0.0/16"), address=ip_address("10.86.0.1"), openings=())
    grid4.guard(other)
    grid4.guard()
    rules = grid4.gateway.run("ip", "rule")
    assert "10.86" not in rules
    assert "10.85.0.0/16 blackhole" in rules
    assert grid4.stands()


def test_rules_are_read_again_when_somebody_changed_them_and_only_then(grid: Grid) -> None:
    """Also by a transaction of another table, and in another network namespace."""

    def told(host: Any) -> tuple[Any, Any]:
        return host.do(nft.read), host.do(rules.read)

    nft, rules = Nft(), RoutingRules()
    grid.guard()
    table, routing = told(grid.gateway)
    for count in range(3):
        again = told(grid.gateway)
        assert (again[0] is table, again[1] is routing) == (True, True), count
    grid.gateway.run("nft", "add", "table", "inet", "stranger")
    other = told(grid.gateway)
    assert (other[0] is table, other[1] is routing) == (False, True)
    assert other[0] == table
    grid.gateway.run("ip", "rule", "add", "pref", "13", "blackhole", "protocol", "kernel", "to", "10.99.0.0/16")
    assert told(grid.gateway)[1] != routing
    assert told(grid.stranger)[0] is None
    grid.gateway.run("nft", "flush", "ruleset")
    assert told(grid.gateway)[0] is None
