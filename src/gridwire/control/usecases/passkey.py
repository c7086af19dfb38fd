"""Passkeys: added to an operator, and a login by one.

A passkey cannot be guessed, so no number of failed logins bars it: it is the way in for who is kept waiting.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from gridwire.adapters.passkeys import Credential, Registered, Site, handle_of, name_of, signed
from gridwire.adapters.store import PasskeyRow, Writing
from gridwire.control.errors import NotKnown
from gridwire.control.usecases.open_session import Device, Opened, open_session
from gridwire.core.errors import Conflict, NotFound
from gridwire.core.sessions import token_label

MOST = 20  # of one operator


def add_passkey(transaction: Writing, name: str, made: Registered, label: str, *, now: datetime) -> PasskeyRow:
    """Raise Conflict for one that is known, or one too many."""
    operator = transaction.people.known(name)
    if len(transaction.people.passkeys(operator.name)) >= MOST:
        raise Conflict(f"{operator.name} has {MOST} passkeys", fix="remove one first", code="too-many")
    row = PasskeyRow(
        id=secrets.token_hex(8),
        operator=operator.name,
        credential=made.credential,
        label=token_label(label),
        public_key=made.public_key,
        signatures=made.signatures,
        made=now,
    )
    transaction.people.add_passkey(row)
    _tell(transaction, "passkey.added", operator.name, label, now)
    return row


def drop_passkey(transaction: Writing, name: str, id_: str, *, now: datetime) -> None:
    """Raise NotFound for one that is none of the operator's."""
    row = next((row for row in transaction.people.passkeys(name) if row.id == id_), None)
    if row is None:
        raise NotFound("there is no such passkey", fix="read the list again")
    transaction.people.drop_passkey(row.id)
    _tell(transaction, "passkey.removed", name, row.label, now)


def log_in_by_passkey(
    transaction: Writing, site: Site, credential: Credential, challenge: bytes, device: Device, *, now: datetime
) -> Opened:
    """Raise NotKnown for what is nobody's, or not true."""
    named = name_of(credential)
    row = None if named is None else transaction.people.passkey_of(named)
    operator = None if row is None else transaction.people.operator(row.operator)
    if row is None or operator is None or operator.disabled is not None or handle_of(credential) != operator.handle:
        raise _wrong()
    count = signed(site, credential, challenge, public_key=row.public_key, signatures=row.signatures)
    if count is None:
        raise _wrong()
    transaction.people.use_passkey(row.id, count, now)
    return open_session(transaction, operator, device, by="passkey", now=now)


def _wrong() -> NotKnown:
    return NotKnown("the passkey is not known here", fix="log in by password, and add it", code="wrong-login")


def _tell(transaction: Writing, kind: str, name: str, label: str, now: datetime) -> None:
    transaction.append_event(actor=f"operator:{name}", kind=kind, subject=name, detail=label, now=now)
