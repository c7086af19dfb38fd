"""The engine over sections in memory: order, verification, rollback, and a fault at every single action."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gridwire.agent.reconcile import Reconciler
from gridwire.agent.state_dir import AgentState
from gridwire.core.errors import Conflict, GridwireError, Unavailable
from gridwire.protocol.agent import ApplyState

Clock = Callable[[], datetime]


@pytest.fixture
def engine(host: Any, state: AgentState, clock: Clock) -> Reconciler:
    return Reconciler(host.sections, state, clock)


def took(state: AgentState, engine: Reconciler, spec: Any) -> None:
    state.save_spec(spec)
    assert engine.apply(spec, live=False).state is ApplyState.IN_SYNC


def test_guard_stands_before_mesh_before_proxy_before_names(host: Any, engine: Reconciler, edge: Any) -> None:
    outcome = engine.apply(edge.at(1), live=False)
    assert outcome.state is ApplyState.IN_SYNC
    assert outcome.version == (1, 1)
    sections = [line.partition(":")[0] for line in host.journal]
    assert sections == sorted(sections, key=["guard", "mesh", "proxy", "names"].index)
    assert set(sections) == {"guard", "mesh", "proxy"} | ({"names"} if host.names.parts else set())


def test_in_sync_changes_nothing(host: Any, engine: Reconciler, edge: Any) -> None:
    engine.apply(edge.at(1), live=False)
    before = len(host.journal)
    outcome = engine.apply(edge.at(1), live=False)
    assert outcome.state is ApplyState.IN_SYNC
    assert len(host.journal) == before
    assert outcome.done == ()


def test_what_somebody_else_changed_is_put_back(host: Any, engine: Reconciler, edge: Any) -> None:
    engine.apply(edge.at(1), live=False)
    host.guard.parts.clear()
    outcome = engine.apply(edge.at(1), live=False)
    assert outcome.state is ApplyState.IN_SYNC
    assert host.is_as(edge.at(1))
    assert outcome.done


def test_a_failure_at_each_action_leaves_the_spec_before_or_the_one_after(
    tmp_path: Path, clock: Clock, gateway: Any, host: Any
) -> None:
    """As many runs as there are actions: wherever it fails, the host is never left in between."""
    kind = type(host)
    old, new = gateway.at(1), gateway.with_edge(2, 3)
    tried = 0
    for name in ("guard", "mesh", "proxy", "names"):
        for nth in range(1, 6):
            one = kind()
            state = AgentState(tmp_path / f"{name}-{nth}")
            engine = Reconciler(one.sections, state, clock)
            took(state, engine, old)
            section = getattr(one, name)
            section.fail_at = {section.applied + nth}
            state.save_spec(new)
            outcome = engine.apply(new, live=True)
            if outcome.state is ApplyState.IN_SYNC:
                assert one.is_as(new)
                continue
            tried += 1
            assert outcome.state is ApplyState.ROLLED_BACK, outcome
            assert outcome.version == old.version
            assert "it broke" in outcome.detail
            assert name in outcome.detail
            assert one.is_as(old)
            assert state.load_spec().spec == old, "a restart must not meet the spec that failed"
    assert tried >= 4


def test_killed_at_each_action_the_next_start_converges(tmp_path: Path, clock: Clock, gateway: Any, host: Any) -> None:
    class Killed(BaseException):
        """kill -9: nothing of the agent's runs after it."""

    kind = type(host)
    old, new = gateway.at(1), gateway.with_edge(2, 3)
    killed = 0
    for name in ("guard", "mesh", "proxy"):
        for nth in range(1, 6):
            one = kind()
            path = tmp_path / f"{name}-{nth}"
            engine = Reconciler(one.sections, AgentState(path), clock)
            took(AgentState(path), engine, old)
            section = getattr(one, name)
            section.fail_at, section.error = {section.applied + nth}, Killed()
            AgentState(path).save_spec(new)
            try:
                engine.apply(new, live=True)
            except Killed:
                killed += 1
            state = AgentState(path)
            saved = state.load_spec().spec
            assert saved == new
            again = Reconciler(one.sections, state, clock).apply(saved, live=False)
            assert again.state is ApplyState.IN_SYNC
            assert one.is_as(new)
    assert killed >= 4


def test_the_first_error_is_kept_when_rolling_back_fails_too(
    host: Any, engine: Reconciler, state: AgentState, gateway: Any
) -> None:
    took(state, engine, gateway.at(1))
    host.proxy.fail_at = set(range(host.proxy.applied + 1, 100))
    host.proxy.error = GridwireError("nginx refuses it", code="nginx-refused")
    spec = gateway.with_edge(2)
    state.save_spec(spec)
    # Its own proxy never changed back, so it is the guard that has to: make that fail.
    host.guard.fail_at = {host.guard.applied + 2}
    outcome = engine.apply(spec, live=True)
    assert outcome.state is ApplyState.FAILED
    assert outcome.detail.startswith("proxy: nginx refuses it")
    assert "rolling back failed" in outcome.detail


def test_without_anything_to_go_back_to_it_is_failed_and_can_be_tried_again(
    host: Any, engine: Reconciler, edge: Any
) -> None:
    host.mesh.fail_at = {1}
    outcome = engine.apply(edge.at(1), live=True)
    assert outcome.state is ApplyState.FAILED
    assert outcome.version is None
    assert engine.apply(edge.at(1), live=True).state is ApplyState.IN_SYNC


def test_not_yet_is_waited_for_and_never_rolled_back(
    host: Any, engine: Reconciler, state: AgentState, gateway: Any
) -> None:
    took(state, engine, gateway.at(1))
    host.mesh.fail_at = {host.mesh.applied + 1}
    host.mesh.error = Unavailable("wireguard-go is not there yet")
    spec = gateway.with_edge(2)
    state.save_spec(spec)
    outcome = engine.apply(spec, live=True)
    assert outcome.state is ApplyState.APPLYING
    assert "not there yet" in outcome.detail
    assert tuple(host.proxy.parts) == host.proxy.wanted(spec), "what can be done meanwhile is done"
    assert engine.apply(spec, live=True).state is ApplyState.IN_SYNC
    assert host.is_as(spec)


def test_without_the_guard_nothing_goes_on(host: Any, engine: Reconciler, edge: Any) -> None:
    host.guard.fail_at, host.guard.error = {1}, Unavailable("nft is not installed")
    outcome = engine.apply(edge.at(1), live=False)
    assert outcome.state is ApplyState.APPLYING
    assert host.mesh.parts == []
    assert host.proxy.parts == []


def test_what_cannot_be_seen_is_neither_changed_nor_called_in_sync(host: Any, engine: Reconciler, edge: Any) -> None:
    host.mesh.unknown = "netlink says no"
    outcome = engine.apply(edge.at(1), live=False)
    assert outcome.state is ApplyState.APPLYING
    assert "netlink says no" in outcome.detail
    assert host.mesh.parts == []


def test_an_observation_that_crashes_is_unknown(
    host: Any, engine: Reconciler, edge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(host.proxy, "observe", crash)
    outcome = engine.apply(edge.at(1), live=False)
    assert outcome.state is ApplyState.APPLYING
    assert "surprise" in outcome.detail


def test_what_does_not_take_is_a_failure(host: Any, engine: Reconciler, state: AgentState, gateway: Any) -> None:
    took(state, engine, gateway.at(1))
    host.proxy.stuck = True
    spec = gateway.at(2)
    state.save_spec(spec)
    outcome = engine.apply(spec, live=True)
    assert outcome.state is ApplyState.ROLLED_BACK
    assert "does not stand" in outcome.detail


def test_a_rollback_never_lets_a_revoked_node_back_in(
    host: Any, engine: Reconciler, state: AgentState, gateway: Any
) -> None:
    took(state, engine, gateway.at(1))
    revoked = gateway.fleet.node("home-2")
    spec = gateway.without(2, "home-2")
    state.save_spec(spec)
    host.proxy.fail_at = {host.proxy.applied + 1}
    outcome = engine.apply(spec, live=True)
    assert outcome.state is ApplyState.ROLLED_BACK
    assert revoked.public_key not in host.mesh.parts
    assert not any(str(revoked.address) in opening for opening in host.guard.parts)
    after_restart = AgentState(state.path).load_spec().spec
    assert after_restart is not None
    assert revoked.public_key not in {peer.public_key for peer in after_restart.mesh.peers}


@pytest.mark.parametrize(("behind_a_guard", "order"), [(True, ["mesh", "guard"]), (False, ["guard", "mesh"])])
def test_a_revoked_peer_is_cut_before_all_but_a_guard_that_does_not_stand(
    host: Any,
    engine: Reconciler,
    state: AgentState,
    gateway: Any,
    monkeypatch: pytest.MonkeyPatch,
    behind_a_guard: bool,
    order: list[str],
) -> None:
    took(state, engine, gateway.at(1))
    monkeypatch.setattr("gridwire.agent.reconcile.cuts_first", lambda *_: behind_a_guard)
    host.journal.clear()
    engine.apply(gateway.without(2, "home-2"), live=False)
    sections = [line.partition(":")[0] for line in host.journal]
    assert list(dict.fromkeys(sections)) == [*order, "proxy"]


def test_a_section_that_cannot_plan_stops_neither_guard_nor_cut_nor_proxy(
    host: Any, engine: Reconciler, state: AgentState, gateway: Any
) -> None:
    """As where node.key was made readable by others: the device is left as it is, but for who must go."""
    took(state, engine, gateway.at(1))
    host.mesh.cannot_plan = Conflict("node.key can be read by others than root", code="key-exposed")
    host.guard.parts.clear()
    assert engine.apply(gateway.at(1), live=False).error is not None
    assert tuple(host.guard.parts) == host.guard.wanted(gateway.at(1))
    spec = gateway.without(2, "home-2")
    state.save_spec(spec)
    outcome = engine.apply(spec, live=True)
    assert host.is_as(spec)
    assert outcome.state is ApplyState.FAILED, "what the older spec fails with too is no reason to go back to it"
    assert outcome.version is None
    assert outcome.error is not None
    assert outcome.error.code == "key-exposed"
    assert "mesh: node.key can be read by others" in outcome.detail
    before = len(host.journal)
    engine.apply(spec, live=True)
    assert len(host.journal) == before, "and nothing goes to and fro"


@pytest.mark.parametrize("section", ["guard", "mesh", "proxy"])
@pytest.mark.parametrize("error", [GridwireError("it broke", code="broke"), Unavailable("not yet"), KeyError("a bug")])
def test_whatever_fails_a_revoked_peer_is_cut(
    host: Any, engine: Reconciler, state: AgentState, gateway: Any, section: str, error: Exception
) -> None:
    took(state, engine, gateway.at(1))
    revoked = gateway.fleet.node("home-2")
    spec = gateway.without(2, "home-2")
    failing = getattr(host, section)
    keep = 1 if section == "mesh" else 0  # the cut itself is the mesh's first action
    failing.error, failing.fail_at = error, set(range(failing.applied + 1 + keep, 1000))
    engine.apply(spec, live=False)
    assert revoked.public_key not in host.mesh.parts


def test_a_cut_that_fails_keeps_no_other_from_being_made(host: Any, engine: Reconciler, gateway: Any) -> None:
    engine.apply(gateway.at(1), live=True)
    gone = {gateway.fleet.node(name).public_key for name in ("home-1", "home-2")}
    spec = gateway.without(2, "home-2")
    host.mesh.wanted = lambda s: tuple(p.public_key for p in s.mesh.peers if p.public_key not in gone)
    host.mesh.fail_at = {host.mesh.applied + 1}
    outcome = engine.apply(spec, live=False)
    assert len(gone & set(host.mesh.parts)) == 1
    assert "it broke" in outcome.detail
    assert tuple(host.proxy.parts) == host.proxy.wanted(spec)
    engine.apply(spec, live=False)
    assert not gone & set(host.mesh.parts)


def test_what_is_wrong_with_the_names_is_told_and_takes_no_spec_back(
    host: Any, engine: Reconciler, state: AgentState, edge: Any
) -> None:
    host.names.wanted = lambda s: (f"names of {s.revision}",)
    took(state, engine, edge.at(1))
    for revision, wrong in enumerate(("fail_at", "stuck", "unknown"), 2):
        spec = edge.at(revision)
        state.save_spec(spec)
        host.names.fail_at = set(range(1000)) if wrong == "fail_at" else set()
        host.names.stuck = wrong == "stuck"
        host.names.unknown = "/etc/hosts cannot be read" if wrong == "unknown" else ""
        outcome = engine.apply(spec, live=True)
        assert (outcome.state, outcome.version) == (ApplyState.IN_SYNC, spec.version)
        assert outcome.detail.startswith(("names: ", "applied, and it does not stand (names: "))
        assert tuple(host.proxy.parts) == host.proxy.wanted(spec)
    host.names.unknown = ""
    assert engine.apply(edge.at(4), live=True).detail == ""
    assert host.is_as(edge.at(4))


def test_a_disk_that_is_full_is_said_and_undoes_nothing(
    host: Any, engine: Reconciler, state: AgentState, edge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(version: object) -> None:
        raise Unavailable("no space left", code="disk-full")

    monkeypatch.setattr(state, "commit", full)
    outcome = engine.apply(edge.at(1), live=False)
    assert outcome.state is ApplyState.IN_SYNC
    assert "no space left" in outcome.detail
    assert host.is_as(edge.at(1))


def test_quickly_only_what_the_spec_wants_otherwise_is_looked_at(host: Any, engine: Reconciler, gateway: Any) -> None:
    looked: list[str] = []
    for section in host.sections:
        observe = section.observe
        section.observe = lambda section=section, observe=observe: looked.append(section.name) or observe()
    engine.apply(gateway.at(1), live=False, quick=True)
    assert set(looked) == {"guard", "mesh", "proxy", "names"}, "nothing was verified before"
    looked.clear()
    assert engine.apply(gateway.at(2), live=False, quick=True).version == (1, 2)
    assert set(looked) == {"proxy"}
    assert host.is_as(gateway.at(2))
    looked.clear()
    engine.apply(gateway.without(3, "home-2"), live=False, quick=True)
    assert set(looked) == {"guard", "mesh", "proxy"}, "a revocation is never taken for granted"
    looked.clear()
    host.proxy.fail_at = {host.proxy.applied + 1}
    engine.apply(gateway.at(4), live=False, quick=True)
    looked.clear()
    engine.apply(gateway.at(4), live=False, quick=True)
    assert set(looked) == {"guard", "mesh", "proxy", "names"}, "after a failure all of it is looked at"


def test_not_even_quickly_does_anything_go_on_without_a_guard(host: Any, engine: Reconciler, gateway: Any) -> None:
    engine.apply(gateway.at(1), live=False)
    host.guard.parts.clear()
    host.guard.fail_at = set(range(1000))
    kept = engine.guard.heal(since=float("inf"))
    assert kept is not None
    assert kept.error is not None
    before = list(host.proxy.parts)
    assert engine.apply(gateway.at(2), live=False, quick=True).state is not ApplyState.IN_SYNC
    assert host.proxy.parts == before
