"""Persons in the store: the same on SQLite and on PostgreSQL, where one is installed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, ip_address
from typing import Any

import pytest

from gridwire.adapters.store import OperatorRow, PasskeyRow, SessionRow, Store, TokenRow, open_store
from gridwire.core.errors import Conflict, NotFound
from gridwire.core.fleet import Network, Node, NodeState, Role
from gridwire.core.names import NodeName
from gridwire.core.operators import Failures, May, OperatorName
from gridwire.protocol.audit import broken_at

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
DEVICE, OTHER = ip_address("10.85.1.0"), ip_address("fd00::1")
LONGEST = OperatorName("o" * 63)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    made = open_store(database)
    with made.writing() as transaction:
        transaction.create(Network(prefix=IPv4Network("10.85.0.0/16")))
        transaction.people.add_operator(_operator("ada"))
        transaction.people.add_operator(_operator(LONGEST, may=May.READ))
    yield made
    made.close()


def _operator(name: str, **fields: Any) -> OperatorRow:
    row = OperatorRow(name=OperatorName(name), may=May.CHANGE, added=NOW, handle=f"handle of {name[:9]}")
    return replace(row, **fields)


def _session(number: int, **fields: Any) -> SessionRow:
    row = SessionRow(
        id=f"id-{number}",
        sha256=f"{number:064}",
        operator=OperatorName("ada"),
        node=NodeName("laptop"),
        address=DEVICE,
        by="passkey",
        began=NOW,
        used=NOW,
    )
    return replace(row, **fields)


def _token(number: int, **fields: Any) -> TokenRow:
    row = TokenRow(
        id=f"id-{number}",
        sha256=f"{number:064}",
        operator=OperatorName("ada"),
        label=f"t-{number}",
        scope=May.READ,
        made=NOW,
        expires=NOW + timedelta(days=366),
    )
    return replace(row, **fields)


def test_an_operator_comes_back_as_it_was_put(store: Store) -> None:
    whole = _operator(
        "ada",
        may=May.READ,
        disabled=NOW,
        logged_in=NOW,
        password="$argon2id$v=19$" + "x" * 200,
        link_sha256="l" * 64,
        link_expires=NOW,
        totp=bytes(range(256)),
        totp_confirmed=NOW,
        totp_step=2**40,
    )
    with store.writing() as transaction:
        transaction.people.save_operator(whole)
    with store.reading() as reading:
        assert reading.people.known("ada") == whole
        assert reading.people.link_owner("l" * 64) == whole
        assert reading.people.handle_owner(whole.handle) == whole
        assert [row.name for row in reading.people.operators()] == ["ada", LONGEST]
        with pytest.raises(NotFound):
            reading.people.known("bob")
    with pytest.raises(Conflict), store.writing() as transaction:
        transaction.people.add_operator(_operator("ada"))


def test_sessions_and_tokens_come_back_and_go(store: Store) -> None:
    sessions = [_session(1), _session(2, address=OTHER, used=NOW + timedelta(seconds=1)), _session(3, operator=LONGEST)]
    with store.writing() as transaction:
        for session in sessions:
            transaction.people.add_session(session)
        for token in (_token(1), _token(2, scope=May.CHANGE), _token(3, operator=LONGEST, label="l" * 48)):
            transaction.people.add_token(token)
    with store.reading() as reading:
        assert reading.people.sessions("ada") == (sessions[1], sessions[0])
        assert reading.people.session(sessions[0].sha256) == sessions[0]
        assert reading.people.session_named("id-3") == sessions[2]
        assert reading.people.tokens("ada") == (_token(1), _token(2, scope=May.CHANGE))
        assert reading.people.token(_token(2).sha256) == _token(2, scope=May.CHANGE)
        assert len(reading.people.tokens()) == len(reading.people.sessions()) == 3
    with pytest.raises(Conflict), store.writing() as transaction:
        transaction.people.add_token(_token(4, label="t-1"))
    later = NOW + timedelta(hours=1)
    with store.writing() as transaction:
        transaction.people.use_session(sessions[0].sha256, later)
        transaction.people.use_session(sessions[0].sha256, NOW)  # told late: it is no older for that
        transaction.people.use_token(_token(1).sha256, later)
        transaction.people.drop_old_sessions(NOW - timedelta(days=7), NOW)
        transaction.people.drop_token("id-2")
        assert transaction.people.changed
    with store.reading() as reading:
        kept = {session.id: session.used for session in reading.people.sessions()}
        assert kept == {"id-1": later, "id-2": NOW + timedelta(seconds=1)}
        assert [(token.id, token.used) for token in reading.people.tokens("ada")] == [("id-1", later)]
        assert not reading.people.overdue(NOW - timedelta(days=7), NOW, NOW)
        assert reading.people.overdue(NOW, NOW - timedelta(days=1), NOW)


def test_an_operator_goes_with_all_that_is_its_own(store: Store) -> None:
    passkey = PasskeyRow(
        id="p",
        operator=OperatorName("ada"),
        credential="c" * 1364,
        label="key",
        public_key=b"\x00\xff",
        signatures=2**32 - 1,
        made=NOW,
    )
    with store.writing() as transaction:
        transaction.people.add_session(_session(1))
        transaction.people.add_token(_token(1))
        transaction.people.add_passkey(passkey)
        transaction.people.set_recovery_codes("ada", ("a" * 64, "b" * 64))
    with pytest.raises(Conflict), store.writing() as transaction:
        transaction.people.add_passkey(replace(passkey, id="q", operator=LONGEST))
    with store.reading() as reading:
        assert reading.people.passkey_of(passkey.credential) == passkey
    with store.writing() as transaction:
        transaction.people.drop_operator("ada")
    with store.reading() as reading:
        assert [row.name for row in reading.people.operators()] == [LONGEST]
        assert reading.people.sessions() + reading.people.tokens() + reading.people.passkeys() == ()
        assert reading.people.recovery_codes("ada") == 0


def test_failures_are_counted_by_name_and_device(store: Store) -> None:
    failed = Failures(count=3, at=NOW)
    with store.writing() as transaction:
        for name, address in (("n" * 64, DEVICE), ("n" * 64, OTHER), ("", DEVICE)):
            transaction.people.set_failures(name, address, failed)
        transaction.people.set_failures("n" * 64, DEVICE, replace(failed, count=4))
    with store.writing() as transaction:
        assert transaction.people.failures("n" * 64, DEVICE) == replace(failed, count=4)
        assert len(transaction.people.failures_of("n" * 64)) == 2
        transaction.people.forget_failures("n" * 64)
        assert transaction.people.failures("n" * 64, OTHER) is None
        assert transaction.people.failures("", DEVICE) == failed
        transaction.people.drop_old_failures(NOW)
        assert transaction.people.failures("", DEVICE) is None


@pytest.mark.parametrize("what", ["step", "recovery code"])
def test_of_many_at_once_one_takes_it(store: Store, what: str) -> None:
    with store.writing() as transaction:
        transaction.people.set_recovery_codes("ada", ("a" * 64,))
    taken: list[bool] = []

    def take(one: Callable[[Any], bool]) -> None:
        with store.writing() as transaction:
            taken.append(one(transaction.people))

    def step(people: Any) -> bool:
        return bool(people.take_step("ada", 7))

    def code(people: Any) -> bool:
        return bool(people.take_recovery_code("ada", "a" * 64))

    threads = [threading.Thread(target=take, args=(step if what == "step" else code,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]
    with store.writing() as transaction:
        assert not transaction.people.take_step("ada", 6) or what == "recovery code"


def test_the_longest_author_fits(store: Store) -> None:
    author = f"token:{LONGEST}/{'l' * 48}"
    with store.writing() as transaction:
        gateway = Node(
            name=NodeName("gw"),
            role=Role.GATEWAY,
            state=NodeState.ACTIVE,
            address=transaction.next_address(gateway=True),
        )
        fleet = transaction.fleet().put(gateway)
        transaction.save(fleet, author=author, reason="r", kind="k", subject="s", now=NOW)
    with store.reading() as reading:
        assert reading.revisions()[0].author == author
        assert reading.events()[0].actor == author
        assert broken_at(reading.events()) is None
