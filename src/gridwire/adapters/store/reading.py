"""What one transaction can read. All of it is of one moment: SQLite in WAL gives each transaction a snapshot."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address

from sqlalchemy import ColumnElement, Connection, Row, String, Table, cast, func, not_, or_, select

from gridwire.adapters.store import documents, tables
from gridwire.adapters.store.notices import NoticesReading
from gridwire.adapters.store.people import PeopleReading
from gridwire.core.addressing import Address
from gridwire.core.errors import NotFound, Unavailable
from gridwire.core.fleet import Fleet, Invitation, Node, NodeState, Policy, Route, Service
from gridwire.core.names import NodeName
from gridwire.core.revision import Revision
from gridwire.core.wireguard import PublicKey
from gridwire.protocol.audit import Event

Version = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The fleet of one revision, and its nodes by address (an address is given once, ever; a tailnet may give one
    again, and then it is whose it is now)."""

    version: Version
    fleet: Fleet
    by_address: dict[Address, Node] = field(compare=False)


def by_address(fleet: Fleet) -> dict[Address, Node]:
    """Live nodes last, so that an address that a revoked one had is theirs."""
    nodes = sorted(fleet.nodes, key=lambda node: node.state is not NodeState.REVOKED)
    return {address: node for node in nodes for address in node.addresses}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """An invitation as stored: also when it is closed, and which revision redeemed it."""

    invitation: Invitation
    address: Address
    redeemed_revision: int | None
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Like:
    """A condition on a row: ``pattern`` is SQL's LIKE in lower case, with ``\\`` before what is meant literally.
    ``field`` none: any column that is searched."""

    field: str | None
    pattern: str
    without: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows of a log: those that every one of ``words`` fits, beyond number ``behind``."""

    words: tuple[Like, ...] = ()
    behind: int | None = None
    oldest_first: bool = False
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Only the hash is stored: a stolen database lets nobody speak as a node."""

    sha256: str
    used: bool


class Reading:
    """Reads of one transaction. ``remembered``: an earlier snapshot, taken over while its revision is current."""

    def __init__(self, connection: Connection, remembered: Snapshot | None = None) -> None:
        self._connection = connection
        self._remembered = remembered
        self.people = PeopleReading(connection)
        self.notices = NoticesReading(connection)

    @property
    def remembered(self) -> Snapshot | None:
        return self._remembered

    def version(self) -> Version | None:
        """(epoch, revision); none before there is a fleet."""
        counters = self._counters()
        return (counters["epoch"], counters["revision"]) if "revision" in counters else None

    def snapshot(self) -> Snapshot:
        """The fleet as this transaction sees it; raise Unavailable before there is one."""
        version = self.version()
        if version is None:
            raise Unavailable("there is no grid here yet", fix="run `gridwire init`", code="no-grid")
        if self._remembered is None or self._remembered.version != version:
            fleet = self._fleet()
            self._remembered = Snapshot(version=version, fleet=fleet, by_address=by_address(fleet))
        return self._remembered

    def fleet(self) -> Fleet:
        return self.snapshot().fleet

    def changed_in(self, address: Address) -> int:
        """The number of the revision that last changed the node of that address."""
        query = select(tables.nodes.c.revision).where(tables.nodes.c.address == str(address))
        return int(self._connection.execute(query).scalar_one())

    def invitation_of(self, address: Address) -> InvitationRow | None:
        """The invitation that made the node of that address; a closed one too."""
        return self._invitation(_INVITATIONS.where(tables.invitations.c.address == str(address)))

    def latest_invitation(self, name: str) -> InvitationRow | None:
        """The newest invitation of a node of that name; a closed one too."""
        query = _INVITATIONS.where(tables.nodes.c.name == name).order_by(
            tables.invitations.c.closed_at.is_(None).desc(), tables.nodes.c.revision.desc()
        )
        return self._invitation(query.limit(1))

    def invitations(self) -> tuple[InvitationRow, ...]:
        """The open ones, and those whose node is not in yet; by the node's name."""
        on_the_way = ("invited", "redeemed", "pending", "quarantined")
        query = _INVITATIONS.where(
            tables.nodes.c.state != "revoked",
            or_(tables.invitations.c.closed_at.is_(None), tables.nodes.c.state.in_(on_the_way)),
        ).order_by(tables.nodes.c.name)
        return tuple(_invitation_row(row) for row in self._connection.execute(query))

    def next_due(self) -> datetime | None:
        """When the first of the open invitations runs out, which may be past; none where there is none."""
        query = select(func.min(tables.invitations.c.expires_at)).where(tables.invitations.c.closed_at.is_(None))
        first = self._connection.execute(query).scalar_one()
        return None if first is None else documents.moment(int(first))

    def credential(self, address: Address) -> Credential | None:
        query = select(tables.credentials).where(tables.credentials.c.address == str(address))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else Credential(sha256=row.sha256, used=row.used_at is not None)

    def credential_owner(self, sha256: str) -> Address | None:
        """The address of the node whose credential has this hash."""
        query = select(tables.credentials.c.address).where(tables.credentials.c.sha256 == sha256)
        address = self._connection.execute(query).scalar_one_or_none()
        return None if address is None else ip_address(address)

    def revisions(self, *, before: int | None = None, limit: int = 100) -> tuple[Revision, ...]:
        """Newest first."""
        query = select(tables.revisions).order_by(tables.revisions.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(tables.revisions.c.number < before)
        return tuple(_revision(row) for row in self._connection.execute(query))

    def page_of_revisions(self, wanted: Wanted) -> tuple[tuple[Revision, ...], int]:
        """Some of them, and how many there are that match."""
        table = tables.revisions
        columns = {
            "number": cast(table.c.number, String),
            "author": table.c.author,
            "reason": table.c.reason,
            "changed": table.c.changed,
        }
        rows, total = self._page(table, columns, wanted)
        return tuple(map(_revision, rows)), total

    def page_of_events(self, wanted: Wanted) -> tuple[tuple[Event, ...], int]:
        table = tables.events
        columns: dict[str, ColumnElement[str]] = {
            "number": cast(table.c.number, String),
            **{name: table.c[name] for name in ("actor", "kind", "subject", "detail")},
        }
        rows, total = self._page(table, columns, wanted)
        return tuple(map(_event, rows)), total

    def _page(
        self, table: Table, columns: Mapping[str, ColumnElement[str]], wanted: Wanted
    ) -> tuple[Sequence[Row[tuple[object, ...]]], int]:
        conditions = [_condition(columns, word) for word in wanted.words]
        total = self._connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
        number = table.c.number
        if wanted.behind is not None:
            conditions.append(number > wanted.behind if wanted.oldest_first else number < wanted.behind)
        order = number if wanted.oldest_first else number.desc()
        query = select(table).where(*conditions).order_by(order).limit(wanted.limit)
        return self._connection.execute(query).all(), int(total)

    def revision(self, number: int) -> tuple[Revision, Fleet]:
        """One revision and the whole fleet of it; raise NotFound."""
        query = select(tables.revisions).where(tables.revisions.c.number == number)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"there is no revision {number}", fix="`gridwire revision list` names them")
        return _revision(row), documents.FLEET.validate_json(zlib.decompress(row.fleet))

    def events(self, *, after: int = 0, limit: int = 100, newest: bool = False) -> tuple[Event, ...]:
        """Events numbered above ``after``, in their order; ``newest``: the last ``limit`` of them."""
        number = tables.events.c.number
        query = select(tables.events).where(number > after).order_by(number.desc() if newest else number).limit(limit)
        rows = [_event(row) for row in self._connection.execute(query)]
        return tuple(reversed(rows) if newest else rows)

    def last_event(self) -> Event | None:
        found = self.events(limit=1, newest=True)
        return found[0] if found else None

    def _counters(self) -> dict[str, int]:
        return {row.name: row.value for row in self._connection.execute(select(tables.counters))}

    def _invitation(self, query: object) -> InvitationRow | None:
        row = self._connection.execute(query).first()  # type: ignore[call-overload]  # a Select of _INVITATIONS
        return None if row is None else _invitation_row(row)

    def _documents(self, table_name: str) -> Sequence[str]:
        table = tables.metadata.tables[table_name]
        return self._connection.execute(select(table.c.document)).scalars().all()

    def _fleet(self) -> Fleet:
        invitations = self._connection.execute(_INVITATIONS.where(tables.invitations.c.closed_at.is_(None)))
        return Fleet(
            network=documents.NETWORK.validate_json(
                self._connection.execute(select(tables.network.c.document)).scalar_one()
            ),
            nodes=tuple(
                sorted(
                    map(documents.NODE.validate_json, self._documents("nodes")), key=lambda n: (n.name, str(n.address))
                )
            ),
            invitations=tuple(
                sorted((_invitation_row(r).invitation for r in invitations), key=lambda i: (i.node, i.ephemeral_key))
            ),
            services=tuple(sorted(map(documents.SERVICE.validate_json, self._documents("services")), key=_name)),
            routes=tuple(sorted(map(documents.ROUTE.validate_json, self._documents("routes")), key=_name)),
            policies=tuple(sorted(map(documents.POLICY.validate_json, self._documents("policies")), key=_name)),
        )


def _condition(columns: Mapping[str, ColumnElement[str]], word: Like) -> ColumnElement[bool]:
    fields = list(columns.values()) if word.field is None else [columns[word.field]]
    found = or_(*(func.lower(field).like(word.pattern, escape="\\") for field in fields))
    return not_(found) if word.without else found


def _name(item: Service | Route | Policy) -> str:
    return item.name


_INVITATIONS = select(tables.invitations, tables.nodes.c.name.label("node_name")).join(
    tables.nodes, tables.nodes.c.address == tables.invitations.c.address
)


def _invitation_row(row: Row[tuple[object, ...]]) -> InvitationRow:
    return InvitationRow(
        invitation=Invitation(
            node=NodeName(row.node_name),
            ephemeral_key=PublicKey(row.ephemeral_key),
            expires=documents.moment(row.expires_at),
            redeemed_at=None if row.redeemed_at is None else documents.moment(row.redeemed_at),
            redeemed_key=None if row.redeemed_key is None else PublicKey(row.redeemed_key),
        ),
        address=ip_address(row.address),
        redeemed_revision=row.redeemed_revision,
        closed=row.closed_at is not None,
    )


def _revision(row: Row[tuple[object, ...]]) -> Revision:
    return Revision(
        number=row.number,
        epoch=row.epoch,
        at=documents.moment(row.at),
        author=row.author,
        reason=row.reason,
        changed=tuple(json.loads(row.changed)),
    )


def _event(row: Row[tuple[object, ...]]) -> Event:
    return Event(
        number=row.number,
        at=documents.moment(row.at),
        actor=row.actor,
        kind=row.kind,
        subject=row.subject,
        detail=row.detail,
        hash=row.hash,
    )
