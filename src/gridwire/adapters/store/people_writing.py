"""What one transaction can change of persons. No revision is made of it: persons are no part of the fleet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import IntegrityError

from gridwire.adapters.store import tables
from gridwire.adapters.store.documents import microseconds
from gridwire.adapters.store.people import OperatorRow, PasskeyRow, PeopleReading, SessionRow, TokenRow
from gridwire.core.addressing import Address
from gridwire.core.errors import Conflict
from gridwire.core.operators import Failures


class PeopleWriting(PeopleReading):
    """Reads and writes of one transaction. ``changed``: a session or token may have become worthless, or may less."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.changed = False

    def add_operator(self, row: OperatorRow) -> None:
        try:
            self._connection.execute(insert(tables.operators).values(name=row.name, **_operator_values(row)))
        except IntegrityError:
            raise Conflict(
                f"there is an operator {row.name} already",
                fix=f"a new link for it: gridwire operator passwd {row.name}",
                code="name-taken",
            ) from None

    def save_operator(self, row: OperatorRow) -> None:
        self.changed = True
        table = tables.operators
        self._connection.execute(update(table).where(table.c.name == row.name).values(_operator_values(row)))

    def drop_operator(self, name: str) -> None:
        self.changed = True
        for table in (tables.sessions, tables.tokens, tables.recovery_codes, tables.passkeys):
            self._connection.execute(delete(table).where(table.c.operator == name))
        self._connection.execute(delete(tables.operators).where(tables.operators.c.name == name))

    def take_step(self, operator: str, step: int) -> bool:
        """Whether no code of this step or a later one was taken before; one statement judges and remembers."""
        table = tables.operators
        done = self._connection.execute(
            update(table)
            .where(table.c.name == operator, (table.c.totp_step.is_(None)) | (table.c.totp_step < step))
            .values(totp_step=step)
            .returning(table.c.name)
        )
        return done.one_or_none() is not None

    def set_recovery_codes(self, operator: str, sha256s: tuple[str, ...]) -> None:
        table = tables.recovery_codes
        self._connection.execute(delete(table).where(table.c.operator == operator))
        for sha256 in sha256s:
            self._connection.execute(insert(table).values(operator=operator, sha256=sha256))

    def take_recovery_code(self, operator: str, sha256: str) -> bool:
        """Whether there was one like that; there is no more."""
        table = tables.recovery_codes
        gone = delete(table).where(table.c.operator == operator, table.c.sha256 == sha256).returning(table.c.sha256)
        return self._connection.execute(gone).one_or_none() is not None

    def add_session(self, row: SessionRow) -> None:
        self._connection.execute(
            insert(tables.sessions).values(
                sha256=row.sha256,
                id=row.id,
                operator=row.operator,
                node=row.node,
                address=str(row.address),
                shown=row.by,
                began_at=microseconds(row.began),
                used_at=microseconds(row.used),
            )
        )

    def use_session(self, sha256: str, now: datetime) -> None:
        table = tables.sessions
        at = microseconds(now)
        self._connection.execute(update(table).where(table.c.sha256 == sha256, table.c.used_at < at).values(used_at=at))

    def drop_session(self, id_: str) -> None:
        self.changed = True
        self._connection.execute(delete(tables.sessions).where(tables.sessions.c.id == id_))

    def drop_sessions(self, operator: str) -> None:
        self.changed = True
        self._connection.execute(delete(tables.sessions).where(tables.sessions.c.operator == operator))

    def drop_old_sessions(self, began_before: datetime, used_before: datetime) -> None:
        table = tables.sessions
        over = (table.c.began_at <= microseconds(began_before)) | (table.c.used_at <= microseconds(used_before))
        self._connection.execute(delete(table).where(over))

    def add_token(self, row: TokenRow) -> None:
        try:
            self._connection.execute(
                insert(tables.tokens).values(
                    sha256=row.sha256,
                    id=row.id,
                    operator=row.operator,
                    label=row.label,
                    scope=row.scope.value,
                    made_at=microseconds(row.made),
                    expires_at=microseconds(row.expires),
                )
            )
        except IntegrityError:
            raise Conflict(
                f"{row.operator} has a token {row.label} already",
                fix="revoke that one, or choose another label",
                code="name-taken",
            ) from None

    def use_token(self, sha256: str, now: datetime) -> None:
        table = tables.tokens
        self._connection.execute(update(table).where(table.c.sha256 == sha256).values(used_at=microseconds(now)))

    def drop_token(self, id_: str) -> None:
        self.changed = True
        self._connection.execute(delete(tables.tokens).where(tables.tokens.c.id == id_))

    def add_passkey(self, row: PasskeyRow) -> None:
        try:
            self._connection.execute(
                insert(tables.passkeys).values(
                    id=row.id,
                    operator=row.operator,
                    credential=row.credential,
                    label=row.label,
                    public_key=row.public_key,
                    signatures=row.signatures,
                    made_at=microseconds(row.made),
                )
            )
        except IntegrityError:
            raise Conflict("this passkey is known already", fix="use another authenticator", code="in-use") from None

    def use_passkey(self, id_: str, signatures: int, now: datetime) -> None:
        table = tables.passkeys
        values = {"signatures": signatures, "used_at": microseconds(now)}
        self._connection.execute(update(table).where(table.c.id == id_).values(values))

    def drop_passkey(self, id_: str) -> None:
        self._connection.execute(delete(tables.passkeys).where(tables.passkeys.c.id == id_))

    def drop_passkeys(self, operator: str) -> None:
        self._connection.execute(delete(tables.passkeys).where(tables.passkeys.c.operator == operator))

    def set_failures(self, name: str, address: Address, failures: Failures | None) -> None:
        table = tables.login_failures
        here = (table.c.name == name, table.c.address == str(address))
        self._connection.execute(delete(table).where(*here))
        if failures is not None:
            values = {"count": failures.count, "at": microseconds(failures.at)}
            self._connection.execute(insert(table).values(name=name, address=str(address), **values))

    def forget_failures(self, name: str) -> None:
        """Of one name, whatever the device; an empty one: of devices, whatever the name."""
        self._connection.execute(delete(tables.login_failures).where(tables.login_failures.c.name == name))

    def drop_old_failures(self, before: datetime) -> None:
        table = tables.login_failures
        self._connection.execute(delete(table).where(table.c.at <= microseconds(before)))


def _operator_values(row: OperatorRow) -> dict[str, object]:
    def at(when: datetime | None) -> int | None:
        return None if when is None else microseconds(when)

    return {
        "may": row.may.value,
        "added_at": microseconds(row.added),
        "handle": row.handle,
        "disabled_at": at(row.disabled),
        "logged_in_at": at(row.logged_in),
        "password": row.password,
        "link_sha256": row.link_sha256,
        "link_expires_at": at(row.link_expires),
        "totp_sealed": row.totp,
        "totp_confirmed_at": at(row.totp_confirmed),
        "totp_step": row.totp_step,
    }
