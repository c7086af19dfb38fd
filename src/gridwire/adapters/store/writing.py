"""What one transaction can change: the fleet, which makes a revision and an event, and the rows beside it."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Executable, Table, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gridwire.adapters.store import documents, tables
from gridwire.adapters.store.notices import NoticesWriting
from gridwire.adapters.store.people_writing import PeopleWriting
from gridwire.adapters.store.reading import Reading, Snapshot, by_address
from gridwire.core.addressing import Address, next_address
from gridwire.core.errors import Conflict
from gridwire.core.fleet import Fleet, Invitation, Network, Node, NodeState, Policy, Route, Service
from gridwire.core.names import under_suffix
from gridwire.core.revision import Change, Revision, changes, sentence
from gridwire.core.wireguard import PublicKey
from gridwire.protocol.audit import START, Event, chained

Named = Service | Route | Policy
_TABLES: Final[Mapping[type[Named], Table]] = {
    Service: tables.services,
    Route: tables.routes,
    Policy: tables.policies,
}


class Writing(Reading):
    """Reads and writes of one transaction, which began with the write lock held."""

    def __init__(self, connection: Connection, remembered: Snapshot | None = None) -> None:
        super().__init__(connection, remembered)
        self.saved: Revision | None = None
        self.notes: tuple[str, ...] = ()  # what a change could not do, for whoever asked for it
        self.people: PeopleWriting = PeopleWriting(connection)
        self.notices: NoticesWriting = NoticesWriting(connection)

    def create(self, network: Network) -> None:
        """The first rows; `save` makes revision 1 of them."""
        self._connection.execute(
            insert(tables.network).values(id=1, document=documents.NETWORK.dump_json(network).decode())
        )
        for name, value in (("epoch", 1), ("revision", 0), ("given_gateways", 0), ("given_nodes", 0)):
            self._connection.execute(insert(tables.counters).values(name=name, value=value))

    def next_address(self, *, gateway: bool) -> Address:
        """An address that was never given; raise Conflict where none is left."""
        counter = "given_gateways" if gateway else "given_nodes"
        address, given = next_address(self.fleet().network.prefix, gateway=gateway, given=self._counters()[counter])
        self._count(counter, given)
        return address

    def redeem(self, address: Address, key: PublicKey, now: datetime) -> Invitation | None:
        """Bind ``key`` to the invitation of ``address`` if it is open, unredeemed and in time; else none.

        One statement, and its WHERE clause the only judge: reading first and writing later lets two newcomers
        redeem one invitation (TS-2025-007).
        """
        moment = documents.microseconds(now)
        row = self._connection.execute(
            update(tables.invitations)
            .where(
                tables.invitations.c.address == str(address),
                tables.invitations.c.redeemed_at.is_(None),
                tables.invitations.c.closed_at.is_(None),
                tables.invitations.c.expires_at > moment,
            )
            .values(redeemed_at=moment, redeemed_key=key)
            .returning(tables.invitations.c.ephemeral_key)
        ).one_or_none()
        if row is None:
            return None
        found = self.invitation_of(address)
        return None if found is None else found.invitation

    def save(
        self,
        after: Fleet,
        *,
        author: str,
        reason: str,
        kind: str,
        subject: str,
        now: datetime,
        detail: str = "",
    ) -> Revision:
        """Write what differs, a revision of the whole and one event; raise Conflict for a key used elsewhere."""
        before = self.fleet()
        epoch, number = self.version() or (1, 0)
        number += 1
        found = changes(before, after)
        self._write(before, after, found, number, now)
        revision = Revision(
            number=number,
            epoch=epoch,
            at=now,
            author=author,
            reason=reason,
            changed=tuple(dict.fromkeys(map(sentence, found))),
        )
        self._connection.execute(
            insert(tables.revisions).values(
                number=number,
                epoch=epoch,
                at=documents.microseconds(now),
                author=author,
                reason=reason,
                changed=json.dumps(revision.changed),
                fleet=zlib.compress(documents.FLEET.dump_json(after)),
            )
        )
        self._count("revision", number)
        self.append_event(actor=author, kind=kind, subject=subject, detail=detail or reason, now=now)
        self.saved = revision
        self._remembered = Snapshot(version=(epoch, number), fleet=after, by_address=by_address(after))
        return revision

    def append_event(self, *, actor: str, kind: str, subject: str, detail: str, now: datetime) -> Event:
        last = self.last_event()
        event = chained(
            START if last is None else last.hash,
            Event(
                number=1 if last is None else last.number + 1,
                at=now,
                actor=actor,
                kind=kind,
                subject=subject,
                detail=detail,
                hash="",
            ),
        )
        self._connection.execute(
            insert(tables.events).values(
                number=event.number,
                at=documents.microseconds(now),
                actor=actor,
                kind=kind,
                subject=subject,
                detail=detail,
                hash=event.hash,
            )
        )
        return event

    def set_credential(self, address: Address, sha256: str, now: datetime) -> None:
        self.drop_credential(address)
        self._connection.execute(
            insert(tables.credentials).values(
                address=str(address), sha256=sha256, issued_at=documents.microseconds(now)
            )
        )

    def move_credential(self, old: Address, new: Address) -> None:
        """The node of ``old`` is at ``new`` now; it keeps its credential."""
        self.drop_credential(new)
        self._connection.execute(
            update(tables.credentials).where(tables.credentials.c.address == str(old)).values(address=str(new))
        )

    def use_credential(self, address: Address, now: datetime) -> None:
        """Remember the first use: from then on the enrolment of the node is over."""
        self._connection.execute(
            update(tables.credentials)
            .where(tables.credentials.c.address == str(address), tables.credentials.c.used_at.is_(None))
            .values(used_at=documents.microseconds(now))
        )

    def drop_credential(self, address: Address) -> None:
        self._connection.execute(delete(tables.credentials).where(tables.credentials.c.address == str(address)))

    def _count(self, name: str, value: int) -> None:
        self._connection.execute(update(tables.counters).where(tables.counters.c.name == name).values(value=value))

    def _write(self, before: Fleet, after: Fleet, found: tuple[Change, ...], number: int, now: datetime) -> None:
        """What differs, a statement for all rows of a kind: 15,000 statements of a row each took two seconds."""
        if before.network != after.network:
            document = documents.NETWORK.dump_json(after.network).decode()
            self._connection.execute(update(tables.network).values(document=document))
        self._write_nodes(before, after, number)
        self._write_invitations(before, after, number, now)
        for noun in (Service, Route, Policy):
            self._write_named(noun, found, after)
        if before.network.suffix != after.network.suffix:
            self._rename_hosts(after)

    def _write_nodes(self, before: Fleet, after: Fleet, number: int) -> None:
        old = {node.address: node for node in before.nodes}
        differ = [node for node in after.nodes if old.get(node.address) != node]
        # Revoked ones first, and new ones last: a replacement takes the name in the same transaction.
        gone = [node for node in differ if node.state is NodeState.REVOKED]
        live = [node for node in differ if node.state is not NodeState.REVOKED]
        table = tables.nodes
        of_address = update(table).where(table.c.address == bindparam("at"))
        known = [node for node in (*gone, *live) if node.address in old]
        added = [node for node in (*gone, *live) if node.address not in old]
        try:
            self._execute_many(of_address, [_node_row(node, number, "at") for node in known])
            self._execute_many(insert(table), [_node_row(node, number, "address") for node in added])
        except IntegrityError:
            # The rows are those of ``before``, so whose name is another's is seen in ``after``.
            names = Counter(node.name for node in after.nodes if node.state is not NodeState.REVOKED)
            taken = next((node.name for node in live if names[node.name] > 1), (live or differ)[0].name)
            raise Conflict(f"the name {taken} is taken", fix="choose another", code="name-taken") from None
        self._claim(
            (node.public_key, node, "node")
            for node in differ
            if node.public_key is not None
            and (node.address not in old or old[node.address].public_key != node.public_key)
        )

    def _claim(self, keys: Iterable[tuple[PublicKey, Node, str]]) -> None:
        rows = [{"public_key": key, "address": str(node.address), "kind": kind} for key, node, kind in keys]
        try:
            self._execute_many(insert(tables.keys), rows)
        except IntegrityError:
            raise Conflict(
                "the public key belongs to another node, gateway or invitation, or did once",
                fix="make a new key; a key is never used twice",
                code="key-in-use",
            ) from None

    def _write_invitations(self, before: Fleet, after: Fleet, number: int, now: datetime) -> None:
        old = {invitation.ephemeral_key: invitation for invitation in before.invitations}
        new = {invitation.ephemeral_key: invitation for invitation in after.invitations}
        added = [(after.node(new[key].node), new[key]) for key in new if key not in old]
        self._claim((invitation.ephemeral_key, node, "ephemeral") for node, invitation in added)
        rows = [
            {
                "ephemeral_key": invitation.ephemeral_key,
                "address": str(node.address),
                "expires_at": documents.microseconds(invitation.expires),
            }
            for node, invitation in added
        ]
        self._execute_many(insert(tables.invitations), rows)
        of_key = update(tables.invitations).where(tables.invitations.c.ephemeral_key == bindparam("key"))
        redeemed = [key for key in new if key in old and old[key].redeemed_key != new[key].redeemed_key]
        self._execute_many(of_key, [{"key": key, "redeemed_revision": number} for key in redeemed])
        closed_at = documents.microseconds(now)
        self._execute_many(of_key, [{"key": key, "closed_at": closed_at} for key in old.keys() - new.keys()])

    def _write_named(self, noun: type[Named], found: tuple[Change, ...], after: Fleet) -> None:
        differ = [change for change in found if isinstance(change.after or change.before, noun)]
        table = _TABLES[noun]
        # All that differ go first: another may take over a host and path in the same transaction.
        self._execute_many(delete(table).where(table.c.name == bindparam("gone")), [{"gone": c.name} for c in differ])
        rows = [_named_row(change.after, after.network) for change in differ if isinstance(change.after, noun)]
        try:
            self._execute_many(insert(table), rows)
        except IntegrityError:
            places = Counter(_place(route, after.network) for route in after.routes)
            row = next((row for row in rows if places[row["host"], row["path"]] > 1), rows[0])
            raise Conflict(
                f"another route already has {row['host']}{row['path'] or '/'}",
                fix="`gridwire route list` names it; change or remove that one",
                code="route-taken",
            ) from None

    def _execute_many(self, statement: Executable, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, rows)

    def _rename_hosts(self, after: Fleet) -> None:
        """Hosts of one label stand under another suffix now; raise Conflict where two become the same."""
        table = tables.routes
        for route in after.routes:
            host = under_suffix(route.host, after.network.suffix)
            try:
                self._connection.execute(update(table).where(table.c.name == route.name).values(host=host))
            except IntegrityError:
                raise Conflict(
                    f"under {after.network.suffix} two routes would have {host}{route.path}",
                    fix=f"change or remove one of them: gridwire route remove {route.name}",
                    code="route-taken",
                ) from None

    def given(self) -> dict[str, int]:
        """How many addresses of each kind were ever given."""
        return {name: value for name, value in self._counters().items() if name.startswith("given_")}

    def key_owner(self, key: PublicKey) -> str | None:
        """The mesh address whose key it is or was."""
        return self._connection.execute(
            select(tables.keys.c.address).where(tables.keys.c.public_key == key)
        ).scalar_one_or_none()


def _node_row(node: Node, number: int, address: str) -> dict[str, Any]:
    """``address``: what the address is called in the statement."""
    return {
        address: str(node.address),
        "name": node.name,
        "state": node.state.value,
        "revision": number,
        "document": documents.NODE.dump_json(node).decode(),
    }


def _named_row(item: Named, network: Network) -> dict[str, Any]:
    name = str(item.name)
    if isinstance(item, Service):
        return {"name": name, "document": documents.SERVICE.dump_json(item).decode()}
    if isinstance(item, Policy):
        return {"name": name, "document": documents.POLICY.dump_json(item).decode()}
    host, path = _place(item, network)
    return {"name": name, "host": host, "path": path, "document": documents.ROUTE.dump_json(item).decode()}


def _place(route: Route, network: Network) -> tuple[str, str]:
    """What no two routes may share."""
    return under_suffix(route.host, network.suffix), route.path.rstrip("/")
