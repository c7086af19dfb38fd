"""What one transaction can change: the fleet, which makes a revision and an event, and the rows beside it."""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gridwire.adapters.store import documents, tables
from gridwire.adapters.store.notices import NoticesWriting
from gridwire.adapters.store.people_writing import PeopleWriting
from gridwire.adapters.store.reading import Reading, Snapshot, by_address
from gridwire.core.addressing import Address, next_address
from gridwire.core.errors import Conflict
from gridwire.core.fleet import Fleet, Invitation, Network, Node, Policy, Route, Service
from gridwire.core.names import under_suffix
from gridwire.core.revision import Change, Revision, changes, sentence
from gridwire.core.wireguard import PublicKey
from gridwire.protocol.api import Event
from gridwire.protocol.audit import START, chained


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
        self._write(before, after, number, now)
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

    def _write(self, before: Fleet, after: Fleet, number: int, now: datetime) -> None:
        if before.network != after.network:
            document = documents.NETWORK.dump_json(after.network).decode()
            self._connection.execute(update(tables.network).values(document=document))
        old = {node.address: node for node in before.nodes}
        # Revoked ones first: a replacement takes the name in the same transaction.
        changed = [node for node in after.nodes if old.get(node.address) != node]
        for node in sorted(changed, key=lambda node: node.state != "revoked"):
            self._write_node(old.get(node.address), node, number)
        self._write_invitations(before, after, number, now)
        # Removed routes first: another may take over their host and path in the same transaction.
        found = changes(before, after)
        for change in sorted(found, key=lambda change: change.after is not None):
            self._write_named(change, after.network)
        if before.network.suffix != after.network.suffix:
            self._rename_hosts(after)

    def _write_node(self, before: Node | None, node: Node, number: int) -> None:
        values = {
            "name": node.name,
            "state": node.state.value,
            "revision": number,
            "document": documents.NODE.dump_json(node).decode(),
        }
        try:
            if before is None:
                self._connection.execute(insert(tables.nodes).values(address=str(node.address), **values))
            else:
                self._connection.execute(
                    update(tables.nodes).where(tables.nodes.c.address == str(node.address)).values(values)
                )
        except IntegrityError:
            raise Conflict(f"the name {node.name} is taken", fix="choose another", code="name-taken") from None
        if node.public_key is not None and (before is None or before.public_key != node.public_key):
            self._claim(node.public_key, node, "node")

    def _claim(self, key: PublicKey, node: Node, kind: str) -> None:
        try:
            self._connection.execute(insert(tables.keys).values(public_key=key, address=str(node.address), kind=kind))
        except IntegrityError:
            raise Conflict(
                "the public key belongs to another node, gateway or invitation, or did once",
                fix="make a new key; a key is never used twice",
                code="key-in-use",
            ) from None

    def _write_invitations(self, before: Fleet, after: Fleet, number: int, now: datetime) -> None:
        old = {invitation.ephemeral_key: invitation for invitation in before.invitations}
        new = {invitation.ephemeral_key: invitation for invitation in after.invitations}
        table = tables.invitations
        for key, invitation in new.items():
            if key not in old:
                node = after.node(invitation.node)
                self._claim(key, node, "ephemeral")
                self._connection.execute(
                    insert(table).values(
                        ephemeral_key=key,
                        address=str(node.address),
                        expires_at=documents.microseconds(invitation.expires),
                    )
                )
            elif old[key].redeemed_key != invitation.redeemed_key:
                self._connection.execute(
                    update(table).where(table.c.ephemeral_key == key).values(redeemed_revision=number)
                )
        for key in old.keys() - new.keys():
            self._connection.execute(
                update(table).where(table.c.ephemeral_key == key).values(closed_at=documents.microseconds(now))
            )

    def _write_named(self, change: Change, network: Network) -> None:
        item = change.after or change.before
        table: Table
        values: dict[str, Any] = {}
        if isinstance(item, Service):
            table, document = tables.services, documents.SERVICE.dump_json(item)
        elif isinstance(item, Route):
            table, document = tables.routes, documents.ROUTE.dump_json(item)
            values = {"host": under_suffix(item.host, network.suffix), "path": item.path.rstrip("/")}
        elif isinstance(item, Policy):
            table, document = tables.policies, documents.POLICY.dump_json(item)
        else:
            return
        name = str(item.name)
        self._connection.execute(delete(table).where(table.c.name == name))
        if change.after is None:
            return
        try:
            self._connection.execute(insert(table).values(name=name, document=document.decode(), **values))
        except IntegrityError:
            raise Conflict(
                f"another route already has {values.get('host')}{values.get('path') or '/'}",
                fix="`gridwire route list` names it; change or remove that one",
                code="route-taken",
            ) from None

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
