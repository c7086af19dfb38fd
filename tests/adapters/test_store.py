"""The store: no update is lost, no row of a torn change stays, no line of the audit chain goes unnoticed."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from sqlalchemy import event

from gridwire.adapters.store import Store, Writing, open_store, schema
from gridwire.adapters.store.engine import make_engine
from gridwire.adapters.store.schema import migrate
from gridwire.adapters.store.tables import metadata
from gridwire.core.errors import Conflict, Invalid, Unavailable
from gridwire.core.fleet import Fleet, Invitation, Network, Node, NodeState, Role, Route, Selector, Service
from gridwire.core.names import NodeName, RouteName, ServiceName
from gridwire.core.targets import parse_target
from gridwire.core.wireguard import PublicKey
from gridwire.protocol.audit import broken_at, chained

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def _key(seed: object) -> PublicKey:
    return PublicKey(base64.b64encode(hashlib.sha256(str(seed).encode()).digest()).decode())


def _save(transaction: Writing, after: Fleet, reason: str = "test") -> None:
    transaction.save(after, author="t", reason=reason, kind="test", subject="x", now=NOW)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/gridwire.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = open_store(url)
    _first(made)
    yield made
    made.close()


def _first(store: Store) -> None:
    with store.writing() as transaction:
        transaction.create(Network(prefix=IPv4Network("10.85.0.0/16")))
        gateway = Node(
            name=NodeName("gw"),
            role=Role.GATEWAY,
            state=NodeState.ACTIVE,
            address=transaction.next_address(gateway=True),
            public_key=_key("gw"),
        )
        _save(transaction, transaction.fleet().put(gateway))


def _add_node(transaction: Writing, name: str, **fields: object) -> Node:
    node = Node(
        name=NodeName(name),
        role=Role.EDGE,
        state=NodeState.INVITED,
        address=transaction.next_address(gateway=False),
        **fields,  # type: ignore[arg-type]
    )
    _save(transaction, transaction.fleet().put(node))
    return node


def _writer(url: str, number: int, times: int) -> None:
    """A writer with a connection, a lock and a memory of its own, as another process has."""
    store = open_store(url)
    for turn in range(times):
        with store.writing() as transaction:
            _add_node(transaction, f"n-{number}-{turn}")
    store.close()


def _all_there(store: Store, count: int) -> None:
    with store.reading() as reading:
        nodes = [node for node in reading.fleet().nodes if node.role is Role.EDGE]
        assert len(nodes) == count
        assert len({node.address for node in nodes}) == count
        assert reading.snapshot().version == (1, 1 + count)
        assert broken_at(reading.events(limit=10_000)) is None


def test_fifty_concurrent_writers_lose_nothing(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # SQLite's waiters poll and may starve: on a loaded machine one of fifty is refused after 10 s, and says so.
    monkeypatch.setattr("gridwire.adapters.store.engine.BUSY_SECONDS", 100)
    threads = [threading.Thread(target=_writer, args=(url, number, 2)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _all_there(store, 100)


def test_writers_of_other_processes_lose_nothing(store: Store, url: str) -> None:
    processes = [subprocess.Popen([sys.executable, __file__, url, str(number), "5"]) for number in range(3)]
    assert [process.wait(100) for process in processes] == [0] * 3
    _all_there(store, 15)


def test_threads_of_one_store_queue(store: Store) -> None:
    def write(number: int) -> None:
        with store.writing() as transaction:
            _add_node(transaction, f"n-{number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _all_there(store, 50)


def test_every_commit_is_another_number_and_another_snapshot(store: Store, url: str) -> None:
    other = open_store(url)
    seen = [store.commits()]
    assert store.snapshot() is store.snapshot()
    assert store.commits() == seen[0] is not None
    for writer in (store, other, store):
        with writer.writing() as transaction:
            added = _add_node(transaction, f"node-{len(seen)}")
        seen.append(store.commits())
        assert added in store.snapshot().fleet.nodes
        assert added in other.snapshot().fleet.nodes
    assert len(set(seen)) == 4
    other.close()


def test_what_a_commit_is_worth(store: Store, url: str) -> None:
    with store.reading() as reading:
        pragmas = {
            name: reading._connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2: FULL


def test_an_error_leaves_nothing(store: Store) -> None:
    before = store.snapshot()

    def torn() -> None:
        with store.writing() as transaction:
            _add_node(transaction, "torn")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        torn()
    assert store.snapshot() == before
    with store.reading() as reading:
        assert len(reading.events()) == 1
    with store.writing() as transaction:
        assert str(_add_node(transaction, "next").address) == "10.85.1.0"  # the torn one's was never given


def test_addresses_and_keys_are_given_once(store: Store) -> None:
    with store.writing() as transaction:
        node = _add_node(transaction, "a", public_key=_key("a"))
        _save(transaction, transaction.fleet().put(replace(node, state=NodeState.REVOKED)))
    with store.writing() as transaction:
        second = _add_node(transaction, "a")  # the name of a tombstone is free
        assert second.address != node.address
    for taken in (_key("a"), _key("gw")):
        with pytest.raises(Conflict) as caught, store.writing() as transaction:
            _save(transaction, transaction.fleet().put(replace(second, public_key=taken)))
        assert caught.value.code == "key-in-use"
        invitation = Invitation(node=second.name, ephemeral_key=taken, expires=NOW + timedelta(hours=1))
        with pytest.raises(Conflict), store.writing() as transaction:
            _save(transaction, transaction.fleet().put(invitation))
    with pytest.raises(Conflict, match="name a is taken"), store.writing() as transaction:
        _add_node(transaction, "a")


def _many(store: Store, count: int) -> Fleet:
    """A fleet with so many nodes, invitations and routes more than the store's."""
    with store.writing() as transaction:
        addresses = [transaction.next_address(gateway=False) for _ in range(count)]
        fleet = transaction.fleet()
    nodes = tuple(
        Node(name=NodeName(f"n-{number:03}"), role=Role.EDGE, state=NodeState.ACTIVE, address=address)
        for number, address in enumerate(addresses)
    )
    service = Service(name=ServiceName("api"), target=parse_target("127.0.0.1:9000"), on=(Selector("role", "edge"),))
    return replace(
        fleet,
        nodes=(*fleet.nodes, *(replace(node, public_key=_key(node.name)) for node in nodes)),
        invitations=tuple(
            Invitation(node=node.name, ephemeral_key=_key(f"e {node.name}"), expires=NOW + timedelta(hours=1))
            for node in nodes
        ),
        services=(service,),
        routes=tuple(
            Route(name=RouteName(f"r-{number:03}"), host=f"h-{number:03}", to=service.name) for number in range(count)
        ),
    )


def _stored(url: str) -> Fleet:
    """As another process reads it."""
    store = open_store(url)
    try:
        return store.snapshot().fleet
    finally:
        store.close()


def _sorted(fleet: Fleet) -> Fleet:
    return replace(
        fleet,
        nodes=tuple(sorted(fleet.nodes, key=lambda node: (node.name, str(node.address)))),
        invitations=tuple(sorted(fleet.invitations, key=lambda invitation: invitation.node)),
    )


def test_many_rows_are_written_as_each_would_be(database: str) -> None:
    store = open_store(database)
    _first(store)
    fleet = _many(store, 120)
    with store.writing() as transaction:
        _save(transaction, fleet)
    assert _stored(database) == _sorted(fleet)
    with store.writing() as transaction:
        *others, last, other = fleet.nodes
        replacing = Node(
            name=last.name,
            role=Role.EDGE,
            state=NodeState.ACTIVE,
            address=transaction.next_address(gateway=False),
            public_key=_key("replacing"),
        )
        renamed = replace(other, name=NodeName("renamed"), public_key=_key("renamed"))
        one, two, *routes, gone = fleet.routes
        after = replace(
            fleet,
            nodes=(*others, replace(last, state=NodeState.REVOKED), renamed, replacing),
            invitations=fleet.invitations[:-2],
            # Two that change their places with each other, and one that takes the place of one that goes.
            routes=(replace(one, host=two.host), replace(two, host=one.host), replace(routes[0], host=gone.host)),
            services=(replace(fleet.services[0], retries=0),),
        )
        _save(transaction, after)
    assert _stored(database) == _sorted(after)
    store.close()


def _asked(url: str, count: int) -> int:
    """How many statements a save of so many rows is."""
    store = open_store(url)
    _first(store)
    fleet, statements = _many(store, count), []
    with store.writing() as transaction:
        transaction.fleet()
        event.listen(transaction._connection, "before_cursor_execute", lambda *call: statements.append(call[2]))
        _save(transaction, fleet)
    store.close()
    return len(statements)


def test_a_save_asks_the_database_as_often_for_many_rows_as_for_few(tmp_path: Path) -> None:
    asked = [_asked(f"sqlite:///{tmp_path}/{count}.db", count) for count in (2, 200)]
    assert asked[0] == asked[1] < 20


def test_of_many_the_one_that_is_taken_is_named(store: Store) -> None:
    fleet = _many(store, 20)
    third, last = fleet.nodes[3], fleet.nodes[-1]
    refused = {
        "the name n-002 is taken": replace(fleet, nodes=(*fleet.nodes[:-1], replace(last, name=third.name))),
        "another route already has h-007.grid/": replace(
            fleet, routes=(*fleet.routes[:-1], replace(fleet.routes[-1], host="h-007.grid"))
        ),
    }
    for what, wrong in refused.items():
        # The invitation of the node that goes would name nobody.
        with pytest.raises(Conflict, match=what), store.writing() as transaction:
            _save(transaction, replace(wrong, invitations=()))
    assert len(store.snapshot().fleet.nodes) == 1


def test_the_store_judges_host_and_path_too(store: Store) -> None:
    target = parse_target("127.0.0.1:9000")
    service = Service(name=ServiceName("api"), target=target, on=(Selector("role", "edge"),))
    fleet = store.snapshot().fleet.put(service)
    for name, host in (("a", "api"), ("b", "api.grid")):
        fleet = fleet.put(Route(name=RouteName(name), host=host, to=service.name))
    with pytest.raises(Conflict, match="another route"), store.writing() as transaction:
        _save(transaction, fleet)
    assert store.snapshot().fleet.services == ()


def _invited(store: Store) -> Node:
    with store.writing() as transaction:
        node = _add_node(transaction, "a")
        invitation = Invitation(node=node.name, ephemeral_key=_key("e"), expires=NOW + timedelta(hours=1))
        _save(transaction, transaction.fleet().put(invitation))
    return node


def _race(store: Store, url: str, redeem: Callable[[Store, Node, int], bool]) -> int:
    """How many of 16 redeem at the same moment, each over a connection of its own."""
    node = _invited(store)
    stores = [open_store(url) for _ in range(16)]
    gate = threading.Barrier(16)
    won = []

    def one(number: int) -> None:
        gate.wait()
        if redeem(stores[number], node, number):
            won.append(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in stores:
        each.close()
    return len(won)


def test_one_statement_redeems_once(store: Store, url: str) -> None:
    def redeem(own: Store, node: Node, number: int) -> bool:
        with own.writing() as transaction:
            return transaction.redeem(node.address, _key(number), NOW) is not None

    assert _race(store, url, redeem) == 1


def test_the_statement_itself_judges(store: Store) -> None:
    """Under PostgreSQL's READ COMMITTED two readers see the same open invitation: reading first decides nothing."""
    node = _invited(store)
    statements: list[str] = []
    with store.writing() as transaction:
        transaction.fleet()
        event.listen(
            transaction._connection, "before_cursor_execute", lambda *call: statements.append(" ".join(call[2].split()))
        )
        transaction.redeem(node.address, _key(1), NOW)
    first = next(text for text in statements if "invitations" in text)
    assert first.startswith("UPDATE invitations SET redeemed_at=?, redeemed_key=? WHERE")
    assert "redeemed_at IS NULL" in first
    assert "closed_at IS NULL" in first
    assert "expires_at > ?" in first
    assert not any(text.startswith("UPDATE") for text in statements[1:])


def test_an_invitation_that_ran_out_or_is_unknown_is_not_redeemed(store: Store) -> None:
    node = _invited(store)
    with store.writing() as transaction:
        assert transaction.redeem(node.address, _key(1), NOW + timedelta(hours=1)) is None
        assert transaction.redeem(IPv4Network("10.85.9.9/32").network_address, _key(1), NOW) is None
        assert transaction.redeem(node.address, _key(1), NOW) is not None
        assert transaction.redeem(node.address, _key(1), NOW) is None


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE events SET detail = 'nothing happened' WHERE number = 3",
        "UPDATE events SET actor = 'mallory' WHERE number = 3",
        "UPDATE events SET at = at + 1 WHERE number = 3",
        "DELETE FROM events WHERE number = 3",
        "UPDATE events SET number = number + 100 WHERE number >= 3",
        "UPDATE events SET hash = (SELECT hash FROM events WHERE number = 2) WHERE number = 3",
    ],
)
def test_an_altered_audit_chain_is_seen(store: Store, url: str, tamper: str) -> None:
    for number in range(5):
        with store.writing() as transaction:
            _add_node(transaction, f"n{number}")
    with store.reading() as reading:
        assert broken_at(reading.events()) is None
        second = reading.events()[1]
        assert broken_at(reading.events(after=2), previous=second.hash) is None
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute(tamper)
    connection.close()
    with store.reading() as reading:
        assert broken_at(reading.events()) is not None


def test_a_line_written_anew_with_a_hash_of_its_own_is_seen(store: Store, url: str) -> None:
    for number in range(3):
        with store.writing() as transaction:
            _add_node(transaction, f"n{number}")
    with store.reading() as reading:
        first, second = reading.events()[:2]
    forged = chained(first.hash, replace(second, detail="nothing happened"))
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE events SET detail = ?, hash = ? WHERE number = 2", (forged.detail, forged.hash))
    connection.close()
    with store.reading() as reading:
        assert broken_at(reading.events()) == 3  # the next line still says what stood there


def test_revisions_keep_the_whole_fleet(store: Store) -> None:
    with store.writing() as transaction:
        node = _add_node(transaction, "a")
    with store.writing() as transaction:
        _save(transaction, transaction.fleet().put(replace(node, drained=True)), reason="drain")
    with store.reading() as reading:
        revision, fleet = reading.revision(2)
        assert fleet.at(node.address) == node
        assert revision.changed == ("node a: added",)
        assert [r.number for r in reading.revisions(before=3)] == [2, 1]
        assert reading.fleet().at(node.address) == replace(node, drained=True)


def test_the_schema_is_what_the_tables_say(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    engine = make_engine(url)
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert scripts.get_heads() == [schema.HEAD]


def test_migrating_again_changes_nothing_and_a_real_one_is_backed_up(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(url)
    assert migrate(engine) is None
    monkeypatch.setattr(schema, "HEAD", "9998")
    monkeypatch.setattr(schema, "_upgrade", lambda connection: None)
    backup = migrate(engine)
    engine.dispose()
    assert backup is not None
    assert Path(backup).stat().st_mode & 0o777 == 0o600
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT name FROM nodes").fetchall() == [("gw",)]
    copy.close()


def test_a_database_of_before_there_were_persons_keeps_its_rows(url: str) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    engine = make_engine(url)
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    with engine.begin() as connection:
        environment = EnvironmentContext(Config(), scripts, fn=lambda rev, _: scripts._upgrade_revs("0001", rev))
        with environment:
            environment.configure(connection=connection, target_metadata=metadata)
            environment.run_migrations()
        for statement in (
            "INSERT INTO revisions VALUES (1, 1, 0, 'root', 'made', '[]', x'00')",
            "INSERT INTO events VALUES (1, 0, 'root', 'grid.made', 'gw', 'd', 'h')",
        ):
            connection.exec_driver_sql(statement)
    backup = migrate(engine)
    assert backup is not None
    assert Path(backup).name == f"gridwire.db.before-{schema.HEAD}-from-0001"
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT number, author, fleet FROM revisions").all() == [(1, "root", b"\x00")]
        assert connection.exec_driver_sql("SELECT actor, hash FROM events").all() == [("root", "h")]
        assert connection.exec_driver_sql("SELECT count(*) FROM operators").scalar_one() == 0
    engine.dispose()


def test_a_database_of_a_newer_gridwire_is_left_alone(store: Store, url: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(Unavailable, match="another gridwire"):
        open_store(url)


def test_a_locked_database_is_unavailable_and_comes_back(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridwire.adapters.store.engine.BUSY_SECONDS", 0.05)
    impatient = open_store(url)
    holder = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as caught, impatient.writing() as transaction:
        _add_node(transaction, "a")
    assert caught.value.code == "database"
    assert impatient.snapshot().version == (1, 1)  # reading goes on
    holder.execute("ROLLBACK")
    holder.close()
    with impatient.writing() as transaction:
        _add_node(transaction, "a")
    impatient.close()


def test_urls_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="database URL"):
        open_store("not a url")
    with pytest.raises(Unavailable):
        open_store(f"sqlite:///{tmp_path}/missing/gridwire.db")


def test_before_there_is_a_grid(url: str) -> None:
    store = open_store(url)
    with pytest.raises(Unavailable, match="no grid here yet"):
        store.snapshot()
    with store.reading() as reading:
        assert reading.version() is None
    store.close()


if __name__ == "__main__":
    _writer(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
