"""Who may reach a socket is said beforehand; here everybody tries, and gets what was said and nothing else.

Every address that a socket may be bound to, with every device that it may be bound to, and every set of roles that its
port may be open to: read by the reader that agents use, tried by a neighbour, a container, nodes of two roles, and the
host itself.
"""

from __future__ import annotations

import itertools
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import pytest

from gridwire.adapters.machine import read_links
from gridwire.adapters.sockets import SocketReader
from gridwire.core.exposure import Exposure, Realm, Standpoint, expose
from gridwire.core.guard import GuardSpec
from gridwire.core.listening import Listening
from gridwire.core.names import Interface

pytestmark = pytest.mark.netns

PATIENCE = 1.5  # seconds in which whoever answers has; a handshake takes microseconds
SO_BINDTODEVICE = 25
ROLES = ((), ("edge",), ("edge", "operator"))
DEVICES = ("", "eth0", "gw0", "lo")
Target = tuple[str, int, str]  # protocol, port, address


@dataclass(frozen=True)
class Bound:
    protocol: str
    address: str
    device: str
    both: bool
    roles: tuple[str, ...]
    port: int


def bound_sockets(grid: Any) -> list[Bound]:
    four = grid.version == 4
    wild = "0.0.0.0" if four else "::"
    places = [(address, False) for address in (grid.address, grid.link, grid.bridge, grid.loopback, wild)]
    places += [] if four else [(wild, True), ("0.0.0.0", False)]
    ports = itertools.count(20_000)
    found = [
        Bound(protocol, address, device, both, roles, next(ports))
        for protocol, roles_of in (("tcp", ROLES), ("udp", ((),)))
        for (address, both), device, roles in itertools.product(places, DEVICES, roles_of)
    ]
    # Bound before its address is there, as nginx may be.
    return [*found, Bound("tcp", "10.85.9.9" if four else "fd12:85::909", "", False, ("edge",), next(ports))]


def open_socket(wanted: Bound) -> socket.socket | None:
    """None where the kernel takes no such socket."""
    family = socket.AF_INET6 if ":" in wanted.address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM if wanted.protocol == "tcp" else socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not wanted.both))
    if wanted.device:
        made.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, wanted.device.encode() + b"\0")
    try:
        made.bind((wanted.address, wanted.port))
    except OSError:
        made.close()
        return None
    if wanted.protocol == "tcp":
        made.listen()
    return made


def answering(sockets: list[socket.socket], ending: threading.Event) -> None:
    """Datagrams come back; the kernel takes connections by itself."""
    with suppress(OSError, ValueError):
        while not ending.is_set():
            for each in select.select(sockets, [], [], 0.1)[0]:
                _, sender = each.recvfrom(64)
                with suppress(OSError):
                    each.sendto(b"200", sender)


def sweep(targets: list[Target], source: str) -> set[Target]:
    """Those that answer, asked all at once."""
    asked: dict[int, Target] = {}
    answered: set[Target] = set()
    poll = select.poll()
    with ExitStack() as opened:
        for target in targets:
            protocol, port, address = target
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            one = opened.enter_context(socket.socket(family, kind))
            one.setblocking(False)
            with suppress(OSError):
                if source and (":" in source) == (":" in address):
                    one.bind((source, 0))
                one.connect_ex((address, port))
                if protocol == "udp":
                    one.send(b"x")
                asked[one.fileno()] = target
                poll.register(one, select.POLLOUT if protocol == "tcp" else select.POLLIN)
        until = time.monotonic() + PATIENCE
        while asked and (left := until - time.monotonic()) > 0:
            for descriptor, event in poll.poll(left * 1000):
                poll.unregister(descriptor)
                target = asked.pop(descriptor)
                if not event & (select.POLLERR | select.POLLHUP):
                    answered.add(target)
    return answered


def may(exposure: Exposure, realm: Realm, who: str = "") -> bool:
    ways = [way for way in exposure.ways if way.realm is realm]
    return any(way.open and (not who or who in way.who) for way in ways)


CALLERS: dict[str, Callable[[Exposure], bool]] = {
    "neighbour": lambda exposure: may(exposure, Realm.LINK, "eth0"),
    "container": lambda exposure: may(exposure, Realm.LINK, "ctr0"),
    "edge": lambda exposure: may(exposure, Realm.MESH, "edge"),
    "operator": lambda exposure: may(exposure, Realm.MESH, "operator"),
    "host": lambda exposure: may(exposure, Realm.HOST),
}


def test_everybody_reaches_what_was_said_and_nothing_else(grid: Any) -> None:
    gateway = grid.gateway
    if grid.version == 6:  # what hears both families has an address of either
        gateway.ip("addr", "add", "192.0.2.1/24", "dev", "eth0")
        grid.stranger.ip("addr", "add", "192.0.2.66/24", "dev", "eth0")
    wanted = bound_sockets(grid)
    grid.stranger.ip(
        "route", "add", grid.bridge, "via", grid.link
    )  # which is another link's, and answered all the same
    spec = guard_for(grid, wanted)
    grid.guard(spec)
    with ExitStack() as opened:
        pairs = [(one, made) for one in wanted if (made := gateway.do(open_socket, one)) is not None]
        for _, made in pairs:
            opened.enter_context(made)
        assert len(pairs) > len(wanted) * 3 // 4
        ending = threading.Event()
        opened.callback(ending.set)
        udp = [made for one, made in pairs if one.protocol == "udp"]
        threading.Thread(target=answering, args=(udp, ending), daemon=True).start()

        read = gateway.do(SocketReader().read)
        seen = {(one.protocol, one.port): one for one in read}
        predicted = predictions(gateway, spec, [seen[one.protocol, one.port] for one, _ in pairs])
        addresses = [grid.address, grid.link, grid.bridge, *(["192.0.2.1"] if grid.version == 6 else [])]
        targets = [(one.protocol, one.port, address) for one, _ in pairs for address in addresses]
        own = [*targets, *((one.protocol, one.port, lo) for one, _ in pairs for lo in ("127.0.0.1", "::1"))]
        found = {
            "neighbour": grid.stranger.do(sweep, targets, ""),
            "container": grid.container.do(sweep, targets, ""),
            "edge": grid.peer.do(sweep, targets, grid.peer_address),
            "operator": grid.peer.do(sweep, targets, grid.other_peer),
            "host": gateway.do(sweep, own, ""),
        }
    wrong = []
    for one, _ in pairs:
        for caller, judge in CALLERS.items():
            reached = any((protocol, port) == (one.protocol, one.port) for protocol, port, _ in found[caller])
            if reached != judge(predicted[one.protocol, one.port]):
                wrong.append(  # all of them: one alone says little of the rule that is wrong
                    (caller, "reaches" if reached else "does not reach", one, predicted[one.protocol, one.port])
                )
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert all(found.values()), "each of them reaches something, so silence means something"


def guard_for(grid: Any, wanted: list[Bound]) -> GuardSpec:
    ports = {role: tuple(one.port for one in wanted if role in one.roles) for role in ("edge", "operator")}
    spec: GuardSpec = grid.spec(
        grid.opening("edge", grid.peer_address, ports=ports["edge"]),
        grid.opening("operator", grid.other_peer, ports=ports["operator"]),
    )
    return spec


def predictions(gateway: Any, spec: GuardSpec, listed: list[Listening]) -> dict[tuple[str, int], Exposure]:
    seen = Standpoint(guard=spec, stands=True, links=gateway.do(read_links))
    return {(one.protocol, one.port): expose(one, seen) for one in listed}


def test_the_reader_sees_what_was_bound_and_no_connection(grid4: Any) -> None:
    gateway = grid4.gateway
    wanted = [
        Bound("tcp", "0.0.0.0", "", False, (), 20_001),
        Bound("tcp", grid4.address, "", False, (), 20_002),
        Bound("udp", "0.0.0.0", "eth0", False, (), 20_003),
        Bound("tcp", "::", "", True, (), 20_004),
        Bound("tcp", "::", "", False, (), 20_005),
        Bound("tcp", "::ffff:127.0.0.1", "", True, (), 20_006),
    ]
    reader = SocketReader()
    with ExitStack() as opened:
        for one in wanted:
            opened.enter_context(gateway.do(open_socket, one))
        opened.enter_context(gateway.do(unix_listener))
        client, asking = gateway.do(connected, 20_001)
        opened.enter_context(client)
        opened.enter_context(asking)
        read = [one for one in gateway.do(reader.read) if one.port >= 20_000]
    told = [(one.protocol, str(one.address), one.device, one.both, one.port) for one in read]
    assert told == [
        ("tcp", "0.0.0.0", None, False, 20_001),
        ("tcp", grid4.address, None, False, 20_002),
        ("tcp", "::", None, True, 20_004),
        ("tcp", "::", None, False, 20_005),
        ("tcp", "127.0.0.1", None, False, 20_006),
        ("udp", "0.0.0.0", Interface("eth0"), False, 20_003),
    ]
    assert all((one.process, one.uid) == (read[0].process, 0) and one.process for one in read)
    assert [one for one in gateway.do(reader.read) if one.port >= 20_000] == []


def unix_listener() -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind("\0gridwire-test-exposure")
    made.listen()
    return made


def connected(port: int) -> tuple[socket.socket, socket.socket]:
    """A connection, and a UDP socket that has asked somebody: neither waits for anybody."""
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.connect(("127.0.0.1", 9))
    return socket.create_connection(("127.0.0.1", port)), asking


def test_links_are_those_of_the_network_that_are_up(grid4: Any) -> None:
    gateway = grid4.gateway
    links = {str(link.name): link.addresses for link in gateway.do(read_links)}
    assert set(links) == {"eth0", "gw0", "ctr0"}
    assert ip_address(grid4.link) in links["eth0"]
    gateway.ip("link", "set", "ctr0", "down")
    assert {str(link.name) for link in gateway.do(read_links)} == {"eth0", "gw0"}
