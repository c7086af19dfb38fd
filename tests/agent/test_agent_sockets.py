"""Control is told of sockets when they changed; and the guard's state is what it was read back to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from pydantic import TypeAdapter

from gridwire.agent.guard_keeper import GuardKeeper
from gridwire.agent.listening import Looked
from gridwire.agent.sockets import SocketTeller
from gridwire.core.errors import Unavailable
from gridwire.core.listening import Listening, Owner, settled, unit_of, with_owners
from gridwire.core.observed import Known
from gridwire.core.wireguard import MeshObserved
from gridwire.protocol.perimeter import SocketsSeen

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def at(address: str = "0.0.0.0", port: int = 22, **fields: Any) -> Listening:
    return Listening(
        **{"protocol": "tcp", "pid": 7, "process": "sshd", **fields}, address=ip_address(address), port=port
    )


def looked(*sockets: Listening) -> Looked:
    return Looked(sockets=sockets, left_out=0, links=(), localnet=(), firewalls=())


@dataclass
class Link:
    """Control, or its absence."""

    away: bool = False
    failures: int = 0
    told: list[SocketsSeen] = field(default_factory=list)

    async def send(self, call: Any) -> None:
        if self.away:
            self.failures += 1
            raise Unavailable("away", code="control-away")
        self.told.append(TypeAdapter(SocketsSeen).validate_json(call.body))


@dataclass
class Sockets:
    now: Looked = field(default_factory=looked)
    error: Exception | None = None
    ports: list[int] = field(default_factory=list)

    def look(self, spec: Any, port: int, *, thorough: bool) -> Looked:
        self.ports.append(port)
        if self.error is not None:
            raise self.error
        return self.now


@dataclass
class Told:
    link: Link
    sockets: Sockets
    teller: SocketTeller
    clock: list[datetime]
    observed: dict[str, Any]

    def step(self, *, refresh: bool = False) -> int:
        """How many times control was told so far."""
        self.clock[0] += timedelta(seconds=10)
        asyncio.run(self.teller._step(self.sockets, refresh=refresh, thorough=refresh))  # type: ignore[arg-type]
        return len(self.link.told)


@pytest.fixture
def told() -> Told:
    link, sockets, clock, observed = Link(), Sockets(looked(at())), [NOW], {}
    reconciler = type("R", (), {"observed": observed})()
    teller = SocketTeller("home-1", link, sockets, lambda: None, reconciler, lambda: clock[0], 10.0)  # type: ignore[arg-type]
    return Told(link, sockets, teller, clock, observed)


def test_control_is_told_once_and_again_when_something_changed(told: Told) -> None:
    assert told.step() == 1
    first = told.teller.mark
    assert told.step() == 1
    assert told.teller.mark is not None
    assert first is not None
    assert (told.teller.mark.digest, told.teller.mark.at) == (first.digest, first.at + timedelta(seconds=10))
    told.sockets.now = looked(at(), at(port=80))
    assert told.step() == 2
    assert told.teller.mark.digest != first.digest
    assert told.step(refresh=True) == 3


def test_a_control_that_was_away_may_know_nothing_any_more(told: Told) -> None:
    told.step()
    told.link.failures += 1  # of the agent's other questions, too
    assert told.step() == 2
    assert told.step() == 2


def test_what_could_not_be_told_is_not_said_to_be_known(told: Told) -> None:
    told.step()
    before = told.teller.mark
    told.link.away, told.sockets.now = True, looked(at(port=80))
    assert told.step() == 1
    assert told.teller.mark == before
    told.link.away = False
    assert told.step() == 2


def test_a_kernel_that_does_not_tell_is_a_finding_for_as_long_as_it_does_not(told: Told) -> None:
    told.sockets.error = Unavailable("the kernel does not tell its tcp sockets")
    assert told.step() == 0
    assert [finding.id for finding in told.teller.findings] == ["sockets-unread"]
    told.sockets.error = None
    assert told.step() == 1
    assert told.teller.findings == ()


def test_wireguards_port_is_the_one_that_the_device_has(told: Told) -> None:
    """An edge takes any that is free."""
    device = MeshObserved(
        interface="gw0",  # type: ignore[arg-type]
        kind="memory",
        public_key=None,
        listen_port=40123,
        mtu=1420,
        up=True,
        addresses=(),
        prefix_routed=True,
        blackholed=True,
        peers=(),
    )
    told.step()
    told.observed["mesh"] = Known(device)
    told.step()
    assert told.sockets.ports == [0, 40123]


@pytest.mark.parametrize(
    ("socket", "ours"),
    [
        (at("10.85.0.1", 80, pid=7), True),
        (at("10.85.0.1", 80, pid=8), False),
        (at("0.0.0.0", 9, pid=8, unit="gridwire-agent.service"), True),
        (at("0.0.0.0", 9, pid=8, unit="gridwired.service"), False),
        (at("0.0.0.0", 40123, protocol="udp", pid=None, process=""), True),
        (at("0.0.0.0", 40124, protocol="udp", pid=None, process=""), False),
        (at("127.0.0.1", 40123, protocol="udp", pid=None, process=""), False),
        (at("0.0.0.0", 40123, protocol="udp", pid=8), False),
        (at("10.85.0.1", 80, pid=None, process=""), True),
        (at("0.0.0.0", 80, pid=None, process=""), False),
    ],
    ids=str,
)
def test_which_are_gridwires(socket: Listening, ours: bool) -> None:
    (marked,) = with_owners([socket], pids={7}, udp_port=40123, listeners={(ip_address("10.85.0.1"), 80)})
    assert marked.owner is (Owner.OURS if ours else Owner.FOREIGN)


def test_no_port_of_wireguards_is_known_before_the_device_is() -> None:
    (marked,) = with_owners([at(port=0, protocol="udp", pid=None)], pids=(), udp_port=0, listeners=())
    assert marked.owner is Owner.FOREIGN


def test_a_question_on_its_way_is_no_listener() -> None:
    query, own = at(port=50000, protocol="udp"), at(port=50001, protocol="udp", owner=Owner.OURS)
    assert settled([at(), query, own], None) == (at(), query, own), "at first nobody knows how old they are"
    assert settled([at(), query, own], ()) == (at(), own)
    assert settled([at(), query, own], [query]) == (at(), query, own)


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/ssh.service\n", "ssh.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app.service\n", "app.service"),
        ("0::/user.slice/user-0.slice/session-3.scope", "session-3.scope"),
        (f"0::/system.slice/docker-{'ab' * 32}.scope\n", "docker:abababababab"),
        (f"0::/docker/{'cd' * 32}\n", "docker:cdcdcdcdcdcd"),
        (f"0::/machine.slice/libpod-{'ef' * 32}.scope/container", "podman:efefefefefef"),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{'12' * 32}.scope", "containerd:121212121212"),
        ("12:pids:/x\n1:name=systemd:/system.slice/nginx.service\n", "nginx.service"),
        ("0::/\n", ""),
        ("", ""),
    ],
)
def test_a_process_is_told_by_its_unit_or_container(cgroup: str, unit: str) -> None:
    assert unit_of(cgroup) == unit


@pytest.fixture
def keeper(host: Any) -> tuple[GuardKeeper, Any, list[datetime]]:
    clock = [NOW]
    section = host.guard
    return GuardKeeper(section, lambda: clock[0]), section, clock


def test_since_when_the_guard_stands_and_who_changed_it(
    keeper: tuple[GuardKeeper, Any, list[datetime]], gateway: Any, advance: Callable[[list[datetime]], datetime]
) -> None:
    guard, section, clock = keeper
    assert guard.seen is None
    spec = gateway.at(1)
    guard.keep(spec)
    assert guard.seen is not None
    assert (guard.seen.stands, guard.seen.since, guard.seen.repaired_at) == (True, NOW, None)
    later = advance(clock)
    guard.keep(gateway.without(2, "home-2"))
    assert (guard.seen.since, guard.seen.read_at, guard.seen.repaired_at) == (NOW, later, None), (
        "a new spec is no repair"
    )
    assert guard.seen.version == (1, 2)
    section.parts.clear()
    flushed = advance(clock)
    guard.heal(float("inf"))
    assert (guard.seen.stands, guard.seen.since, guard.seen.repaired_at) == (True, flushed, flushed)
    assert guard.seen.repaired
    section.unknown = "nft did not answer"
    advance(clock)
    guard.heal(float("inf"))
    assert (guard.seen.stands, guard.seen.since, guard.seen.repaired_at) == (None, None, flushed)
    assert "nft did not answer" in guard.seen.detail


@pytest.fixture
def advance() -> Callable[[list[datetime]], datetime]:
    def forward(clock: list[datetime]) -> datetime:
        clock[0] += timedelta(minutes=1)
        return clock[0]

    return forward
