"""Four hosts around one guard: a gateway, a stranger on its link, a mesh peer, a container.

The stranger has no key. It routes the mesh prefix by the gateway's link address and asks the listener that is
bound to the mesh address: without the guard it is answered, so every silence means something.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pyroute2 import netns

from gridwire.agent.guard import GuardSection
from gridwire.core.guard import GuardSpec, Opening, plan_guard
from gridwire.core.names import Interface

T = TypeVar("T")
SILENCE = 0.4  # seconds without an answer on a veth, whose round trip is microseconds
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000  # linux/sched.h
_serial = itertools.count()


class Host:
    """A network namespace and the one thread that lives in it."""

    def __init__(self, name: str) -> None:
        self.name = f"gwgd{os.getpid()}-{next(_serial)}-{name}"
        self.ip("netns", "add", self.name, inside=False)
        self._thread = ThreadPoolExecutor(1, initializer=lambda: netns.setns(self.name))
        self._open: list[socket.socket] = []
        self.ip("link", "set", "lo", "up")

    def do(self, work: Callable[..., T], *arguments: Any) -> T:
        return self._thread.submit(work, *arguments).result(timeout=60)

    def run(self, *argv: str, check: bool = True) -> str:
        done = self.do(lambda: subprocess.run(argv, capture_output=True, text=True, check=False))
        assert not check or done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout

    def ip(self, *argv: str, inside: bool = True) -> None:
        if inside:
            self.run("ip", *argv)
        else:
            subprocess.run(["ip", *argv], check=True)

    def sysctl(self, key: str, value: int) -> None:
        self.do(lambda: Path("/proc/sys", key).write_text(str(value)))

    def listen(self, address: str, port: int) -> None:
        """Answer every connection with "200" and what it was sent, until the namespace goes."""

        def bound() -> socket.socket:
            return socket.create_server((address, port), family=_family(address))

        server = self.do(bound)
        self._open.append(server)
        threading.Thread(target=_serve, args=(server,), daemon=True).start()

    def gets_nothing(self, address: str, port: int, *, source: str = "") -> bool:
        """Silence: no SYN-ACK, and neither RST nor ICMP error."""
        return self.asks(address, port, source=source, patience=SILENCE) == ""

    def asks(self, address: str, port: int, *, source: str = "", patience: float = 5) -> str:
        """What a TCP listener answers; "" where there is silence, "refused" for a RST or ICMP error."""

        def ask() -> str:
            with closing(socket.socket(_family(address))) as sock:
                sock.settimeout(patience)
                try:
                    if source:
                        sock.bind((source, 0))
                    sock.connect((address, port))
                    return sock.recv(64).decode()
                except TimeoutError:
                    return ""
                except OSError as error:
                    return f"refused {error}"

        return self.do(ask)

    def udp(self, address: str, port: int = 0) -> socket.socket:
        """A bound datagram socket; receiving gives up after SILENCE."""

        def bound() -> socket.socket:
            sock = socket.socket(_family(address), socket.SOCK_DGRAM)
            sock.bind((address, port))
            sock.settimeout(SILENCE)
            return sock

        return self.do(bound)

    def pings(self, address: str) -> bool:
        return self.do(_echoed, address)

    def own_files(self) -> None:
        """A mount namespace with /etc and /var/lib of its own over the machine's, and an empty /run."""

        def unshared() -> None:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(_CLONE_NEWNS | _CLONE_FS):
                raise OSError(ctypes.get_errno(), "unshare")

        self.do(unshared)
        self.run("mount", "--make-rprivate", "/")
        self.run("mount", "-t", "tmpfs", "tmpfs", "/run")
        for folder in ("/etc", "/var/lib"):
            upper, work = (f"/run/over{folder}/{part}" for part in ("upper", "work"))
            self.run("mkdir", "-p", upper, work)
            layers = f"lowerdir={folder},upperdir={upper},workdir={work}"
            self.run("mount", "-t", "overlay", "-o", layers, "overlay", folder)

    def close(self) -> None:
        for sock in self._open:
            sock.close()
        self._thread.shutdown()
        self.ip("netns", "del", self.name, inside=False)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _serve(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        connection.sendall(b"200")
        while data := connection.recv(4096):
            connection.sendall(data)


def _echoed(address: str) -> bool:
    """An ICMP echo request (RFC 792, RFC 4443 §4.1), answered within 5 s."""
    four = _family(address) == socket.AF_INET
    protocol = socket.IPPROTO_ICMP if four else socket.IPPROTO_ICMPV6
    with socket.socket(_family(address), socket.SOCK_RAW, protocol) as sock:
        sock.settimeout(5)
        # Type 8 or 128, code 0, checksum (the kernel's for ICMPv6), identifier 0, sequence 0.
        sock.sendto(bytes.fromhex("0800f7ff00000000" if four else "8000000000000000"), (address, 0))
        while True:
            data = sock.recv(2048)
            if data[20 if four else 0] == (0 if four else 129):
                return True


def wire(one: Host, one_name: str, other: Host, other_name: str) -> None:
    one.ip("link", "add", one_name, "type", "veth", "peer", "name", other_name, "netns", other.name)
    one.ip("link", "set", one_name, "up")
    other.ip("link", "set", other_name, "up")


def tunnel(grid: Grid) -> None:
    """A veth pair as gw0: with fixed neighbours, since WireGuard's devices know no ARP and no NDP."""
    wire(grid.gateway, "gw0", grid.peer, "gw0")
    ends = ((grid.gateway, (grid.address,)), (grid.peer, (grid.peer_address, grid.other_peer)))
    for (host, addresses), (other, others) in (ends, ends[::-1]):
        lladdr = other.run("ip", "-br", "link", "show", "gw0").split()[2]
        for address in addresses:
            options = ("nodad", *(("preferred_lft", "0") if address == grid.other_peer else ()))
            length = grid.mesh.split("/")[1]
            host.ip("addr", "add", f"{address}/{length}", "dev", "gw0", *(options if grid.version == 6 else ()))
        for address in others:
            host.ip("neigh", "replace", address, "lladdr", lladdr, "dev", "gw0", "nud", "permanent")


class Grid:
    """gateway: eth0 (link), gw0 (mesh), ctr0 (a container's bridge); ip_forward on, as where Docker runs."""

    def __init__(self, version: int, memory: Path) -> None:
        self.version = version
        four = version == 4
        self.mesh = "10.85.0.0/16" if four else "fd12:85::/48"
        self.address, self.peer_address = ("10.85.0.1", "10.85.1.7") if four else ("fd12:85::1", "fd12:85::107")
        self.other_peer = "10.85.1.8" if four else "fd12:85::108"
        self.link, self.stranger_address = ("192.0.2.1", "192.0.2.66") if four else ("2001:db8::1", "2001:db8::66")
        self.bridge, self.container_address = ("172.18.0.1", "172.18.0.2") if four else ("fd99::1", "fd99::2")
        self.loopback = "127.0.0.1" if four else "::1"
        self.memory = memory
        self.section = GuardSection(memory=memory)
        self.hosts: list[Host] = []
        self.gateway, self.stranger, self.peer, self.container = map(
            self._host, ("gateway", "stranger", "peer", "container")
        )
        wire(self.gateway, "eth0", self.stranger, "eth0")
        tunnel(self)
        wire(self.gateway, "ctr0", self.container, "eth0")
        lan = "24" if four else "64"
        for host, device, address in (
            (self.gateway, "eth0", f"{self.link}/{lan}"),
            (self.stranger, "eth0", f"{self.stranger_address}/{lan}"),
            (self.gateway, "ctr0", f"{self.bridge}/{lan}"),
            (self.container, "eth0", f"{self.container_address}/{lan}"),
        ):
            host.ip("addr", "add", address, "dev", device, *(() if four else ("nodad",)))
        self.stranger.ip("route", "add", self.mesh, "via", self.link)
        for host, via in ((self.container, self.bridge), (self.peer, self.address)):
            host.ip("route", "add", "default", "via", via)
        self.stranger.ip("route", "add", self.container_address, "via", self.link)
        self.gateway.sysctl("net/ipv4/ip_forward" if four else "net/ipv6/conf/all/forwarding", 1)
        self.gateway.listen(self.address, 80)
        self.gateway.listen(self.address, 2086)

    def _host(self, name: str) -> Host:
        self.hosts.append(Host(name))
        return self.hosts[-1]

    def tunnel(self) -> None:
        tunnel(self)

    def spec(self, *openings: Opening) -> GuardSpec:
        return GuardSpec(
            interface=Interface("gw0"),
            prefix=ip_network(self.mesh),
            address=ip_address(self.address),
            listen_port=51820,
            openings=openings or (self.opening("edge", self.peer_address),),
        )

    def opening(self, role: str, *addresses: str, ports: tuple[int, ...] = (80,)) -> Opening:
        return Opening(role=role, addresses=tuple(map(ip_address, addresses)), tcp_ports=ports)

    def guard(self, spec: GuardSpec | None = None, *only: type) -> None:
        """Apply the plan, or those actions of it alone that are of the given types."""

        def carry_out() -> None:
            for action in plan_guard(spec or self.spec(), self.section.observe()):
                if not only or isinstance(action, only):
                    self.section.apply(action)

        self.gateway.do(carry_out)

    def stands(self, spec: GuardSpec | None = None) -> bool:
        return not self.gateway.do(lambda: plan_guard(spec or self.spec(), self.section.observe()))

    def flood(self, *, first: int, packets: int, sender: socket.socket | None = None, size: int = 148) -> int:
        """Send packets to WireGuard's port as fast as can be; how many reached the socket behind it."""
        mine = sender or self.stranger.udp(self.stranger_address)
        got = 0
        with self.gateway.udp(self.link, 51820) as receiver:
            for _ in range(packets):
                mine.sendto(bytes([first]) + bytes(size - 1), (self.link, 51820))
            with suppress(TimeoutError):
                while receiver.recv(2048):
                    got += 1
        if sender is None:
            mine.close()
        return got

    def close(self) -> None:
        for host in self.hosts:
            host.close()


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def grid(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Grid]:
    made = Grid(request.param, tmp_path / "guard.json")
    yield made
    made.close()


@pytest.fixture
def grid6(tmp_path: Path) -> Iterator[Grid]:
    made = Grid(6, tmp_path / "guard.json")
    yield made
    made.close()


@pytest.fixture
def grid4(tmp_path: Path) -> Iterator[Grid]:
    made = Grid(4, tmp_path / "guard.json")
    yield made
    made.close()
