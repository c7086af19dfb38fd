"""Rows of persons: operators, sessions, API tokens, second factors, failed logins. Part of a transaction's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, func, select

from gridwire.adapters.store import tables
from gridwire.adapters.store.documents import microseconds, moment
from gridwire.core.addressing import Address
from gridwire.core.errors import NotFound
from gridwire.core.names import NodeName, shown
from gridwire.core.operators import Failures, May, OperatorName
from gridwire.protocol.operators import Method

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRow:
    """An operator as stored. ``password``: argon2's hash; ``totp``: sealed; neither is ever shown."""

    name: OperatorName
    may: May
    added: datetime
    handle: str
    disabled: datetime | None = None
    logged_in: datetime | None = None
    password: str | None = None
    link_sha256: str | None = None
    link_expires: datetime | None = None
    totp: bytes | None = None
    totp_confirmed: datetime | None = None
    totp_step: int | None = None

    @property
    def codes(self) -> bytes | None:
        """The sealed secret, where codes are wanted at login."""
        return self.totp if self.totp_confirmed is not None else None

    def __repr__(self) -> str:
        return f"OperatorRow(name={self.name!r}, may={self.may!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    id: str
    sha256: str
    operator: OperatorName
    node: NodeName
    address: Address
    by: Method
    began: datetime
    used: datetime

    def __repr__(self) -> str:
        return f"SessionRow(id={self.id!r}, operator={self.operator!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    id: str
    sha256: str
    operator: OperatorName
    label: str
    scope: May
    made: datetime
    expires: datetime
    used: datetime | None = None

    def __repr__(self) -> str:
        return f"TokenRow(id={self.id!r}, operator={self.operator!r}, label={self.label!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """``credential``: base64url, as authenticators name it; ``public_key``: COSE."""

    id: str
    operator: OperatorName
    credential: str
    label: str
    public_key: bytes
    signatures: int
    made: datetime
    used: datetime | None = None


class PeopleReading:
    """What one transaction can read of persons."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def operators(self) -> tuple[OperatorRow, ...]:
        query = select(tables.operators).order_by(tables.operators.c.name)
        return tuple(map(_operator, self._connection.execute(query)))

    def operator(self, name: str) -> OperatorRow | None:
        return self._one(select(tables.operators).where(tables.operators.c.name == name), _operator)

    def known(self, name: str) -> OperatorRow:
        """Raise NotFound where there is no such operator."""
        row = self.operator(name)
        if row is None:
            raise NotFound(f"there is no operator {shown(name)}", fix="`gridwire operator list` names them")
        return row

    def link_owner(self, sha256: str) -> OperatorRow | None:
        return self._one(select(tables.operators).where(tables.operators.c.link_sha256 == sha256), _operator)

    def handle_owner(self, handle: str) -> OperatorRow | None:
        return self._one(select(tables.operators).where(tables.operators.c.handle == handle), _operator)

    def session(self, sha256: str) -> SessionRow | None:
        return self._one(select(tables.sessions).where(tables.sessions.c.sha256 == sha256), _session)

    def session_named(self, id_: str) -> SessionRow | None:
        return self._one(select(tables.sessions).where(tables.sessions.c.id == id_), _session)

    def sessions(self, operator: str | None = None) -> tuple[SessionRow, ...]:
        """Latest used first; of one operator, or of all."""
        query = select(tables.sessions).order_by(tables.sessions.c.used_at.desc(), tables.sessions.c.id)
        if operator is not None:
            query = query.where(tables.sessions.c.operator == operator)
        return tuple(map(_session, self._connection.execute(query)))

    def token(self, sha256: str) -> TokenRow | None:
        return self._one(select(tables.tokens).where(tables.tokens.c.sha256 == sha256), _token)

    def token_named(self, id_: str) -> TokenRow | None:
        return self._one(select(tables.tokens).where(tables.tokens.c.id == id_), _token)

    def tokens(self, operator: str | None = None) -> tuple[TokenRow, ...]:
        query = select(tables.tokens).order_by(tables.tokens.c.operator, tables.tokens.c.label)
        if operator is not None:
            query = query.where(tables.tokens.c.operator == operator)
        return tuple(map(_token, self._connection.execute(query)))

    def passkeys(self, operator: str | None = None) -> tuple[PasskeyRow, ...]:
        query = select(tables.passkeys).order_by(tables.passkeys.c.made_at, tables.passkeys.c.id)
        if operator is not None:
            query = query.where(tables.passkeys.c.operator == operator)
        return tuple(map(_passkey, self._connection.execute(query)))

    def passkey_of(self, credential: str) -> PasskeyRow | None:
        return self._one(select(tables.passkeys).where(tables.passkeys.c.credential == credential), _passkey)

    def recovery_codes(self, operator: str) -> int:
        """How many are left."""
        query = select(func.count()).where(tables.recovery_codes.c.operator == operator)
        return int(self._connection.execute(query).scalar_one())

    def failures(self, name: str, address: Address) -> Failures | None:
        table = tables.login_failures
        query = select(table).where(table.c.name == name, table.c.address == str(address))
        return self._one(query, _failures)

    def failures_of(self, name: str) -> tuple[Failures, ...]:
        """Of one name, whatever the device."""
        query = select(tables.login_failures).where(tables.login_failures.c.name == name)
        return tuple(map(_failures, self._connection.execute(query)))

    def overdue(self, began: datetime, used: datetime, failed: datetime) -> bool:
        """Whether a session that began or was used by then is left, or a failure of by then."""
        sessions, failures = tables.sessions.c, tables.login_failures.c
        for query in (
            select(func.count()).where(
                (sessions.began_at <= microseconds(began)) | (sessions.used_at <= microseconds(used))
            ),
            select(func.count()).where(failures.at <= microseconds(failed)),
        ):
            if int(self._connection.execute(query).scalar_one()) > 0:
                return True
        return False

    def _one(self, query: Select[Any], read: Callable[[Row[Any]], T]) -> T | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else read(row)


def _at(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


def _operator(row: Row[Any]) -> OperatorRow:
    return OperatorRow(
        name=OperatorName(row.name),
        may=May(row.may),
        added=moment(row.added_at),
        handle=row.handle,
        disabled=_at(row.disabled_at),
        logged_in=_at(row.logged_in_at),
        password=row.password,
        link_sha256=row.link_sha256,
        link_expires=_at(row.link_expires_at),
        totp=row.totp_sealed,
        totp_confirmed=_at(row.totp_confirmed_at),
        totp_step=row.totp_step,
    )


def _session(row: Row[Any]) -> SessionRow:
    return SessionRow(
        id=row.id,
        sha256=row.sha256,
        operator=OperatorName(row.operator),
        node=NodeName(row.node),
        address=ip_address(row.address),
        by=row.shown,
        began=moment(row.began_at),
        used=moment(row.used_at),
    )


def _token(row: Row[Any]) -> TokenRow:
    return TokenRow(
        id=row.id,
        sha256=row.sha256,
        operator=OperatorName(row.operator),
        label=row.label,
        scope=May(row.scope),
        made=moment(row.made_at),
        expires=moment(row.expires_at),
        used=_at(row.used_at),
    )


def _passkey(row: Row[Any]) -> PasskeyRow:
    return PasskeyRow(
        id=row.id,
        operator=OperatorName(row.operator),
        credential=row.credential,
        label=row.label,
        public_key=row.public_key,
        signatures=row.signatures,
        made=moment(row.made_at),
        used=_at(row.used_at),
    )


def _failures(row: Row[Any]) -> Failures:
    return Failures(count=row._mapping["count"], at=moment(row.at))
