"""Why a node is not reached: each of seven causes made for real, and named by doctor at both ends."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from gridwire.core import paths
from gridwire.lab.topology import ROUTER

pytestmark = [pytest.mark.netns, pytest.mark.timeout(300)]

SHORT = ("--patience", "8s")  # a device that has no session calls every 5 s
Pair = Any  # conftest.Pair, which has no importable name
FORGE, FILL = (str(Path(__file__).with_name(name)) for name in ("initiation.py", "full_table.py"))
PORT = "meta l4proto udp th dport 51820"
# As a home's router does: in comes what answers, and nothing else. A gateway that moved cannot call a node behind it.
HOME_ROUTER = (
    "add table inet home; add chain inet home f { type filter hook forward priority 0; }; "
    "add rule inet home f ct state established,related accept; add rule inet home f oifname br-home drop"
)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.1)


@contextmanager
def changed(pair: Pair, host: str, does: str, undoes: str) -> Iterator[None]:
    """Shell lines on a host, and those that undo them; then the tunnel has to come back by itself."""
    pair.run(host, "sh", "-ec", does)
    try:
        yield
    finally:
        pair.run(host, "sh", "-ec", undoes)
        until(pair.carries, 90)


def nft(table: str, rules: str) -> tuple[str, str]:
    return f"nft '{rules}'", f"nft 'delete table inet {table}'"


def new_device(pair: Pair) -> None:
    """The edge's wireguard-go ends and is started again, at the port it had: no session."""
    pair.signal("home-1", "wireguard-go -f gw0", signal.SIGKILL)


def another_port(pair: Pair, port: int) -> None:
    """As behind a router that was restarted. The next device has it, too."""
    pair.run("home-1", "wg", "set", "gw0", "listen-port", str(port))
    until(lambda: pair.run("home-1", "cat", f"{paths.AGENT_STATE}/listen-port").strip() == str(port))


def test_nothing_is_named_where_nothing_is_wrong(pair: Pair) -> None:
    until(pair.carries)
    here, there = pair.both()
    assert pair.causes(here) == pair.causes(there) == set()
    itself = pair.doctor("gw", "gw")
    assert itself["node"] == "gw"
    assert [one for one in itself["findings"] if one["where"] in ("tunnel", "node")] == []
    (arrived,) = [fact["value"] for fact in itself["facts"] if fact["name"] == "WireGuard's port"]
    assert int(arrived.split()[0]) > 0


def test_udp_that_is_blocked_on_the_way(pair: Pair) -> None:
    barred = "add table inet barred; add chain inet barred f { type filter hook forward priority 0; }; "
    barred += f"add rule inet barred f {PORT} drop; add rule inet barred f meta l4proto udp th sport 51820 drop"
    with changed(pair, ROUTER, *nft("barred", barred)):
        here, there = pair.both(*SHORT)
    assert pair.causes(here) == {"udp-blocked"}
    assert "UDP to 203.0.113.7:51820 does not get through: its host answers an echo" in here["udp-blocked"]["what"]
    assert pair.causes(there) == {"not-arriving"}
    assert "UDP is blocked on its way" in there["not-arriving"]["fix"]


def test_udp_that_the_gateways_own_firewall_drops(pair: Pair) -> None:
    barred = "add table inet barred; add chain inet barred i { type filter hook input priority 5; policy drop; }; "
    barred += "add rule inet barred i iifname gw0 accept; add rule inet barred i meta l4proto icmp accept"
    with changed(pair, "gw", *nft("barred", barred)):
        here, there = pair.each(*SHORT)
    # What the gateway sends does reach the edge, where it has anything to send.
    (seen,) = pair.causes(here) & {"udp-blocked", "not-carrying"}
    assert "gridwire doctor NODE" in here[seen]["fix"]
    assert there["udp-blocked"]["what"] == "what home-1 sends is not let in: nftables on this host drops 51820/udp"
    assert "nft insert rule inet barred i udp dport 51820 accept" in there["udp-blocked"]["fix"]
    assert there["firewall"]["what"] == "nftables drops 51820/udp"


def test_an_endpoint_that_changed(pair: Pair) -> None:
    """The gateway has another address; its nodes call the old one."""
    move = "ip addr del 203.0.113.{0}/24 dev eth0; ip addr add 203.0.113.{1}/24 dev eth0; "
    move += "ip route replace default via 203.0.113.1"
    with (
        changed(pair, ROUTER, *nft("home", HOME_ROUTER)),
        changed(pair, "gw", move.format(7, 8), move.format(8, 7)),
    ):
        pair.run(ROUTER, "ip", "neigh", "flush", "dev", "br-public")
        here, there = pair.both(*SHORT)
    assert pair.causes(here) == {"endpoint-changed"}
    assert "nobody has the address 203.0.113.7 any more" in here["endpoint-changed"]["what"]
    assert pair.causes(there) == {"endpoint-changed"}
    assert "203.0.113.7:51820, which is no address of this host" in there["endpoint-changed"]["what"]


def test_a_clash_with_the_nodes_own_network(pair: Pair) -> None:
    add, remove = (f"ip addr {what} 10.85.0.9/24 dev eth0" for what in ("add", "del"))
    with changed(pair, "home-1", add, remove):
        here, there = pair.both()
    assert pair.causes(here) == {"clash"}
    assert "packets for gw (10.85.0.1) leave by eth0" in here["clash"]["what"]
    assert "10.85.0.9/24 of eth0" in here["clash"]["what"]
    assert pair.causes(there) == {"not-carrying"}
    assert "its own network clashes with the mesh's addresses" in there["not-carrying"]["fix"]


def test_an_mtu_that_is_too_large_for_the_way(pair: Pair) -> None:
    """A narrow link whose complaints do not get through."""
    silent = "add table inet hole; add chain inet hole o { type filter hook output priority 0; }; "
    silent += "add rule inet hole o icmp type destination-unreachable drop"
    make, unmake = nft("hole", silent)
    narrow, wide = (f"ip link set br-public mtu {mtu}" for mtu in (1300, 1500))
    with changed(pair, ROUTER, f"{make}; {narrow}", f"{unmake}; {wide}"):
        here, there = pair.both(*SHORT)
    for found in (here, there):
        assert pair.causes(found) == {"mtu"}
        assert found["mtu"]["evidence"] == "an echo of 100 bytes is answered, one of 1420 is not"
    passes = int(here["mtu"]["what"].partition("up to ")[2].split()[0])
    assert 1300 - 60 - 32 <= passes <= 1300 - 60, "what the link carries, without WireGuard's own bytes"


def test_allowed_ips_that_are_wrong_at_the_gateway(pair: Pair) -> None:
    key, address = pair.key("home-1"), pair.address("home-1")
    pair.pause_agent("gw")
    try:
        give = f"wg set gw0 peer {key} allowed-ips "
        with changed(pair, "gw", f"{give} 10.85.9.9/32", f"{give} {address}/32"):
            here, there = pair.both()
    finally:
        pair.resume_agent("gw")
    assert pair.causes(there) == {"allowed-ips"}
    assert f"gw0 takes 10.85.9.9/32 from home-1, and should take {address}/32" in there["allowed-ips"]["what"]
    assert pair.causes(here) == {"not-carrying"}
    assert "the gateway's allowed IPs for it are wrong" in here["not-carrying"]["fix"]


def test_allowed_ips_that_are_wrong_at_the_node(pair: Pair) -> None:
    key = pair.key("gw")
    pair.pause_agent("home-1")
    try:
        give = f"wg set gw0 peer {key} allowed-ips "
        with changed(pair, "home-1", f"{give} 10.85.9.9/32", f"{give} 10.85.0.1/32"):
            here, there = pair.both()
    finally:
        pair.resume_agent("home-1")
    assert pair.causes(here) == {"allowed-ips"}
    assert "10.85.9.9/32 → 10.85.0.1/32" in here["allowed-ips"]["what"]
    assert pair.causes(there) == {"not-carrying"}
    assert "its device's allowed IPs are wrong" in there["not-carrying"]["fix"]


def test_a_clock_that_was_ahead_and_was_set_right(pair: Pair) -> None:
    """The gateway has seen a stamp of the edge's from two hours on, and takes no older one."""
    ahead = int(time.time()) + 7200
    state = "/var/lib/gridwire/agent"
    told = {
        "private": pair.run("home-1", "cat", f"{state}/node.key").strip(),
        "public": pair.key("gw"),
        "to": "203.0.113.7:51820",
        "stamp": ahead,
    }
    with changed(pair, "home-1", f"touch -d @{ahead} {state}/spec.json", f"touch {state}/spec.json"):
        pair.lab.host("home-1").run([sys.executable, FORGE], input_text=json.dumps(told))
        new_device(pair)
        until(lambda: "gw0" in pair.run("home-1", "ip", "-br", "link"))
        here, there = pair.both(*SHORT)
        # What its own agent would do after three minutes.
        pair.run("gw", "wg", "set", "gw0", "peer", pair.key("home-1"), "remove")
    assert pair.causes(there) == {"clock"}
    assert "was ahead when it last shook hands" in there["clock"]["what"]
    assert "none was answered" in there["clock"]["evidence"]
    assert "the clock is behind, or was ahead and was set back" in here["clock-behind"]["what"]


def test_a_clock_that_is_wrong_now_is_told_by_what_its_handshakes_are_stamped(pair: Pair) -> None:
    """The edge's handshakes of yesterday: its device is silent, and something else calls with its key."""
    told = {
        "private": pair.run("home-1", "cat", "/var/lib/gridwire/agent/node.key").strip(),
        "public": pair.key("gw"),
        "to": "203.0.113.7:51820",
        "stamp": time.time() - 86_400,
    }
    script = (
        "import json, subprocess, sys, time\n"
        "told = sys.stdin.read()\n"
        "while True:\n"
        "    subprocess.run([sys.executable, sys.argv[1]], input=told, text=True, stdout=subprocess.DEVNULL)\n"
        "    time.sleep(1)\n"
    )
    with changed(pair, "home-1", "ip link set gw0 down", "ip link set gw0 up"):
        pair.pause_agent("home-1")
        calling = pair.lab.host("home-1").start([sys.executable, "-c", script, FORGE], stdin=PIPE)
        try:
            calling.stdin.write(json.dumps(told))
            calling.stdin.close()
            there = {one["id"]: one for one in pair.doctor("gw", "home-1", *SHORT)["findings"]}
        finally:
            calling.kill()
            calling.wait(10)
            calling.stdout.close()
            calling.stderr.close()
            pair.resume_agent("home-1")
    assert pair.causes(there) == {"clock"}
    assert "its handshakes are stamped 24 hours behind this clock" in there["clock"]["what"]


@pytest.mark.slow  # fills the table of this kernel's default, 262,144 flows; what it names depends on none being free
def test_a_connection_table_that_is_full(pair: Pair) -> None:
    """The gateway's, with as many real flows as it holds: what comes from a new port is lost."""
    filling = pair.lab.host("gw").start([sys.executable, FILL], stdin=PIPE)
    try:
        assert filling.stdout.readline().strip() == "full", filling.stderr.read()
        another_port(pair, 45999)
        new_device(pair)
        here, there = pair.both(*SHORT)
        filling.stdin.close()
        filling.wait(60)
        until(pair.carries, 90)
    finally:
        filling.kill()
        filling.wait(10)
        for stream in (filling.stdin, filling.stdout, filling.stderr):
            stream.close()
    assert "conntrack" in there, (sorted(there), there.get("conntrack-full"), there.get("conntrack-tight"))
    assert "packets of home-1 are lost in this host's connection table" in there["conntrack"]["what"]
    assert "conntrack-full" in there
    assert pair.causes(here) == {"not-answered"}, "an echo to its host is a new flow, too"
    assert "gridwire doctor NODE" in here["not-answered"]["fix"]
