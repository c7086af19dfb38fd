"""The mesh section: what it remembers, what it refuses, and the tunnel of one that joins."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from gridwire.adapters.wireguard import MemoryBackend, new_private_key, public_of
from gridwire.agent import mesh
from gridwire.agent.mesh import MeshSection, MeshTunnel, parse_endpoints
from gridwire.core.actions import Action
from gridwire.core.addressing import Address
from gridwire.core.errors import Conflict, Invalid, Unavailable
from gridwire.core.fleet import Role
from gridwire.core.guard import GuardSpec
from gridwire.core.mesh_actions import KillSockets, RemovePeers, RenewPeer, SetEndpoint
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.observed import Known, Unknown
from gridwire.core.proxy import ProxySpec
from gridwire.core.spec import NamesSpec, NodeSpec, Tombstone
from gridwire.core.wireguard import MeshSpec, Peer, PublicKey

GW0 = Interface("gw0")
NOW = datetime(2030, 1, 1, tzinfo=UTC)
PREFIX = ip_network("10.85.0.0/16")
ADDRESS = ip_address("10.85.0.1")


def a_spec(*peers: Peer, tombstones: tuple[Tombstone, ...] = (), interface: Interface = GW0) -> NodeSpec:
    return NodeSpec(
        epoch=1,
        revision=1,
        node=NodeName("gw"),
        role=Role.GATEWAY,
        mesh=MeshSpec(
            interface=interface,
            address=ADDRESS,
            prefix=PREFIX,
            listen_port=51820,
            mtu=1420,
            peers=tuple(sorted(peers, key=lambda peer: peer.public_key)),
        ),
        guard=GuardSpec(interface=interface, prefix=PREFIX, address=ADDRESS, listen_port=51820, openings=()),
        proxy=ProxySpec(),
        names=NamesSpec(suffix=HostName("grid")),
        tombstones=tombstones,
    )


def a_peer(address: str = "10.85.1.0", **fields: object) -> Peer:
    key = public_of(new_private_key())
    peer = Peer(node=NodeName("edge-1"), public_key=key, allowed_ips=(ip_network(address),), keepalive=15)
    return replace(peer, **fields)  # type: ignore[arg-type]


class Node:
    """A section over a device in memory; sockets that it kills are only counted."""

    def __init__(self, directory: Path) -> None:
        self.key = directory / "node.key"
        self.key.touch(0o600)
        self.key.write_text(new_private_key())
        self.state = directory
        self.now = NOW
        self.backend = MemoryBackend(names={"gw.example.com": "192.0.2.9"})
        self.section = self.restarted()

    def restarted(self) -> MeshSection:
        self.section = MeshSection(self.key, self.state, self.backend, lambda: self.now)
        return self.section

    def plan(self, spec: NodeSpec) -> tuple[Action, ...]:
        return self.section.plan(spec, self.section.observe(), self.now)

    def become(self, spec: NodeSpec) -> tuple[Action, ...]:
        actions = self.plan(spec)
        for action in actions:
            self.section.apply(action)
        return actions

    def port(self) -> int:
        observed = self.backend.observe(GW0)
        assert isinstance(observed, Known)
        assert observed.value is not None
        return observed.value.listen_port

    def endpoint(self, key: PublicKey) -> str | None:
        observed = self.backend.observe(GW0)
        assert isinstance(observed, Known)
        assert observed.value is not None
        return next(peer.endpoint for peer in observed.value.peers if peer.public_key == key)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    addresses: list[Address] = []
    monkeypatch.setattr(mesh, "kill_sockets", addresses.extend)
    return addresses


@pytest.fixture
def node(tmp_path: Path, killed: list[Address]) -> Node:
    return Node(tmp_path)


def test_endpoints_outlive_agent_and_device(node: Node) -> None:
    peer = a_peer()
    node.become(a_spec(peer))
    node.backend.shake_hands(GW0, peer.public_key, "198.51.100.7:4500", NOW)
    node.section.observe()
    written = (node.state / "endpoints.json").stat()
    node.section.observe()
    assert (node.state / "endpoints.json").stat().st_mtime_ns == written.st_mtime_ns, "written only when changed"
    assert written.st_mode & 0o777 == 0o600
    node.backend.stop(GW0)
    node.restarted()
    node.become(a_spec(peer))
    assert node.endpoint(peer.public_key) == "198.51.100.7:4500"


def test_a_device_that_is_made_anew_has_the_port_it_had_where_any_would_do(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, anywhere = (replace(a_spec(), mesh=replace(a_spec().mesh, listen_port=port)) for port in (43376, 0))
    node.become(given)
    node.section.observe()
    node.backend.stop(GW0)
    node.restarted()
    node.become(anywhere)
    assert node.port() == 43376

    node.backend.stop(GW0)
    monkeypatch.setattr(mesh, "holders", lambda *_: ("another",))
    node.become(anywhere)
    assert node.port() == 40000, "somebody took it meanwhile: any other"


@pytest.mark.parametrize("content", [b"", b"-1", b"70000", "٤٢".encode(), b"43376 43377", b"9" * 5000])
def test_a_saved_port_that_is_none_is_any(content: bytes) -> None:
    assert mesh.parse_port(content) == 0


def test_after_a_restart_a_peer_without_keepalive_is_called_at_once(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    knocked: list[Address] = []
    monkeypatch.setattr(mesh, "knock", knocked.extend)
    phone, edge, spent = (
        a_peer("10.85.1.4", keepalive=0),
        a_peer("10.85.1.5"),
        a_peer(keepalive=0, allowed_ips=()),
    )
    spec = a_spec(phone, edge, spent)
    node.become(spec)
    assert knocked == [], "nobody has called yet, so there is nowhere to call"
    for number, peer in enumerate((phone, edge, spent)):
        node.backend.shake_hands(GW0, peer.public_key, f"198.51.100.{number + 1}:4000", NOW)
    node.section.observe()
    node.backend.stop(GW0)
    node.restarted()
    node.become(spec)
    assert knocked == [ip_address("10.85.1.4")]


def test_endpoints_of_removed_peers_are_forgotten(node: Node) -> None:
    peer = a_peer()
    node.become(a_spec(peer))
    node.backend.shake_hands(GW0, peer.public_key, "198.51.100.7:4500", NOW)
    node.section.observe()
    node.become(a_spec())
    node.section.observe()
    assert json.loads((node.state / "endpoints.json").read_text()) == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": "192.0.2.1:1"}', b'{"x": 7}', b"\xff\xfe"])
def test_a_spoilt_endpoints_file_is_no_obstacle(node: Node, content: bytes) -> None:
    (node.state / "endpoints.json").write_bytes(content)
    assert parse_endpoints(content) == {}
    peer = a_peer()
    node.become(a_spec(peer))
    assert node.plan(a_spec(peer)) == ()


def test_tombstones_cut_and_kill_once(node: Node, killed: list[Address]) -> None:
    peer = a_peer()
    node.become(a_spec(peer))
    stone = Tombstone(node=peer.node, address=ip_address("10.85.1.0"), public_key=peer.public_key)
    revoked = a_spec(peer, tombstones=(stone,))
    node.become(revoked)
    assert killed == [ip_address("10.85.1.0")]
    assert node.plan(revoked) == ()


def test_sockets_that_did_not_die_stay_in_the_plan(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise Unavailable("sockets of revoked addresses are still there")

    monkeypatch.setattr(mesh, "kill_sockets", fail)
    stone = Tombstone(node=NodeName("gone"), address=ip_address("10.85.1.0"), public_key=None)
    with pytest.raises(Unavailable):
        node.become(a_spec(tombstones=(stone,)))
    assert any(isinstance(action, KillSockets) for action in node.plan(a_spec(tombstones=(stone,))))


def test_name_that_does_not_resolve_is_tried_again_later_and_not_at_once(node: Node) -> None:
    peer = a_peer("10.85.0.2", endpoint="gw2.example.com:51820")
    with pytest.raises(Unavailable, match="does not resolve"):
        node.become(a_spec(peer))
    assert node.plan(a_spec(peer)) == ()
    node.now += timedelta(seconds=15)
    node.backend.names["gw2.example.com"] = "192.0.2.20"
    (action,) = node.become(a_spec(peer))
    assert isinstance(action, SetEndpoint)
    assert node.endpoint(peer.public_key) == "192.0.2.20:51820"


def test_spec_for_another_interface_is_refused(node: Node) -> None:
    with pytest.raises(Invalid, match="eth0"):
        node.plan(a_spec(interface=Interface("eth0")))


def test_key_that_others_can_read_is_refused(node: Node) -> None:
    node.key.chmod(0o640)
    with pytest.raises(Conflict, match="chmod 600"):
        node.plan(a_spec())


def test_missing_key_says_what_to_do(node: Node) -> None:
    node.key.unlink()
    with pytest.raises(Unavailable, match="gridwire join"):
        node.plan(a_spec())


def test_tunnel_of_one_that_joins_changes_its_key(tmp_path: Path) -> None:
    backend = MemoryBackend()
    tunnel = MeshTunnel(backend, tmp_path / "run")
    assert tunnel.seen() == ()
    tunnel.down()
    gateway = a_peer("10.85.0.2", endpoint="192.0.2.1:51820")
    spec = a_spec(gateway).mesh
    for private in (new_private_key(), new_private_key()):
        tunnel.up(private, replace(spec, peers=()))
        tunnel.up(private, spec)
        observed = backend.observe(GW0)
        assert isinstance(observed, Known)
        assert observed.value is not None
        assert observed.value.public_key == public_of(private)
        assert [peer.endpoint for peer in tunnel.seen()] == ["192.0.2.1:51820"]
    assert list((tmp_path / "run").iterdir()) == [], "no key stays behind"
    tunnel.down()
    assert backend.observe(GW0) == Known(None)


def test_the_device_after_the_join_has_the_port_of_the_joins(node: Node, tmp_path: Path) -> None:
    node.backend.stop(GW0)
    tunnel = MeshTunnel(node.backend, tmp_path / "run")
    tunnel.remember(tmp_path)
    assert not (tmp_path / "listen-port").exists()
    tunnel.up(new_private_key(), replace(a_spec().mesh, listen_port=43376))
    tunnel.remember(tmp_path)
    tunnel.down()
    node.become(replace(a_spec(), mesh=replace(a_spec().mesh, listen_port=0)))
    assert node.port() == 43376


def test_who_must_go_is_cut_whatever_became_of_the_key(node: Node, killed: list[Address]) -> None:
    kept, revoked, expiring = a_peer("10.85.1.0"), a_peer("10.85.1.1"), a_peer("10.85.1.2", expires=NOW + timedelta(1))
    node.become(a_spec(kept, revoked, expiring))
    killed.clear()
    stone = Tombstone(node=NodeName("old"), address=ip_address("10.85.1.1"), public_key=revoked.public_key)
    spec = a_spec(kept, expiring, tombstones=(stone,))
    node.key.chmod(0o644)
    node.now = NOW + timedelta(2)
    with pytest.raises(Conflict):
        node.plan(spec)
    for action in node.section.plan_cuts(spec, node.section.observe(), node.now):
        node.section.apply(action)
    observed = node.section.observe()
    assert isinstance(observed, Known)
    assert observed.value is not None
    assert [peer.public_key for peer in observed.value.peers] == [kept.public_key]
    assert killed == [ip_address("10.85.1.1"), ip_address("10.85.1.2")]
    assert node.section.plan_cuts(spec, observed, node.now) == (), "and nothing is cut twice"
    node.key.chmod(0o600)
    assert node.plan(spec) == (), "the cuts are the plan's own"


def test_an_edge_cuts_a_gateway_that_was_withdrawn_only_with_the_one_in_its_place(
    node: Node, killed: list[Address]
) -> None:
    """It may be the one through which control is asked; one that was revoked is not spared."""
    old, new = a_peer("10.85.0.2"), a_peer("10.85.0.3")
    node.become(a_spec(old))
    edge = replace(a_spec(new), role=Role.EDGE)
    assert node.section.plan_cuts(edge, node.section.observe(), NOW) == ()
    assert node.plan(edge) != ()
    stone = Tombstone(node=NodeName("gw-2"), address=ip_address("10.85.0.2"), public_key=old.public_key)
    cuts = node.section.plan_cuts(replace(edge, tombstones=(stone,)), node.section.observe(), NOW)
    assert [type(cut) for cut in cuts] == [RemovePeers, KillSockets]


def test_what_cannot_be_seen_is_not_cut(node: Node) -> None:
    stone = Tombstone(node=NodeName("old"), address=ip_address("10.85.1.1"), public_key=a_peer().public_key)
    assert node.section.plan_cuts(a_spec(tombstones=(stone,)), Unknown("no"), NOW) == ()


@pytest.mark.parametrize("looked", [True, False], ids=["later", "right after the call"])
def test_a_peer_is_called_anew_when_a_network_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked: bool
) -> None:
    """At a boot the device comes before the network: without this the next call is 5 s after the lost one."""
    node, called, network = Node(tmp_path), list[Address](), False
    monkeypatch.setattr(mesh, "leads_to", lambda _: network)
    monkeypatch.setattr(mesh, "knock", called.extend)
    peer = a_peer(endpoint="192.0.2.9:51820", keepalive=0)
    spec = a_spec(peer)
    node.become(spec)
    if looked:
        assert node.plan(spec) == ()
    called.clear()
    network = True
    (action,) = node.become(spec)
    assert isinstance(action, RenewPeer)
    assert "192.0.2.9:51820" in action.reason
    assert called == [ip_address("10.85.1.0")]
    assert node.plan(spec) == ()


def test_a_peer_that_was_just_heard_is_left_alone_when_the_network_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, network = Node(tmp_path), False
    monkeypatch.setattr(mesh, "leads_to", lambda _: network)
    monkeypatch.setattr(mesh, "knock", lambda _: None)
    peer = a_peer(endpoint="192.0.2.9:51820")
    spec = a_spec(peer)
    node.become(spec)
    node.plan(spec)
    node.backend.shake_hands(GW0, peer.public_key, "192.0.2.9:51820", NOW)
    network = True
    assert node.plan(spec) == ()
