"""Rows of being told: open alerts, destinations, what is not sent yet, maintenance. Part of a transaction's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from gridwire.adapters.store import tables
from gridwire.adapters.store.documents import microseconds, moment
from gridwire.core.alerts import Held, Key, Window
from gridwire.core.errors import NotFound
from gridwire.protocol.notifications import Delivery, Maintenance, Notification, Told

_HELD: Final = TypeAdapter(Held)
_TOLD: Final = TypeAdapter(Told)
_WINDOW: Final = TypeAdapter(Window)
_SHOWN: Final = TypeAdapter(Notification)
MOST_WAITING: Final = 500  # notices to one destination; the oldest are given up first


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One notice on its way to one destination."""

    told: Told
    destination: str
    made: datetime
    due: datetime
    tries: int


class NoticesReading:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def held(self) -> dict[Key, Held]:
        rows = self._connection.execute(select(tables.alerts.c.document)).scalars()
        found = [_HELD.validate_json(row) for row in rows]
        return {held.key: held for held in found}

    def notifications(self) -> tuple[Notification, ...]:
        """By name."""
        table, count = tables.outbox, func.count()
        counts = {
            row.destination: row.waiting
            for row in self._connection.execute(
                select(table.c.destination, count.label("waiting")).group_by(table.c.destination)
            )
        }
        rows = self._connection.execute(select(tables.destinations).order_by(tables.destinations.c.name))
        found = []
        for row in rows:
            shown = _SHOWN.validate_json(row.document)
            tried = None if row.tried_at is None else moment(row.tried_at)
            found.append(
                Notification(
                    name=row.name,
                    kind=shown.kind,
                    told=shown.told,
                    only=shown.only,
                    waiting=counts.get(row.name, 0),
                    delivery=None if tried is None else Delivery(at=tried, ok=bool(row.ok), what=row.outcome or ""),
                )
            )
        return tuple(found)

    def notification(self, name: str) -> Notification:
        """Raise NotFound."""
        found = next((one for one in self.notifications() if one.name == name), None)
        if found is None:
            raise NotFound(f"there is no notification {name}", fix="`gridwire notify list` names them")
        return found

    def sealed(self, name: str) -> bytes:
        """Where to; raise NotFound."""
        table = tables.destinations
        found = self._connection.execute(select(table.c.sealed).where(table.c.name == name)).scalar_one_or_none()
        if found is None:
            raise NotFound(f"there is no notification {name}", fix="`gridwire notify list` names them")
        return bytes(found)

    def parcels(self, limit: int) -> tuple[Parcel, ...]:
        """What waits, what is due first first."""
        query = select(tables.outbox).order_by(tables.outbox.c.due_at, tables.outbox.c.made_at).limit(limit)
        return tuple(
            Parcel(
                told=_TOLD.validate_json(row.document),
                destination=row.destination,
                made=moment(row.made_at),
                due=moment(row.due_at),
                tries=row.tries,
            )
            for row in self._connection.execute(query)
        )

    def maintenance(self) -> tuple[Maintenance, ...]:
        """Windows that are not over when they were last looked at; those that end first first."""
        rows = self._connection.execute(select(tables.windows).order_by(tables.windows.c.ends_at))
        return tuple(
            Maintenance(id=row.id, window=_WINDOW.validate_json(row.document), author=row.author) for row in rows
        )


class NoticesWriting(NoticesReading):
    def hold(self, before: dict[Key, Held], after: dict[Key, Held]) -> None:
        """Write what differs of what a restart must not forget."""
        table = tables.alerts
        old = {key: held for key, held in before.items() if held.lasting}
        new = {key: held for key, held in after.items() if held.lasting}
        for key in old.keys() | new.keys():
            if old.get(key) == new.get(key):
                continue
            self._connection.execute(delete(table).where(table.c.kind == key.kind, table.c.subject == key.subject))
            if key in new:
                document = _HELD.dump_json(new[key]).decode()
                self._connection.execute(insert(table).values(kind=key.kind, subject=key.subject, document=document))

    def put_notification(self, shown: Notification, sealed: bytes) -> None:
        table = tables.destinations
        values = {"document": _SHOWN.dump_json(shown).decode(), "sealed": sealed}
        done = self._connection.execute(update(table).where(table.c.name == shown.name).values(values))
        if done.rowcount == 0:
            self._connection.execute(insert(table).values(name=shown.name, **values))

    def drop_notification(self, name: str) -> None:
        """With what waits for it."""
        self._connection.execute(delete(tables.outbox).where(tables.outbox.c.destination == name))
        self._connection.execute(delete(tables.destinations).where(tables.destinations.c.name == name))

    def post(self, told: Told, destination: str, now: datetime) -> None:
        table = tables.outbox
        at = microseconds(now)
        self._connection.execute(
            insert(table).values(
                id=told.id,
                destination=destination,
                document=_TOLD.dump_json(told).decode(),
                made_at=at,
                due_at=at,
                tries=0,
            )
        )
        kept = (select(table.c.id).where(table.c.destination == destination).order_by(table.c.made_at.desc())).limit(
            MOST_WAITING
        )
        self._connection.execute(delete(table).where(table.c.destination == destination, table.c.id.not_in(kept)))

    def tried(self, destination: str, delivery: Delivery) -> None:
        table = tables.destinations
        self._connection.execute(
            update(table)
            .where(table.c.name == destination)
            .values(tried_at=microseconds(delivery.at), ok=delivery.ok, outcome=delivery.what)
        )

    def delivered(self, parcel: Parcel) -> None:
        """Or given up."""
        self._connection.execute(delete(tables.outbox).where(*_of(parcel)))

    def later(self, parcel: Parcel, due: datetime) -> None:
        values = {"due_at": microseconds(due), "tries": parcel.tries + 1}
        self._connection.execute(update(tables.outbox).where(*_of(parcel)).values(values))

    def add_window(self, added: Maintenance) -> None:
        self._connection.execute(
            insert(tables.windows).values(
                id=added.id,
                document=_WINDOW.dump_json(added.window).decode(),
                author=added.author,
                ends_at=microseconds(added.window.ends),
            )
        )

    def drop_window(self, number: str) -> None:
        """Raise NotFound."""
        done = self._connection.execute(delete(tables.windows).where(tables.windows.c.id == number))
        if done.rowcount == 0:
            raise NotFound(f"there is no maintenance {number}", fix="`gridwire maintenance list` names them")

    def drop_windows(self, before: datetime) -> None:
        """Those that are over."""
        self._connection.execute(delete(tables.windows).where(tables.windows.c.ends_at <= microseconds(before)))


def _of(parcel: Parcel) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return tables.outbox.c.id == parcel.told.id, tables.outbox.c.destination == parcel.destination
