"""What is told of operators, sessions and tokens: rows without what they are compared with."""

from __future__ import annotations

from datetime import datetime

from gridwire.adapters.store import OperatorRow, PasskeyRow, Reading, SessionRow, TokenRow
from gridwire.control.caller import Person, digest
from gridwire.control.logins import Logins
from gridwire.control.usecases.log_in import locked_until
from gridwire.core.operators import May
from gridwire.core.sessions import FRESH, session_ends
from gridwire.protocol.operators import Operator, Passkey, Session, Token


def operator_view(reading: Reading, row: OperatorRow, now: datetime) -> Operator:
    people = reading.people
    live = row.link_expires is not None and row.link_expires > now
    return Operator(
        name=row.name,
        may=row.may,
        disabled=row.disabled is not None,
        claimed=row.password is not None,
        codes=row.codes is not None,
        passkeys=len(people.passkeys(row.name)),
        sessions=len(people.sessions(row.name)),
        tokens=len(people.tokens(row.name)),
        added=row.added,
        logged_in=row.logged_in,
        locked_until=locked_until(people.failures_of(digest(row.name)), now),
        link_until=row.link_expires if live else None,
    )


def session_view(row: SessionRow, may: May, logins: Logins, *, asker: Person | None) -> Session:
    used = logins.used(row)
    return Session(
        id=row.id,
        operator=row.operator,
        may=may,
        node=row.node,
        address=row.address,
        by=row.by,
        began=row.began,
        used=used,
        ends=session_ends(row.began, used),
        fresh_until=row.began + FRESH,
        current=asker is not None and asker.session is not None and asker.session.id == row.id,
    )


def token_view(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        operator=row.operator,
        label=row.label,
        scope=row.scope,
        made=row.made,
        expires=row.expires,
        used=row.used,
    )


def passkey_view(row: PasskeyRow) -> Passkey:
    return Passkey(id=row.id, label=row.label, made=row.made, used=row.used)
