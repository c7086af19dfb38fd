"""The guard's planner against a model of the kernel: tables, routing rules, settings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridwire.core.actions import Action
from gridwire.core.addressing import Address
from gridwire.core.errors import Invalid
from gridwire.core.guard import (
    WANTED_SYSCTLS,
    AwaitGuard,
    DeleteTable,
    Flood,
    GuardObserved,
    GuardSpec,
    LoadTable,
    Opening,
    ReplaceMembers,
    RestoreSysctl,
    SetSysctl,
    Shared,
    SysctlSeen,
    missing_sysctls,
    plan_guard,
    plan_guard_removal,
)
from gridwire.core.names import Interface
from gridwire.core.observed import Known, Unknown
from gridwire.core.routing_rules import AddRule, DeleteRule, RoutingRule, Verdict, guard_rules, local_first
from gridwire.core.tailnet import TAILNET

MESHES = (("10.85.0.0/16", "10.85.0.1"), ("10.86.0.0/16", "10.86.0.1"), ("fd12:85::/48", "fd12:85::1"))
# The machine may be busy with other tests.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
PRISTINE = frozenset({local_first(4), local_first(6)})


@dataclass
class Kernel:
    """What the actions change; ``before`` is what gridwire remembers."""

    table: GuardSpec | None = None
    altered: bool = False
    rules: set[RoutingRule] = field(default_factory=lambda: set(PRISTINE))
    settings: dict[str, int] = field(default_factory=lambda: {key: 0 for key, _ in WANTED_SYSCTLS})
    before: dict[str, int] = field(default_factory=dict)

    def observe(self) -> Known[GuardObserved | None]:
        return Known(
            GuardObserved(
                stands=None if self.altered else self.table,
                present=self.table is not None,
                altered="it was changed" if self.altered else "",
                rules=tuple(self.rules),
                sysctls=tuple(
                    SysctlSeen(key=key, value=value, before=self.before.get(key))
                    for key, value in self.settings.items()
                ),
            )
        )

    def apply(self, action: Action) -> None:
        match action:
            case LoadTable(spec=spec):
                self.table, self.altered = spec, False
            case ReplaceMembers(spec=spec, roles=roles):
                assert self.table is not None
                members = {opening.role: opening for opening in spec.openings if opening.role in roles}
                openings = tuple(members.get(opening.role, opening) for opening in self.table.openings)
                self.table = replace(self.table, openings=openings)
            case DeleteTable():
                assert self.table is not None
                self.table = None
            case AddRule(rule=rule):
                assert rule not in self.rules, "it is there already"
                self.rules.add(rule)
            case DeleteRule(rule=rule):
                self.rules.remove(rule)
            case SetSysctl(key=key, value=value, before=before):
                assert self.settings[key] == before
                self.before.setdefault(key, before)
                self.settings[key] = value
            case RestoreSysctl(key=key, value=value):
                self.settings[key] = value
                del self.before[key]
            case _:
                raise AssertionError(action)

    def verdict(self, family: int, interface: str, to: Address | None, port: int = 22) -> Verdict | None:
        """Where a packet that came in by ``interface`` is looked up first; ``to`` none: an address of the LAN."""
        for rule in sorted(self.rules, key=lambda rule: rule.preference):
            if rule.family != family or rule.interface not in (None, interface) or rule.port not in (0, port):
                continue
            if rule.to is None or (to is not None and to in rule.to):
                return rule.verdict
        return None

    def finds_itself(self, spec: GuardSpec) -> bool:
        """Its own addresses, from itself and from its LAN, and the mesh address from itself and from the mesh."""
        family = spec.prefix.version
        asked = [(f, i, None) for f in (4, 6) for i in ("lo", "eth0")]
        asked += [(family, "lo", spec.address), (family, spec.interface, spec.address)]
        return all(self.verdict(*question) is Verdict.LOCAL for question in asked)

    def second_layer(self, spec: GuardSpec) -> bool:
        family = spec.prefix.version
        if spec.shared is not None:
            asked = [(a, port) for a in spec.shared.addresses for port in spec.shared.ports]
            closed = all(self.verdict(a.version, "eth0", a, port) is Verdict.BLACKHOLE for a, port in asked)
            others = all(self.verdict(a.version, "eth0", a, 22) is Verdict.LOCAL for a in spec.shared.addresses)
            return closed and others
        strangers = self.verdict(family, "eth0", spec.address) is Verdict.BLACKHOLE
        return strangers and self.verdict(family, "lo", spec.prefix[9]) in (Verdict.MAIN, Verdict.LOCAL)

    def first_layer(self, spec: GuardSpec) -> bool:
        here = self.table
        return here is not None and not self.altered and (here.prefix, here.interface) == (spec.prefix, spec.interface)


@st.composite
def shared_specs(draw: st.DrawFn) -> GuardSpec:
    """On a tailnet: one address or two, which change, and ports of gridwire's."""
    last = draw(st.sampled_from((1, 7)))
    v4, v6 = ip_address(f"100.64.0.{last}"), ip_address(f"fd7a:115c:a1e0::{last}")
    addresses = (v4, v6) if draw(st.booleans()) else (v4,)
    ports = draw(st.sampled_from(((2085,), (80, 2086, 2087))))
    return GuardSpec(
        interface=Interface("tailscale0"),
        prefix=ip_network("100.64.0.0/10"),
        address=v4,
        listen_port=0,
        openings=(Opening(role="edge", addresses=(ip_address("100.64.0.9"),), tcp_ports=ports[:1]),),
        shared=Shared(
            addresses=addresses,
            prefixes=TAILNET,
            ports=ports,
            open_port=2087 if 2087 in ports else 0,
            barred=draw(st.sampled_from(((), (ip_address("100.64.0.30"),)))),
        ),
    )


def specs() -> st.SearchStrategy[GuardSpec]:
    return st.one_of(own_specs(), shared_specs())


@st.composite
def own_specs(draw: st.DrawFn) -> GuardSpec:
    mesh, address = draw(st.sampled_from(MESHES))
    prefix = ip_network(mesh)
    members = st.sets(st.integers(2, 40), max_size=4).map(lambda n: tuple(prefix[i] for i in n))
    roles = draw(st.sets(st.sampled_from(("client", "edge", "enrolling", "operator"))))
    return GuardSpec(
        interface=Interface(draw(st.sampled_from(("gw0", "gw1")))),
        prefix=prefix,
        address=ip_address(address),
        listen_port=draw(st.sampled_from((0, 51820, 51821))),
        openings=tuple(
            Opening(role=role, addresses=draw(members), tcp_ports=draw(st.sampled_from(((80,), (80, 2086)))))
            for role in sorted(roles)
        ),
        flood=Flood(per_source=draw(st.sampled_from((20, 30)))),
        root_only_ports=draw(st.sampled_from(((), (2087,), (2086, 2087)))),
    )


@st.composite
def kernels(draw: st.DrawFn) -> Kernel:
    """Anything from a fresh host to one with half of another spec's guard, with rules flushed and tables altered."""
    kernel = Kernel()
    for key, least in WANTED_SYSCTLS:
        kernel.settings[key] = draw(st.sampled_from((0, least, 8)))
    for spec in draw(st.lists(specs(), max_size=2)):
        for action in plan_guard(spec, kernel.observe())[: draw(st.integers(0, 20))]:
            kernel.apply(action)
    kernel.rules -= draw(st.sets(st.sampled_from(sorted(kernel.rules, key=str)))) if kernel.rules else set()
    kernel.altered = kernel.table is not None and draw(st.booleans())
    return kernel


@patient
@given(specs(), kernels())
def test_it_converges_in_one_round_from_anywhere_and_then_asks_for_nothing(spec: GuardSpec, kernel: Kernel) -> None:
    for action in plan_guard(spec, kernel.observe()):
        assert action.reason
        kernel.apply(action)
    assert plan_guard(spec, kernel.observe()) == ()
    assert kernel.table == spec
    assert kernel.first_layer(spec)
    assert kernel.second_layer(spec)
    assert kernel.finds_itself(spec)
    assert all(kernel.settings[key] >= least for key, least in WANTED_SYSCTLS)


@patient
@given(specs(), kernels())
def test_at_no_step_is_the_host_open_or_unable_to_reach_itself(spec: GuardSpec, kernel: Kernel) -> None:
    found = kernel.finds_itself(spec)
    closed_twice = kernel.second_layer(spec)
    for action in plan_guard(spec, kernel.observe()):
        kernel.apply(action)
        assert kernel.first_layer(spec), action.reason
        found = found or kernel.finds_itself(spec)
        assert kernel.finds_itself(spec) == found, action.reason
        closed_twice = closed_twice or kernel.second_layer(spec)
        assert kernel.second_layer(spec) == closed_twice, action.reason


@patient
@given(specs(), specs(), kernels())
def test_rolling_back_is_planning_the_old_spec(old: GuardSpec, new: GuardSpec, kernel: Kernel) -> None:
    for spec in (old, new, old):
        for action in plan_guard(spec, kernel.observe()):
            kernel.apply(action)
    assert kernel.table == old
    assert plan_guard(old, kernel.observe()) == ()


@patient
@given(specs(), kernels())
def test_removal_puts_the_host_back_and_it_finds_itself_at_every_step(spec: GuardSpec, kernel: Kernel) -> None:
    settings = {**kernel.settings, **kernel.before}
    for action in plan_guard(spec, kernel.observe()):
        kernel.apply(action)
    removal = plan_guard_removal(kernel.observe())
    for action in removal:
        assert kernel.first_layer(spec), "the table goes last"
        kernel.apply(action)
        assert kernel.finds_itself(spec), action.reason
    assert kernel.rules == PRISTINE
    assert kernel.table is None
    assert kernel.settings == settings
    assert plan_guard_removal(kernel.observe()) == ()


@patient
@given(specs())
def test_what_could_not_be_read_is_neither_changed_nor_called_in_sync(spec: GuardSpec) -> None:
    for plan in (plan_guard(spec, Unknown("nft is missing")), plan_guard_removal(Unknown("nft is missing"))):
        assert [type(action) for action in plan] == [AwaitGuard]
        assert "nft is missing" in plan[0].reason


def test_the_routing_rules_are_those_of_the_design_in_its_order() -> None:
    spec = gateway()
    plan = plan_guard(spec, Known(GuardObserved()))
    assert isinstance(plan[0], LoadTable), "packets are filtered before anything else is touched"
    said = [
        f"{'add' if isinstance(action, AddRule) else 'delete'} {action.rule}"
        for action in plan
        if isinstance(action, AddRule | DeleteRule)
    ]
    assert said == [
        "add ip rule 20 lookup local",
        "add ip rule 10 iif lo lookup local",
        "add ip rule 11 iif gw0 lookup local",
        "add ip rule 12 iif lo to 10.85.0.0/16 lookup main",
        "add ip rule 13 to 10.85.0.0/16 blackhole",
        "add ip rule 14 iif gw0 blackhole",
        "delete ip rule 0 lookup local",
        "add ip -6 rule 14 iif gw0 blackhole",
    ]
    assert guard_rules(Interface("gw0"), ip_network("fd12:85::/48"), 6)[4] == RoutingRule(
        family=6, preference=13, verdict=Verdict.BLACKHOLE, to=ip_network("fd12:85::/48")
    )


def test_a_change_of_members_alone_leaves_rules_counters_and_meters() -> None:
    old, new = gateway("10.85.1.0"), gateway("10.85.1.1")
    kernel = Kernel()
    for action in plan_guard(old, kernel.observe()):
        kernel.apply(action)
    (action,) = plan_guard(new, kernel.observe())
    assert action == ReplaceMembers(spec=new, roles=("edge",), reason="role sets: edge -10.85.1.0 +10.85.1.1")


def test_a_stricter_setting_of_the_operators_is_left_alone() -> None:
    seen = GuardObserved(sysctls=(SysctlSeen(key="net/ipv4/conf/all/arp_ignore", value=2),))
    assert not any(isinstance(action, SetSysctl) for action in plan_guard(gateway(), Known(seen)))


def test_what_only_the_host_can_set_is_named_and_not_planned() -> None:
    low = SysctlSeen(key="net/ipv4/conf/all/arp_ignore", value=0, fixed=True)
    seen = GuardObserved(sysctls=(low, SysctlSeen(key="net/ipv4/ip_nonlocal_bind", value=1, fixed=True)))
    assert not any(isinstance(action, SetSysctl) for action in plan_guard(gateway(), Known(seen)))
    assert missing_sysctls(seen) == (("net/ipv4/conf/all/arp_ignore", 1),)


def test_what_can_be_set_here_is_planned_and_not_missing() -> None:
    seen = GuardObserved(sysctls=(SysctlSeen(key="net/ipv4/conf/all/arp_ignore", value=0),))
    assert any(isinstance(action, SetSysctl) for action in plan_guard(gateway(), Known(seen)))
    assert missing_sysctls(seen) == ()


def test_a_kernel_without_ipv6_gets_no_ipv6_rules() -> None:
    plan = plan_guard(gateway(), Known(GuardObserved(families=(4,), rules=(local_first(4),))))
    assert {action.rule.family for action in plan if isinstance(action, AddRule)} == {4}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"interface": "lo"}, "guard.interface"),
        ({"interface": 'gw0" accept'}, "interface"),
        ({"prefix": ip_network("0.0.0.0/0")}, "guard.prefix"),
        ({"prefix": ip_network("203.0.113.0/24")}, "guard.prefix"),
        ({"address": ip_address("192.0.2.1")}, "guard.address"),
        ({"address": ip_address("fd12:85::1")}, "guard.address"),
        ({"listen_port": 65536}, "guard.listen_port"),
        ({"openings": (Opening(role="edge", addresses=(ip_address("192.0.2.9"),), tcp_ports=()),)}, "guard.address"),
        ({"openings": (Opening(role="edge", addresses=(), tcp_ports=()),) * 2}, "guard.openings"),
    ],
)
def test_hostile_specs_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        replace(gateway(), **change)  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("role", "port"), [("edge }; accept", 80), ("", 80), ("Edge", 80), ("edge", 0), ("edge", 65536)]
)
def test_hostile_openings_are_refused(role: str, port: int) -> None:
    with pytest.raises(Invalid):
        Opening(role=role, addresses=(), tcp_ports=(port,))


@pytest.mark.parametrize("flood", [{"per_source": 0}, {"all_sources": 10_000_000}])
def test_a_meter_lets_something_through_and_not_everything(flood: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        Flood(**flood)


def gateway(*edges: str) -> GuardSpec:
    return GuardSpec(
        interface=Interface("gw0"),
        prefix=ip_network("10.85.0.0/16"),
        address=ip_address("10.85.0.1"),
        listen_port=51820,
        openings=(Opening(role="edge", addresses=tuple(map(ip_address, edges)), tcp_ports=(80, 2086)),),
    )
