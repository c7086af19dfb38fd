"""One suite for every backend: apply followed by observe equals what was asked.

A real backend runs each case in a child with network and mount namespaces of its own and an empty /run: this
file is run there as a script, `test_wireguard_contract.py CASE BACKEND DIRECTORY`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from gridwire.adapters.wireguard import (
    Backend,
    KernelBackend,
    MemoryBackend,
    UserspaceBackend,
    new_private_key,
    public_of,
)
from gridwire.adapters.wireguard.binary import find_binary
from gridwire.adapters.wireguard.links import read_blackholes
from gridwire.adapters.wireguard.uapi import serving_pid
from gridwire.adapters.wireguard.wg import find_wg
from gridwire.agent.mesh import MeshSection, apply_to
from gridwire.core.actions import Action
from gridwire.core.errors import Conflict, Unavailable
from gridwire.core.mesh import plan_mesh
from gridwire.core.mesh_actions import AddBlackhole, KillSockets, PeerConfig, RenewPeer, SetEndpoint
from gridwire.core.mesh_memory import MeshMemory, having_seen
from gridwire.core.names import Interface, NodeName
from gridwire.core.observed import Known
from gridwire.core.wireguard import MeshObserved, MeshSpec, Peer, PeerSeen, PublicKey

# With a process namespace too: whatever a case started ends with it, also where it failed or hung.
OWN_NAMESPACES = ["unshare", "-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
# An emulated machine, as that of `make test-kernel`, takes its time; no case waits longer for that where it is not.
PATIENCE = float(os.environ.get("GRIDWIRE_TEST_PATIENCE", "1"))
GW0 = Interface("gw0")
PREFIX = ip_network("10.85.0.0/16")
ULA = ip_network("fd85:1:2::/64")


class World:
    """One host: a backend, a key, and what was done to it."""

    def __init__(self, backend: Backend, directory: Path) -> None:
        self.backend = backend
        self.directory = directory
        self.private_key = directory / "node.key"
        private = new_private_key()
        self.private_key.touch(0o600)
        self.private_key.write_text(private)
        self.public_key = public_of(private)

    def plan(self, spec: MeshSpec, memory: MeshMemory | None = None) -> tuple[Action, ...]:
        return plan_mesh(spec, self.public_key, self.backend.observe(GW0), datetime.now(UTC), memory=memory)

    def make(self, spec: MeshSpec, memory: MeshMemory | None = None) -> MeshObserved:
        """Plan, apply and observe; the device as it then is."""
        self.backend.start(GW0)
        for action in self.plan(spec, memory):
            self.apply(action)
        return self.device()

    def apply(self, action: Action) -> None:
        if not isinstance(action, KillSockets):
            apply_to(self.backend, action, self.private_key)

    def device(self) -> MeshObserved:
        observed = self.backend.observe(GW0)
        assert isinstance(observed, Known), observed
        assert observed.value is not None
        return observed.value

    def peer(self, key: PublicKey) -> PeerSeen:
        return next(peer for peer in self.device().peers if peer.public_key == key)


def a_key() -> PublicKey:
    return public_of(new_private_key())


def a_peer(name: str, address: str, *, endpoint: str | None = None, keepalive: int = 0) -> Peer:
    return Peer(
        node=NodeName(name),
        public_key=a_key(),
        allowed_ips=(ip_network(address),) if address else (),
        endpoint=endpoint,
        keepalive=keepalive,
    )


def a_spec(*peers: Peer, address: str = "10.85.0.1", port: int = 51820, mtu: int = 1400) -> MeshSpec:
    host = ip_address(address)
    return MeshSpec(
        interface=GW0,
        address=host,
        prefix=PREFIX if host.version == 4 else ULA,
        listen_port=port,
        mtu=mtu,
        peers=tuple(sorted(peers, key=lambda peer: peer.public_key)),
    )


# --- cases for every backend -----------------------------------------------------------------------------------


def case_nothing_is_known_to_be_nothing(world: World) -> None:
    assert world.backend.observe(GW0) == Known(None)
    world.backend.stop(GW0)


def case_apply_then_observe_is_what_was_asked(world: World) -> None:
    edge = a_peer("edge-1", "10.85.1.0/32", keepalive=15)
    gateway = a_peer("gw-2", "10.85.0.2/32", endpoint="192.0.2.7:4500", keepalive=25)
    silent = a_peer("leaked", "")
    device = world.make(a_spec(edge, gateway, silent))
    assert device.public_key == world.public_key
    assert device.listen_port == 51820
    assert device.mtu == 1400
    assert device.up
    assert device.addresses == (ip_address("10.85.0.1"),)
    assert device.routes == (PREFIX,)
    assert device.blackholes == (PREFIX,)
    assert device.kind == world.backend.kind
    peers = {peer.public_key: peer for peer in device.peers}
    assert peers.keys() == {edge.public_key, gateway.public_key, silent.public_key}
    assert peers[edge.public_key].allowed_ips == edge.allowed_ips
    assert peers[edge.public_key].endpoint is None
    assert peers[edge.public_key].keepalive == 15
    assert peers[gateway.public_key].endpoint == "192.0.2.7:4500"
    assert peers[gateway.public_key].keepalive == 25
    assert peers[silent.public_key].allowed_ips == ()
    assert world.plan(a_spec(edge, gateway, silent)) == ()


def case_every_part_changes_alone(world: World) -> None:
    one, two = a_peer("one", "10.85.1.1/32"), a_peer("two", "10.85.1.2/32", keepalive=15)
    world.make(a_spec(one, two))
    for spec in (
        a_spec(one, two, mtu=1300),
        a_spec(one, two, port=51900),
        a_spec(one, two, port=0),
        a_spec(one, replace(two, keepalive=0)),
        a_spec(replace(one, allowed_ips=()), replace(two, allowed_ips=one.allowed_ips)),  # an address moves
        a_spec(replace(one, allowed_ips=two.allowed_ips), replace(two, allowed_ips=one.allowed_ips)),  # two swap
        a_spec(two),
        a_spec(two, address="10.85.0.9"),
        a_spec(),
    ):
        device = world.make(spec)
        assert world.plan(spec) == ()
        assert {peer.public_key: peer.allowed_ips for peer in device.peers} == {
            peer.public_key: peer.allowed_ips for peer in spec.peers
        }
        assert device.addresses == (spec.address,)


def case_a_new_own_key(world: World) -> None:
    peer = a_peer("edge-1", "10.85.1.0/32")
    world.make(a_spec(peer))
    private = new_private_key()
    world.private_key.write_text(private)
    world.public_key = public_of(private)
    device = world.make(a_spec(peer))
    assert device.public_key == public_of(private)
    assert [seen.public_key for seen in device.peers] == [peer.public_key]


def case_ipv6_mesh(world: World) -> None:
    peer = a_peer("edge-1", "fd85:1:2::100/128")
    spec = a_spec(peer, address="fd85:1:2::1")
    device = world.make(spec)
    assert device.addresses == (ip_address("fd85:1:2::1"),)
    assert ULA in device.routes
    assert device.blackholes == (ULA,)
    assert world.plan(spec) == ()


def case_endpoint_by_name(world: World) -> None:
    peer = a_peer("gw", "10.85.0.2/32", endpoint="localhost:4500", keepalive=15)
    world.make(a_spec(peer))
    assert world.peer(peer.public_key).endpoint in ("127.0.0.1:4500", "[::1]:4500")
    assert world.peer(peer.public_key).keepalive == 15


def case_a_name_without_answer_holds_nothing_else_up(world: World) -> None:
    lost = a_peer("gw", "10.85.0.2/32", endpoint="gw.invalid:4500", keepalive=15)
    edge = a_peer("edge-1", "10.85.1.0/32")
    with pytest.raises(Unavailable, match=r"gw\.invalid does not resolve"):
        world.make(a_spec(lost, edge))
    device = world.device()
    assert device.up
    assert {peer.public_key for peer in device.peers} == {lost.public_key, edge.public_key}
    just_tried = MeshMemory(tried={lost.public_key: datetime.now(UTC)})
    assert world.plan(a_spec(lost, edge), just_tried) == ()
    assert [type(action) for action in world.plan(a_spec(lost, edge))] == [SetEndpoint]


def case_renewed_peer_is_the_same_peer(world: World) -> None:
    peer = a_peer("edge-1", "10.85.1.0/32", keepalive=15)
    world.make(a_spec(peer))
    before = world.peer(peer.public_key)
    config = PeerConfig(public_key=peer.public_key, allowed_ips=peer.allowed_ips, endpoint="192.0.2.1:7", keepalive=15)
    world.apply(RenewPeer(reason="test", interface=GW0, peer=config))
    assert world.peer(peer.public_key) == replace(before, endpoint="192.0.2.1:7")


def case_start_adopts_and_stop_leaves_the_blackhole(world: World) -> None:
    world.make(a_spec())
    world.backend.start(GW0)
    assert world.device().public_key == world.public_key
    world.backend.stop(GW0)
    world.backend.stop(GW0)
    assert world.backend.observe(GW0) == Known(None)
    world.apply(AddBlackhole(reason="again", prefix=PREFIX))
    if not isinstance(world.backend, MemoryBackend):
        assert read_blackholes() == (PREFIX,)


def case_taken_port_is_told(world: World) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 51999))
        with pytest.raises(Conflict, match=r"51999 is taken by .+ \(process \d+\)") as raised:
            world.make(a_spec(port=51999))
    assert raised.value.code == "port-taken"


EVERYWHERE: dict[str, Callable[[World], None]] = {
    name.removeprefix("case_"): case for name, case in list(globals().items()) if name.startswith("case_")
}


# --- cases with packets ----------------------------------------------------------------------------------------


def run(*argv: str, stdin: str = "") -> str:
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=True, timeout=20 * PATIENCE).stdout


def wait_for(what: Callable[[], bool], seconds: float = 10.0) -> float:
    """Seconds until it held; fail where it does not in time."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds * PATIENCE, f"not so within {seconds * PATIENCE:g} s"
        time.sleep(0.01)
    return time.monotonic() - began


class Other:
    """A second host on a veth, 192.0.2.2, with a plain WireGuard device: 10.85.1.0, peer of 10.85.0.1."""

    def __init__(self, gateway: PublicKey) -> None:
        self.holder = subprocess.Popen(
            ["unshare", "-n", "-m", "--propagation", "private", "sh", "-c", "mount -t tmpfs none /run && exec cat"],
            stdin=subprocess.PIPE,
        )
        own = Path("/proc/self/ns/net").readlink()
        wait_for(lambda: Path(f"/proc/{self.holder.pid}/ns/net").readlink() != own)
        wait_for(lambda: Path(f"/proc/{self.holder.pid}/comm").read_text().strip() == "cat")
        run("ip", "link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", str(self.holder.pid))
        run("ip", "addr", "add", "192.0.2.1/24", "dev", "wan")
        run("ip", "link", "set", "wan", "up")
        self.inside("ip", "addr", "add", "192.0.2.2/24", "dev", "wan")
        self.inside("ip", "link", "set", "wan", "up")
        private = new_private_key()
        self.public_key = public_of(private)
        self.device = subprocess.Popen([*self._enter, find_binary(), "-f", "gw0"], stderr=subprocess.DEVNULL)
        wait_for(lambda: subprocess.run([*self._enter, "wg", "show", "gw0"], capture_output=True).returncode == 0)
        self.inside("wg", "set", "gw0", "private-key", "/dev/stdin", "listen-port", "4500", stdin=private)
        self.inside("ip", "addr", "add", "10.85.1.0/32", "dev", "gw0")
        self.inside("ip", "link", "set", "gw0", "up")
        self.inside("ip", "route", "add", "10.85.0.0/16", "dev", "gw0")
        self.inside("wg", "set", "gw0", "peer", gateway, "allowed-ips", "10.85.0.1/32")

    @property
    def _enter(self) -> list[str]:
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m"]

    def inside(self, *argv: str, stdin: str = "") -> str:
        return run(*self._enter, *argv, stdin=stdin)

    def says_something(self) -> None:
        self.inside("bash", "-c", "for i in 1 2 3 4 5; do echo hello > /dev/udp/10.85.0.1/9; done")

    def close(self) -> None:
        self.device.terminate()
        self.device.wait()
        assert self.holder.stdin is not None
        self.holder.stdin.close()
        self.holder.wait()


@contextmanager
def two_hosts(world: World) -> Iterator[tuple[Other, Peer]]:
    other = Other(world.public_key)
    try:
        yield (
            other,
            Peer(
                node=NodeName("edge-1"),
                public_key=other.public_key,
                allowed_ips=(ip_network("10.85.1.0/32"),),
                endpoint="192.0.2.2:4500",
                keepalive=15,
            ),
        )
    finally:
        world.backend.stop(GW0)
        other.close()


def pings() -> bool:
    """Whether 10.85.1.0 answers one ICMP echo (RFC 792) through the mesh within a second."""
    echo = struct.pack("!BBHHH", 8, 0, 0xF7F5, 10, 0)  # checksum of exactly this header
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
        icmp.settimeout(1.0)
        try:
            icmp.sendto(echo, ("10.85.1.0", 0))
            while (answer := icmp.recvfrom(256))[1][0] != "10.85.1.0" or answer[0][20] != 0:
                pass
        except OSError:
            return False
    return True


def received_packets() -> int:
    return int(Path("/sys/class/net/gw0/statistics/rx_packets").read_text())


def packet_shaken_hands_ping_and_roam(world: World) -> None:
    with two_hosts(world) as (other, peer):
        world.make(a_spec(peer))
        wait_for(pings)
        seen = world.peer(peer.public_key)
        assert seen.latest_handshake is not None
        assert abs(datetime.now(UTC) - seen.latest_handshake) < timedelta(seconds=30)
        assert seen.received_bytes > 0
        other.inside("wg", "set", "gw0", "listen-port", "4600")
        other.says_something()
        wait_for(lambda: world.peer(peer.public_key).endpoint == "192.0.2.2:4600")
        assert world.plan(a_spec(peer)) == (), "a roamed peer with a fresh handshake is no difference"


def packet_removed_peer_is_cut(world: World) -> None:
    with two_hosts(world) as (other, peer):
        world.make(a_spec(peer))
        wait_for(pings)
        world.make(a_spec())
        before = received_packets()
        other.says_something()
        assert not pings()
        assert received_packets() == before
        world.make(a_spec(peer))
        wait_for(pings)
        assert received_packets() > before, "the count must be able to fail"


def packet_comes_back_after_a_kill_and_starts_the_handshake(world: World) -> None:
    """The peer never calls by itself: only the endpoint that was remembered brings the tunnel back."""
    with two_hosts(world) as (_, peer):
        world.make(a_spec(peer))
        wait_for(pings)
        memory = having_seen(MeshMemory(), world.device(), datetime.now(UTC))
        calls_us = replace(peer, endpoint=None)
        kill_device(world)
        world.make(a_spec(calls_us), memory)
        assert world.peer(peer.public_key).endpoint == "192.0.2.2:4500"
        wait_for(pings)


def packet_nothing_in_clear_while_the_device_is_dead(world: World) -> None:
    with two_hosts(world) as (_, peer):
        run("ip", "route", "add", "default", "via", "192.0.2.2", "dev", "wan")
        world.make(a_spec(peer))
        wait_for(pings)
        kill_device(world)
        assert mesh_packets_in_clear() == 0
        run("ip", "route", "del", "blackhole", "10.85.0.0/16")
        assert mesh_packets_in_clear() > 0, "the count must be able to fail"
        world.make(a_spec(peer))
        kill_device(world)
        assert mesh_packets_in_clear() == 0


def packet_section_saves_endpoints_and_uses_them(world: World) -> None:
    with two_hosts(world) as (_, peer):
        world.make(a_spec(peer))
        wait_for(pings)
        section = MeshSection(world.private_key, world.directory, world.backend)
        section.observe()
        assert json.loads((world.directory / "endpoints.json").read_text()) == {peer.public_key: "192.0.2.2:4500"}


def kill_device(world: World) -> None:
    """As hard as the kind of device can die."""
    pid = serving_pid(GW0)
    if pid is None:
        world.backend.stop(GW0)
        return
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not Path("/sys/class/net/gw0").exists())


def mesh_packets_in_clear() -> int:
    """Send to the mesh; how many packets for it, of any source, went out of the other link."""
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as sniffer,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sniffer.bind(("wan", 0))
        sniffer.setblocking(False)
        for port in range(1000, 1020):
            for target in ("10.85.1.0", "10.85.77.7"):
                try:
                    sender.sendto(b"secret", (target, port))
                except OSError:
                    continue
        count, end = 0, time.monotonic() + 0.3
        while time.monotonic() < end:
            try:
                packet, _ = sniffer.recvfrom(2048)
            except BlockingIOError:
                time.sleep(0.005)
                continue
            count += packet[:1] == b"\x45" and packet[16:18] == bytes([10, 85])
        return count


PACKETS: dict[str, Callable[[World], None]] = {
    name.removeprefix("packet_"): case for name, case in list(globals().items()) if name.startswith("packet_")
}


# --- the tests -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", EVERYWHERE)
def test_memory(case: str, tmp_path: Path) -> None:
    memory = MemoryBackend(names={"localhost": "127.0.0.1"}, taken=frozenset({51999}))
    EVERYWHERE[case](World(memory, tmp_path))


@pytest.mark.netns
@pytest.mark.parametrize("case", [*EVERYWHERE, *PACKETS])
def test_wireguard_go(case: str, tmp_path: Path) -> None:
    _in_namespaces(case, "wireguard-go", tmp_path)


@pytest.mark.netns
@pytest.mark.kernel
@pytest.mark.parametrize("case", [*EVERYWHERE, *PACKETS])
def test_kernel(case: str, tmp_path: Path) -> None:
    tried = subprocess.run(
        ["unshare", "-n", "ip", "link", "add", "type", "wireguard"], capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"this kernel has no WireGuard: ip link add says {tried.stderr.strip()!r}")
    _in_namespaces(case, "kernel", tmp_path)


def _in_namespaces(case: str, backend: str, directory: Path) -> None:
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        pytest.skip("network namespaces need root and /dev/net/tun")
    done = subprocess.run(
        [*OWN_NAMESPACES, sys.executable, __file__, case, backend, str(directory)],
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _main(case: str, backend: str, directory: str) -> None:
    run("mount", "-t", "tmpfs", "none", "/run")
    run("mount", "-t", "sysfs", "none", "/sys")  # the old one shows the links of the host
    run("ip", "link", "set", "lo", "up")
    wg = find_wg()
    chosen: Backend = KernelBackend(wg) if backend == "kernel" else UserspaceBackend(wg, find_binary())
    world = World(chosen, Path(directory))
    try:
        {**EVERYWHERE, **PACKETS}[case](world)
    finally:
        chosen.stop(GW0)


if __name__ == "__main__":
    assert shutil.which("wg")
    _main(*sys.argv[1:])
