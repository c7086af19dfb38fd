"""The plan of the mesh against devices in memory."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridwire.adapters.wireguard.memory import MemoryBackend
from gridwire.core.actions import Action
from gridwire.core.endpoint import join_endpoint, literal_endpoint, split_endpoint
from gridwire.core.errors import Invalid
from gridwire.core.mesh import RENEW_AGAIN, RESOLVE_AGAIN, plan_mesh
from gridwire.core.mesh_actions import (
    AddBlackhole,
    AwaitDevice,
    CreateDevice,
    KillSockets,
    RemovePeers,
    RenewPeer,
    SetEndpoint,
    SyncPeers,
)
from gridwire.core.mesh_memory import MeshMemory, having_applied, having_seen, only_of
from gridwire.core.names import Interface, NodeName
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import Tombstone
from gridwire.core.wireguard import MeshSpec, Peer, PublicKey

GW0 = Interface("gw0")
NOW = datetime(2030, 1, 1, tzinfo=UTC)
PREFIX = ip_network("10.85.0.0/16")
KEYS = [PublicKey(base64.b64encode(bytes([n]) * 32).decode()) for n in range(2, 14)]
OWN, ONE, TWO = KEYS[0], KEYS[1], KEYS[2]
NAMES = {"gw.example.com": "192.0.2.9", "gw2.example.com": "192.0.2.10"}


def peer(key: PublicKey = ONE, *addresses: str, **fields: object) -> Peer:
    made = Peer(node=NodeName(f"node-{KEYS.index(key)}"), public_key=key, allowed_ips=())
    return replace(made, allowed_ips=tuple(ip_network(a) for a in addresses), **fields)  # type: ignore[arg-type]


def spec(*peers: Peer, **fields: object) -> MeshSpec:
    made = MeshSpec(
        interface=GW0, address=ip_address("10.85.0.1"), prefix=PREFIX, listen_port=51820, mtu=1420, peers=peers
    )
    return replace(made, **fields)  # type: ignore[arg-type]


class Host:
    """A device in memory and what its agent remembers."""

    def __init__(self) -> None:
        self.backend = MemoryBackend(names=NAMES)
        self.memory = MeshMemory()

    def plan(self, wanted: MeshSpec, now: datetime = NOW, stones: Sequence[Tombstone] = ()) -> tuple[Action, ...]:
        observed = self.backend.observe(GW0)
        if isinstance(observed, Known) and observed.value is not None:
            self.memory = having_seen(self.memory, observed.value, now)
        return plan_mesh(wanted, OWN, observed, now, memory=self.memory, tombstones=tuple(stones))

    def apply(self, actions: Sequence[Action], now: datetime = NOW) -> None:
        for action in actions:
            if not isinstance(action, KillSockets):
                self.backend.apply(action, private_key=Path("unused"), conf="")
            self.memory = having_applied(self.memory, action, now)

    def become(self, wanted: MeshSpec, now: datetime = NOW, stones: Sequence[Tombstone] = ()) -> tuple[Action, ...]:
        actions = self.plan(wanted, now, stones)
        self.apply(actions, now)
        return actions


def kinds(actions: Sequence[Action]) -> list[type[Action]]:
    return [type(action) for action in actions]


@st.composite
def specs(draw: st.DrawFn) -> MeshSpec:
    keys = draw(st.lists(st.sampled_from(KEYS[1:]), unique=True, max_size=6))
    hosts = iter(draw(st.lists(st.integers(256, 300), unique=True, min_size=12, max_size=12)))
    peers = [
        Peer(
            node=NodeName(f"node-{KEYS.index(key)}"),
            public_key=key,
            allowed_ips=tuple(
                ip_network(f"{PREFIX.network_address + next(hosts)}/32") for _ in range(draw(st.integers(0, 2)))
            ),
            endpoint=draw(
                st.sampled_from([None, None, "192.0.2.1:51820", "gw.example.com:51820", "gw2.example.com:7"])
            ),
            keepalive=draw(st.sampled_from([0, 15, 25])),
            expires=draw(st.sampled_from([None, None, NOW - timedelta(seconds=1), NOW, NOW + timedelta(hours=1)])),
        )
        for key in keys
    ]
    return MeshSpec(
        interface=GW0,
        address=draw(st.sampled_from([ip_address("10.85.0.1"), ip_address("10.85.0.2")])),
        prefix=PREFIX,
        listen_port=draw(st.sampled_from([0, 51820, 4500])),
        mtu=draw(st.sampled_from([1280, 1420])),
        peers=tuple(peers),
    )


@st.composite
def hosts(draw: st.DrawFn) -> Host:
    """A host with some history: an earlier spec, handshakes from anywhere, of any age."""
    host = Host()
    if draw(st.booleans()):
        return host
    earlier = draw(specs())
    host.become(earlier, NOW - timedelta(days=1))
    observed = host.backend.observe(GW0)
    assert isinstance(observed, Known)
    assert observed.value is not None
    for seen in observed.value.peers:
        if draw(st.booleans()):
            age = draw(st.sampled_from([-3600, 0, 100, 136, 179, 181, 100_000]))
            host.backend.shake_hands(
                GW0,
                seen.public_key,
                draw(st.sampled_from(["198.51.100.7:1234", "192.0.2.1:51820"])),
                NOW - timedelta(seconds=age),
            )
    if draw(st.booleans()):
        host.backend.stop(GW0)
    return host


def stones() -> st.SearchStrategy[list[Tombstone]]:
    return st.lists(
        st.builds(
            Tombstone,
            node=st.just(NodeName("gone")),
            address=st.integers(256, 300).map(lambda n: PREFIX.network_address + n),
            public_key=st.sampled_from([None, *KEYS[1:]]),
        ),
        max_size=2,
    )


@settings(max_examples=150, deadline=None)
@given(hosts(), specs(), stones())
def test_converges_and_then_rests(host: Host, wanted: MeshSpec, dead: list[Tombstone]) -> None:
    host.become(wanted, NOW, dead)
    assert host.plan(wanted, NOW, dead) == ()
    observed = host.backend.observe(GW0)
    assert isinstance(observed, Known)
    assert observed.value is not None
    device = observed.value
    assert (device.public_key, device.mtu, device.up) == (OWN, wanted.mtu, True)
    assert device.addresses == (wanted.address,)
    assert PREFIX in device.routes
    assert PREFIX in device.blackholes
    assert wanted.listen_port in (0, device.listen_port)
    dead_keys = {stone.public_key for stone in dead}
    dead_prefixes = {ip_network(stone.address) for stone in dead}
    expected = {
        each.public_key: (frozenset(each.allowed_ips), each.keepalive)
        for each in wanted.peers
        if (each.expires is None or each.expires > NOW)
        and each.public_key not in dead_keys
        and not dead_prefixes & set(each.allowed_ips)
    }
    assert {seen.public_key: (frozenset(seen.allowed_ips), seen.keepalive) for seen in device.peers} == expected
    for each in wanted.peers:
        if each.public_key in expected and each.endpoint is not None:
            assert any(seen.public_key == each.public_key and seen.endpoint for seen in device.peers)


@settings(max_examples=60, deadline=None)
@given(hosts(), specs(), stones())
def test_every_action_says_why_and_what_is_gone_goes_first(host: Host, wanted: MeshSpec, dead: list[Tombstone]) -> None:
    actions = host.plan(wanted, NOW, dead)
    assert all(action.reason.strip() for action in actions)
    order = kinds(actions)
    if RemovePeers in order:
        assert order[0] is RemovePeers
    if CreateDevice in order:
        assert order.index(AddBlackhole) < order.index(CreateDevice)


@settings(max_examples=60, deadline=None)
@given(hosts(), specs(), stones())
def test_what_cannot_be_seen_is_not_touched(host: Host, wanted: MeshSpec, dead: list[Tombstone]) -> None:
    host.backend.hide("wg got no answer")
    actions = host.plan(wanted, NOW, dead)
    assert kinds(actions) == [AwaitDevice]
    assert "wg got no answer" in actions[0].reason


@settings(max_examples=60, deadline=None)
@given(specs(), specs())
def test_rollback_is_the_plan_of_the_snapshot(before: MeshSpec, after: MeshSpec) -> None:
    host = Host()
    host.become(before)
    host.become(after)
    host.become(before)
    assert host.plan(before) == ()


def test_expired_peer_goes_with_its_sockets_by_the_agents_own_clock() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.1.0/32", expires=NOW + timedelta(minutes=1)))
    host.become(wanted)
    assert host.plan(wanted, NOW + timedelta(seconds=59)) == ()
    removal, kill = host.plan(wanted, NOW + timedelta(minutes=1))
    assert isinstance(removal, RemovePeers)
    assert removal.public_keys == (ONE,)
    assert isinstance(kill, KillSockets)
    assert kill.addresses == (ip_address("10.85.1.0"),)


def test_address_that_moves_to_a_new_key_keeps_its_sockets() -> None:
    host = Host()
    host.become(spec(peer(ONE, "10.85.1.0/32")))
    actions = host.become(spec(peer(TWO, "10.85.1.0/32")))
    assert KillSockets not in kinds(actions)


def test_tombstones_bind_an_old_spec_that_still_names_the_node() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.1.0/32"), peer(TWO, "10.85.1.1/32"))
    host.become(wanted)
    stone = Tombstone(node=NodeName("node-1"), address=ip_address("10.85.1.0"), public_key=ONE)
    assert kinds(host.become(wanted, NOW, [stone])) == [RemovePeers, KillSockets]
    assert host.plan(wanted, NOW, [stone]) == ()
    host.memory = MeshMemory()
    assert kinds(host.plan(wanted, NOW, [stone])) == [KillSockets], "an agent that was restarted kills them again"


def test_sockets_that_would_not_die_are_killed_again() -> None:
    kill = KillSockets(reason="test", addresses=(ip_address("10.85.1.0"),))
    assert having_applied(MeshMemory(), kill, NOW, succeeded=False).killed == frozenset()


def test_roamed_endpoint_is_no_difference_until_its_handshake_is_stale() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.0.2/32", endpoint="gw.example.com:51820", keepalive=15))
    host.become(wanted)
    host.backend.shake_hands(GW0, ONE, "198.51.100.9:6000", NOW)
    assert host.plan(wanted, NOW + timedelta(seconds=135)) == ()
    later = NOW + timedelta(seconds=136)
    (action,) = host.become(wanted, later)
    assert isinstance(action, SetEndpoint)
    assert "198.51.100.9:6000 → gw.example.com:51820" in action.reason
    assert host.plan(wanted, later + RESOLVE_AGAIN - timedelta(seconds=1)) == ()
    assert kinds(host.plan(wanted, later + RESOLVE_AGAIN)) == [SetEndpoint]


def test_stale_literal_endpoint_that_stands_is_left_alone() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.0.2/32", endpoint="192.0.2.1:51820", keepalive=15))
    host.become(wanted)
    assert host.plan(wanted, NOW + timedelta(days=1)) == ()


def test_endpoint_of_one_who_calls_us_is_never_a_difference() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.1.0/32", keepalive=15))
    host.become(wanted)
    host.backend.shake_hands(GW0, ONE, "198.51.100.9:6000", NOW)
    assert host.plan(wanted, NOW + timedelta(seconds=170)) == ()


def test_new_device_calls_its_peers_where_they_were_last_seen() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.1.0/32", keepalive=15), peer(TWO, "10.85.1.1/32", keepalive=15))
    host.become(wanted)
    host.backend.shake_hands(GW0, ONE, "198.51.100.9:6000", NOW)
    host.plan(wanted)
    host.backend.stop(GW0)
    sync = next(action for action in host.plan(wanted) if isinstance(action, SyncPeers))
    assert {(each.public_key, each.endpoint, each.keepalive) for each in sync.peers} == {
        (ONE, "198.51.100.9:6000", 15),
        (TWO, None, 15),
    }


def test_silent_caller_is_renewed_once_in_five_minutes_and_keeps_its_endpoint() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.1.0/32", keepalive=15))
    host.become(wanted)
    host.backend.shake_hands(GW0, ONE, "198.51.100.9:6000", NOW)
    later = NOW + timedelta(seconds=181)
    (renewal,) = host.become(wanted, later)
    assert isinstance(renewal, RenewPeer)
    assert renewal.peer.endpoint == "198.51.100.9:6000"
    assert host.plan(wanted, later) == ()
    host.backend.shake_hands(GW0, ONE, "198.51.100.9:6000", NOW)
    assert host.plan(wanted, later + RENEW_AGAIN - timedelta(seconds=1)) == ()
    assert kinds(host.plan(wanted, later + RENEW_AGAIN)) == [RenewPeer]


def test_clock_that_was_set_back_does_not_hold_the_heal_up() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.1.0/32"))
    host.become(wanted)
    host.backend.shake_hands(GW0, ONE, "198.51.100.9:6000", NOW - timedelta(seconds=200))
    host.memory = replace(host.memory, renewed={ONE: NOW + timedelta(days=365)})
    assert kinds(host.plan(wanted)) == [RenewPeer]


def test_a_caller_whose_handshake_never_finished_is_renewed() -> None:
    """Its first message was taken, stamped by a clock a year ahead, and the answer lost: no later one is taken."""
    host = Host()
    wanted = spec(peer(ONE, "10.85.1.0/32", keepalive=15))
    host.become(wanted)
    assert host.plan(wanted, NOW) == ()
    assert host.plan(wanted, NOW + timedelta(seconds=180)) == ()
    later = NOW + timedelta(seconds=181)
    assert kinds(host.become(wanted, later)) == [RenewPeer]
    assert host.plan(wanted, later + RENEW_AGAIN - timedelta(seconds=1)) == ()
    host.backend.shake_hands(GW0, ONE, "198.51.100.9:6000", later + RENEW_AGAIN)
    assert host.plan(wanted, later + RENEW_AGAIN) == ()


def test_a_caller_that_is_stamped_ahead_of_a_clock_set_back_is_renewed_unless_it_lives() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.1.0/32", keepalive=15), peer(TWO, "10.85.1.1/32", keepalive=15))
    host.become(wanted)
    for key in (ONE, TWO):
        host.backend.shake_hands(GW0, key, "198.51.100.9:6000", NOW + timedelta(days=30))
    assert host.plan(wanted, NOW) == ()
    host.backend.shake_hands(GW0, TWO, "198.51.100.9:6000", NOW + timedelta(seconds=100))
    (renewal,) = host.plan(wanted, NOW + timedelta(seconds=181))
    assert isinstance(renewal, RenewPeer)
    assert renewal.peer.public_key == ONE


def test_a_gateway_that_is_stamped_ahead_of_a_clock_set_back_is_resolved_again() -> None:
    host = Host()
    wanted = spec(peer(ONE, "10.85.0.2/32", endpoint="gw.example.com:51820", keepalive=15))
    host.become(wanted)
    host.backend.shake_hands(GW0, ONE, "198.51.100.9:6000", NOW + timedelta(days=30))
    assert host.plan(wanted, NOW) == ()
    assert host.plan(wanted, NOW + timedelta(seconds=135)) == ()
    assert kinds(host.plan(wanted, NOW + timedelta(seconds=136))) == [SetEndpoint]


def test_memory_drops_peers_that_are_in_no_spec() -> None:
    memory = MeshMemory(
        endpoints={ONE: "192.0.2.1:1", TWO: "192.0.2.2:2"}, tried={TWO: NOW}, renewed={TWO: NOW}, silent={TWO: NOW}
    )
    assert only_of(memory, [ONE]) == MeshMemory(endpoints={ONE: "192.0.2.1:1"})


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (spec(peer(OWN, "10.85.1.0/32")), "own key"),
        (spec(peer(ONE, "10.85.1.0/32"), peer(ONE, "10.85.1.1/32")), "twice"),
        (spec(peer(ONE, "10.85.1.0/32"), peer(TWO, "10.85.1.0/32")), "both claim"),
        (spec(peer(ONE, "10.85.1.0/24"), peer(TWO, "10.85.1.7/32")), "both claim"),
        (spec(peer(ONE, "0.0.0.0/0")), "not in 10.85.0.0/16"),
        (spec(peer(ONE, "::/0")), "not in 10.85.0.0/16"),
        (spec(peer(ONE, "10.85.0.0/24")), "own address"),
        (spec(peer(ONE, "10.85.1.0/32", endpoint="gw.example.com")), "not an endpoint"),
        (spec(peer(ONE, "10.85.1.0/32", endpoint="-oProxy:22")), "not a host name"),
        (spec(peer(ONE, "10.85.1.0/32", keepalive=70_000)), "keepalive"),
        (spec(prefix=ip_network("0.0.0.0/0")), "private"),
        (spec(prefix=ip_network("203.0.113.0/24"), address=ip_address("203.0.113.1")), "private"),
        (spec(address=ip_address("192.168.1.1")), "does not lie in"),
        (spec(mtu=68), "1280"),
        (spec(listen_port=-1), "65535"),
    ],
)
def test_spec_that_no_device_may_hold_is_refused(wanted: MeshSpec, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        plan_mesh(wanted, OWN, Known(None), NOW)
    with pytest.raises(Invalid, match=says):
        plan_mesh(wanted, OWN, Unknown("away"), NOW)


@pytest.mark.parametrize("text", ["192.0.2.1:51820", "[fd85::1]:51820", "gw.example.com:1", "localhost:65535"])
def test_endpoint_is_taken_apart_and_joined(text: str) -> None:
    host, port = split_endpoint(text)
    literal = literal_endpoint(text)
    assert literal is None or literal == join_endpoint(host, port) == text


@pytest.mark.parametrize(
    "text", ["", ":1", "host", "host:0", "host:65536", "fd85::1:51820", "[host]:1", "a b:1", "h:１", "h:1\n", "[::1:5"]
)
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        split_endpoint(text)
