"""Any order of invitations, redemptions, confirmations, revocations and lapses of time keeps the promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridwire.adapters.store import Store, open_store
from gridwire.control.reports import Heard
from gridwire.control.usecases.approve_node import approve_node
from gridwire.control.usecases.bootstrap_fleet import bootstrap_fleet
from gridwire.control.usecases.cancel_invitation import cancel_invitation
from gridwire.control.usecases.confirm_node import confirm_node
from gridwire.control.usecases.expire_invitations import expire_invitations
from gridwire.control.usecases.invite_node import invite_node
from gridwire.control.usecases.redeem_invitation import redeem_invitation
from gridwire.control.usecases.revoke_node import begin_revocation, finish_revocations
from gridwire.core.compiler import compile_spec
from gridwire.core.errors import Conflict, GridwireError
from gridwire.core.fleet import Network, NodeState, Role
from gridwire.core.names import NodeName
from gridwire.core.wireguard import PublicKey
from gridwire.protocol.agent import ApplyState, Report
from gridwire.protocol.api import Invite
from gridwire.protocol.audit import broken_at

NAMES = ("ada", "bob", "cy")
STEPS = st.one_of(
    st.tuples(st.just("invite"), st.sampled_from(NAMES), st.booleans(), st.booleans()),
    st.tuples(st.just("redeem"), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3))),
    st.tuples(st.just("redeem"), st.integers(0, 1), st.none()),
    st.tuples(st.just("confirm"), st.integers(0, 2)),
    st.tuples(st.just("join"), st.integers(0, 2)),
    st.tuples(st.just("approve"), st.sampled_from(NAMES)),
    st.tuples(st.just("revoke"), st.sampled_from(NAMES)),
    st.tuples(st.just("cancel"), st.sampled_from(NAMES)),
    st.tuples(st.just("report")),
    st.tuples(st.just("wait"), st.sampled_from((10, 3600))),
)


@dataclass
class Machine:
    store: Store
    key: Any
    now: datetime = datetime(2030, 1, 1, tzinfo=UTC)
    given: list[Any] = field(default_factory=list)
    confirmed: set[Any] = field(default_factory=set)
    dead: set[Any] = field(default_factory=set)
    ephemerals: int = 0

    def step(self, step: tuple[Any, ...]) -> None:
        verb, *arguments = step
        if verb == "wait":
            self.now += timedelta(seconds=arguments[0])
        try:
            with self.store.writing() as transaction:
                answer = getattr(self, f"_{verb}")(transaction, *arguments)
            if verb == "invite":
                assert answer.node.address not in self.given
                self.given.append(answer.node.address)
            if verb == "confirm" and answer is not None:
                self.confirmed.add(answer)
        except GridwireError:
            pass  # refused: what counts is what holds afterwards

    def _invite(self, transaction: Any, name: str, replace: bool, approve: bool) -> Any:
        self.ephemerals += 1
        ask = Invite(
            name=NodeName(name),
            ephemeral_key=self.key(f"ephemeral {self.ephemerals}"),
            replace=replace,
            needs_approval=approve,
        )
        return invite_node(transaction, ask, author="t", now=self.now)

    def _recent(self, which: int) -> Any:
        return self.given[-1 - which % len(self.given)]

    def _redeem(self, transaction: Any, which: int, key: int | None) -> Any:
        """With the newcomer's own key, or with one of a few that others use too."""
        address = self._recent(which)
        own = self.key(f"own {address}" if key is None else f"shared {key}")
        return redeem_invitation(transaction, address, PublicKey(own), now=self.now)

    def _confirm(self, transaction: Any, which: int) -> Any:
        address = self._recent(which)
        confirm_node(transaction, address, credential="x", now=self.now)
        return address

    def _approve(self, transaction: Any, name: str) -> None:
        approve_node(transaction, name, author="t", now=self.now)

    def _revoke(self, transaction: Any, name: str) -> None:
        begin_revocation(transaction, name, author="t", now=self.now)

    def _cancel(self, transaction: Any, name: str) -> None:
        cancel_invitation(transaction, name, author="t", now=self.now)

    def _wait(self, transaction: Any, _: int) -> None:
        expire_invitations(transaction, now=self.now)

    def _report(self, transaction: Any) -> None:
        version = transaction.snapshot().version
        gateway = transaction.fleet().gateways()[0]
        report = Report(node=gateway.name, at=self.now, agent_version="0", version=version, state=ApplyState.IN_SYNC)
        heard = MappingProxyType({gateway.address: Heard(report=report, at=self.now)})
        finish_revocations(transaction, heard, now=self.now)

    def check(self) -> None:
        with self.store.reading() as reading:
            fleet, (epoch, revision) = reading.fleet(), reading.snapshot().version
        live = [node for node in fleet.nodes if node.state is not NodeState.REVOKED]
        assert max(Counter(node.name for node in live).values()) == 1
        assert max(Counter(node.address for node in fleet.nodes).values()) == 1
        keys = [n.public_key for n in fleet.nodes if n.public_key] + [i.ephemeral_key for i in fleet.invitations]
        assert max(Counter(keys).values()) == 1
        for node in fleet.nodes:
            if node.role is not Role.GATEWAY and node.state in (NodeState.ACTIVE, NodeState.PENDING):
                assert node.address in self.confirmed
            assert (node.address in self.dead) <= (node.state is NodeState.REVOKED)
        self.dead |= {node.address for node in fleet.nodes if node.state is NodeState.REVOKED}

        spec = compile_spec(fleet, "gw", epoch=epoch, revision=revision)
        routed = [prefix.network_address for peer in spec.mesh.peers for prefix in peer.allowed_ips]
        on_mesh = {"invited", "redeemed", "pending", "active"}
        expected = {n.address for n in fleet.nodes if n.state in on_mesh and n.role is not Role.GATEWAY}
        assert sorted(routed) == sorted(expected)  # each /32 exactly once, and nobody else's
        assert {t.address for t in spec.tombstones} >= self.dead
        opened = [address for opening in spec.guard.openings for address in opening.addresses]
        assert max(Counter(opened).values(), default=1) == 1
        assert set(opened) <= expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(approve=st.booleans(), steps=st.lists(STEPS, min_size=4, max_size=14))
def test_promises_hold_in_any_order(make_key: Any, approve: bool, steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as home:
        store = open_store(f"sqlite:///{Path(home)}/g.db")
        machine = Machine(store, make_key)
        with store.writing() as transaction:
            bootstrap_fleet(
                transaction,
                network=Network(prefix=IPv4Network("10.85.0.0/24")),
                name=NodeName("gw"),
                public_key=make_key("gw"),
                endpoint="gw.example.com:51820",
                author="t",
                now=machine.now,
            )
        for step in [*(("invite", name, False, approve) for name in NAMES), *steps]:
            for part in [("redeem", step[1], None), ("confirm", step[1])] if step[0] == "join" else [step]:
                machine.step(part)
                machine.check()
        with store.reading() as reading:
            assert broken_at(reading.events(limit=1000)) is None
            assert len(reading.revisions(limit=1000)) == reading.snapshot().version[1]
            # What is remembered between transactions is what is stored.
            remembered = reading.snapshot()
        again = open_store(f"sqlite:///{Path(home)}/g.db")
        assert again.snapshot() == remembered
        again.close()
        store.close()


def test_a_pool_that_is_used_up_says_so(make_key: Any, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/g.db")
    now = datetime(2030, 1, 1, tzinfo=UTC)
    with store.writing() as transaction:
        network = Network(prefix=IPv4Network("10.85.0.0/26"))
        gateway = {"name": NodeName("gw"), "public_key": make_key("gw"), "endpoint": "h:1", "author": "t", "now": now}
        bootstrap_fleet(transaction, network=network, **gateway)
        for number in range(47):
            ask = Invite(name=NodeName(f"n{number}"), ephemeral_key=make_key(number))
            invite_node(transaction, ask, author="t", now=now)
    with pytest.raises(Conflict, match="no address left"), store.writing() as transaction:
        invite_node(transaction, Invite(name=NodeName("x"), ephemeral_key=make_key("x")), author="t", now=now)
    # Cancelling gives the name back, and not the address.
    with store.writing() as transaction:
        cancel_invitation(transaction, "n0", author="t", now=now)
    with pytest.raises(Conflict, match="none is given twice"), store.writing() as transaction:
        invite_node(transaction, Invite(name=NodeName("n0"), ephemeral_key=make_key("y")), author="t", now=now)
    store.close()
