"""A node on a tailnet: nothing is wanted on an address that it does not have, and what is wrong is said."""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from gridwire.agent.follow_address import AddressFollower
from gridwire.agent.held import HeldSection
from gridwire.agent.state_dir import AgentState
from gridwire.agent.tailnet import TailnetSection
from gridwire.core.admission import check_spec
from gridwire.core.compiler import compile_spec
from gridwire.core.enrollment import GatewayContact
from gridwire.core.errors import Conflict, Invalid, NotFound, Unavailable
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role, Service, parse_selector
from gridwire.core.guard import Opening
from gridwire.core.joined import JoinedAs, first_spec
from gridwire.core.mesh_actions import KillSockets
from gridwire.core.names import HostName, NodeName, ServiceName
from gridwire.core.observed import Known, Unknown
from gridwire.core.proxy import Listener, ListenerKind, on_held
from gridwire.core.spec import NodeSpec, Tombstone
from gridwire.core.tailnet import DEVICE, TAILNET4, Member, MemberSeen, Provider, TailnetObserved, TailnetTag
from gridwire.core.targets import parse_target
from gridwire.core.wireguard import Peer, PublicKey

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def member(number: int, tag: str) -> Member:
    return Member(
        id=f"n{number}",
        name=f"{tag}.lab.ts.net",
        login=None,
        tags=(TailnetTag(tag),),
        addresses=(ip_address(f"100.64.0.{number}"), ip_address(f"fd7a:115c:a1e0::{number}")),
    )


GATEWAY, EDGE, ELSEWHERE = member(1, "gateway"), member(2, "edge"), member(7, "edge")
NODES = tuple(
    Node(name=NodeName(name), role=role, state=NodeState.ACTIVE, address=who.addresses[0], tailnet=who)
    for name, role, who in (("gw", Role.GATEWAY, GATEWAY), ("home-1", Role.EDGE, EDGE))
)
FLEET = Fleet(
    network=Network(prefix=TAILNET4, interface=DEVICE, provider=Provider.TAILSCALE),
    nodes=NODES,
    services=(
        Service(name=ServiceName("api"), target=parse_target("127.0.0.1:9000"), on=(parse_selector("role:edge"),)),
    ),
)
IDENTITY = JoinedAs(
    node=NodeName("home-1"),
    role=Role.EDGE,
    address=EDGE.addresses[0],
    prefix=TAILNET4,
    interface=DEVICE,
    suffix=HostName("grid"),
    gateways=(GatewayContact(node=NodeName("gw"), address=GATEWAY.addresses[0], tailnet=GATEWAY),),
    provider=Provider.TAILSCALE,
    tailnet=EDGE,
)
SPEC = compile_spec(FLEET, "home-1", epoch=1, revision=3)
RUNNING = TailnetObserved(
    state="Running",
    userspace=False,
    interface=DEVICE,
    own=EDGE,
    held=EDGE.addresses,
    key_expires=None,
    members=(MemberSeen(member=GATEWAY, online=True, expires=None, latest_handshake=None, received_bytes=5),),
)


class Tailscaled:
    """Says what it is told to; ``asked``: addresses that whois was asked about."""

    def __init__(self, says: TailnetObserved | Unavailable = RUNNING) -> None:
        self.says = says
        self.asked: list[Any] = []
        self.known = {GATEWAY.addresses[0]: GATEWAY}

    def observe(self, interface: str) -> TailnetObserved:
        assert interface == DEVICE
        if isinstance(self.says, Unavailable):
            raise self.says
        return self.says

    def whois(self, address: Any) -> Member:
        self.asked.append(address)
        if address not in self.known:
            raise NotFound("nobody")
        return self.known[address]


def section(tailscaled: Tailscaled, *, members: bool = False) -> TailnetSection:
    return TailnetSection(tailscaled, DEVICE, members=members, clock=lambda: NOW)  # type: ignore[arg-type]


GONE = {
    "logged out": (replace(RUNNING, state="NeedsLogin", own=None, held=()), "tailscale up"),
    "stopped": (replace(RUNNING, state="Stopped"), "tailscale up"),
    "its key expired, and the kernel is slower": (replace(RUNNING, key_expires=NOW), "--force-reauth"),
    "no device yet": (replace(RUNNING, held=()), "network.interface"),
}


@pytest.mark.parametrize("case", sorted(GONE))
def test_nothing_is_wanted_while_the_address_is_gone_and_the_fix_is_said(case: str) -> None:
    says, fix = GONE[case]
    tailscaled = Tailscaled()
    mesh = section(tailscaled)
    assert mesh.plan(SPEC, mesh.observe(), NOW) == ()
    assert mesh.held == EDGE.addresses
    tailscaled.says = says
    observed = mesh.observe()
    assert mesh.held == ()
    assert mesh.standing_own() is None
    with pytest.raises(Unavailable) as refused:
        mesh.plan(SPEC, observed, NOW)
    assert fix in refused.value.fix


def test_a_kernel_without_ipv6_is_followed_by_its_other_address() -> None:
    mesh = section(Tailscaled(replace(RUNNING, held=EDGE.addresses[:1])))
    mesh.observe()
    assert mesh.standing_own() == EDGE
    mesh = section(Tailscaled(replace(RUNNING, held=EDGE.addresses[1:])))
    mesh.observe()
    assert mesh.standing_own() is None


def test_userspace_networking_is_no_matter_of_waiting() -> None:
    mesh = section(Tailscaled(replace(RUNNING, userspace=True)))
    with pytest.raises(Conflict, match="userspace") as refused:
        mesh.plan(SPEC, mesh.observe(), NOW)
    assert "TS_USERSPACE=false" in refused.value.fix
    assert mesh.held == ()


def test_a_tailscaled_that_is_away_holds_nothing_and_is_unknown() -> None:
    tailscaled = Tailscaled()
    mesh = section(tailscaled)
    mesh.observe()
    tailscaled.says = Unavailable("tailscaled does not answer")
    observed = mesh.observe()
    assert isinstance(observed, Unknown)
    assert mesh.held == ()
    with pytest.raises(Unavailable, match="does not answer"):
        mesh.plan(SPEC, observed, NOW)


def test_another_address_is_waited_for_and_never_served_on() -> None:
    mesh = section(Tailscaled(replace(RUNNING, own=ELSEWHERE, held=ELSEWHERE.addresses)))
    observed = mesh.observe()
    with pytest.raises(Unavailable, match=r"100\.64\.0\.7 now, and was 100\.64\.0\.2"):
        mesh.plan(SPEC, observed, NOW)
    assert on_held(SPEC.proxy, mesh.held).listeners == ()


class Asked:
    """The proxy's section, as far as it is asked what it wants."""

    name = "proxy"

    def observe(self) -> Known[None]:
        return Known(None)

    def plan(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Any, ...]:
        return spec.proxy.listeners

    def apply(self, action: Any) -> None:
        raise AssertionError(action)


@pytest.mark.parametrize("held", [EDGE.addresses, EDGE.addresses[:1], ELSEWHERE.addresses, ()])
def test_listeners_stand_on_held_addresses_alone(held: Any) -> None:
    wanted = HeldSection(Asked(), lambda: held).plan(SPEC, Known(None), NOW)
    assert {listener.address for listener in wanted} == set(EDGE.addresses) & set(held)  # type: ignore[attr-defined]


def test_sockets_of_those_who_are_gone_end_once(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[Any] = []
    monkeypatch.setattr("gridwire.agent.tailnet.kill_sockets", killed.append)
    mesh = section(Tailscaled())
    stone = Tombstone(node=NodeName("old"), address=ELSEWHERE.addresses[0], public_key=None)
    revoked = replace(SPEC, tombstones=(stone,))
    (cut,) = mesh.plan_cuts(revoked, mesh.observe(), NOW)
    assert isinstance(cut, KillSockets)
    mesh.apply(cut)
    assert killed == [(ELSEWHERE.addresses[0],)]
    assert mesh.plan_cuts(revoked, mesh.observe(), NOW) == ()
    assert mesh.plan_cuts(SPEC, mesh.observe(), NOW) == ()
    assert mesh.plan_cuts(revoked, mesh.observe(), NOW) != ()  # let in and put out once more


def test_peers_are_asked_for_by_whois_once_and_again_where_status_says_something_else() -> None:
    tailscaled = Tailscaled()
    mesh = section(tailscaled, members=True)
    for _ in range(3):
        mesh.observe()
    assert tailscaled.asked == [GATEWAY.addresses[0]]
    changed = replace(GATEWAY, tags=(TailnetTag("other"),))
    tailscaled.known[GATEWAY.addresses[0]] = changed
    tailscaled.says = replace(RUNNING, members=(replace(RUNNING.members[0], member=changed),))
    mesh.observe()
    assert len(tailscaled.asked) == 2
    assert mesh.seen is not None
    assert [seen.member for seen in mesh.seen.members] == [changed]
    tailscaled.known.clear()
    tailscaled.says = replace(RUNNING, members=(replace(RUNNING.members[0], member=member(9, "new")),))
    mesh.observe()
    assert mesh.seen.members == ()  # whois knows nobody there


def test_a_key_that_expires_soon_is_a_finding() -> None:
    tailscaled = Tailscaled(replace(RUNNING, key_expires=NOW + timedelta(days=30)))
    mesh = section(tailscaled)
    mesh.observe()
    assert mesh.findings() == ()
    tailscaled.says = replace(RUNNING, key_expires=NOW + timedelta(days=3))
    mesh.observe()
    assert [finding.id for finding in mesh.findings()] == ["tailscale-expires"]


# --- following


def follower(state: AgentState, own: Member | None, *peers: Member, identity: JoinedAs = IDENTITY) -> AddressFollower:
    seen = tuple(
        MemberSeen(member=one, online=True, expires=None, latest_handshake=None, received_bytes=0) for one in peers
    )
    return AddressFollower(identity, state, own=lambda: own, members=lambda: seen, local_socket="/nowhere.sock")


def test_a_gateway_elsewhere_is_saved_and_nothing_is_asked(tmp_path: Any) -> None:
    state = AgentState(tmp_path)
    moved = replace(GATEWAY, addresses=member(8, "x").addresses)
    assert follower(state, EDGE, moved).follow()
    saved = state.load_identity()
    assert saved is not None
    assert saved.gateways[0].address == ip_address("100.64.0.8")
    assert not follower(state, EDGE, moved, identity=saved).follow()
    assert not follower(state, None, GATEWAY).follow()  # it does not stand on the tailnet itself


# httpcore2 leaves a Unix socket that it could not connect to the collector (_backends/sync.py).
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_move_that_control_was_not_told_is_not_saved(tmp_path: Any) -> None:
    state = AgentState(tmp_path)
    state.save_identity(replace(IDENTITY, role=Role.GATEWAY, gateways=()))
    own = follower(state, ELSEWHERE, identity=replace(IDENTITY, role=Role.GATEWAY, gateways=()))
    with pytest.raises(Unavailable):
        own.follow()
    saved = state.load_identity()
    assert saved is not None
    assert saved.address == EDGE.addresses[0]
    gc.collect()


# --- what an agent takes


def test_what_control_compiles_for_a_tailnet_is_taken() -> None:
    check_spec(SPEC, IDENTITY)
    check_spec(first_spec(IDENTITY), IDENTITY)
    gateway = replace(
        IDENTITY, node=NodeName("gw"), role=Role.GATEWAY, address=GATEWAY.addresses[0], tailnet=GATEWAY, gateways=()
    )
    check_spec(compile_spec(FLEET, "gw", epoch=1, revision=3), gateway)


def _shared(**more: Any) -> Any:
    return lambda s: replace(s, guard=replace(s.guard, shared=replace(s.guard.shared, **more)))


def _proxy(**more: Any) -> Any:
    return lambda s: replace(s, proxy=replace(s.proxy, **more))


HOSTILE = {
    "a guard of the whole device": (
        lambda s: replace(s, guard=replace(s.guard, shared=None, openings=())),
        "guard.shared",
    ),
    "a guard of another address": (_shared(addresses=ELSEWHERE.addresses), "guard.shared.addresses"),
    "ssh guarded": (_shared(ports=(22, 2085)), "guard.shared.ports"),
    "its listener not guarded": (_shared(ports=()), "guard.shared.ports"),
    "an edge open to all of the tailnet": (_shared(open_port=2085), "guard.shared.open_port"),
    "another range": (
        lambda s: replace(s, guard=replace(s.guard, openings=(), shared=replace(s.guard.shared, prefixes=(TAILNET4,)))),
        "guard.shared.prefixes",
    ),
    "an unknown gateway opened to": (
        lambda s: replace(
            s,
            guard=replace(
                s.guard, openings=(Opening(role="gateway", addresses=ELSEWHERE.addresses, tcp_ports=(2085,)),)
            ),
        ),
        "guard.openings",
    ),
    "an unknown gateway asked": (
        lambda s: replace(s, proxy=replace(s.proxy, edge=replace(s.proxy.edge, gateways=ELSEWHERE.addresses))),
        "proxy.edge.gateways",
    ),
    "a listener elsewhere": (
        _proxy(listeners=(Listener(ListenerKind.EDGE, ELSEWHERE.addresses[0], 2085),)),
        "proxy.listeners",
    ),
    "a peer of WireGuard's": (
        lambda s: replace(
            s,
            mesh=replace(
                s.mesh,
                peers=(
                    Peer(
                        node=NodeName("gw"),
                        public_key=PublicKey("AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="),
                        allowed_ips=(),
                    ),
                ),
            ),
        ),
        "mesh.peers",
    ),
}


@pytest.mark.parametrize("bent", sorted(HOSTILE))
def test_an_edge_on_a_tailnet_refuses(bent: str) -> None:
    bend, field = HOSTILE[bent]
    with pytest.raises(Invalid) as refused:
        check_spec(bend(SPEC), IDENTITY)
    assert refused.value.field.startswith(field)
