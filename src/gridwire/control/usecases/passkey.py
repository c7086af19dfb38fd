"""Passkeys: added to an operator, and a login by one.

A passkey cannot be guessed, so no number of failed logins bars it: it is the way in for who is kept waiting.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from gridwire.adapters.passkeys import Credential, Registered, Site, handle_of, name_of, signed
from gridwire.adapters.store import PasskeyRow, Writing
from gridwire.control.errors import NotKnown
from gridwire.control.logins import Logins
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
    transaction: Writing,
    site: Site,
    credential: Credential,
    challenge: bytes | None,
    device: Device,
    *,
    logins: Logins,
    now: datetime,
) -> Opened | NotKnown:
    """A session; or a refusal, *returned*, since it has been written down, for what is nobody's, not true, or answers
    no question that is open (``challenge`` none)."""
    named = name_of(credential)
    row = None if named is None else transaction.people.passkey_of(named)
    operator = None if row is None else transaction.people.operator(row.operator)
    subject = "nobody" if operator is None else operator.name
    if challenge is None:
        _refuse(transaction, subject, device, "a passkey's answer to no open question", logins, now)
        return NotKnown("the answer is to no question that is open", fix="try again", code="wrong-login")
    count = None
    if (
        row is not None
        and operator is not None
        and operator.disabled is None
        and handle_of(credential) == operator.handle
    ):
        count = signed(site, credential, challenge, public_key=row.public_key, signatures=row.signatures)
    if row is None or operator is None or count is None:
        _refuse(transaction, subject, device, "the passkey", logins, now)
        return NotKnown("the passkey is not known here", fix="log in by password, and add it", code="wrong-login")
    transaction.people.use_passkey(row.id, count, now)
    return open_session(transaction, operator, device, by="passkey", now=now)


def _refuse(transaction: Writing, subject: str, device: Device, what: str, logins: Logins, now: datetime) -> None:
    """Failed passkeys are not counted and bar nobody, so only the first of each minute is written down."""
    if logins.to_tell(f"passkey of {subject}", device.address, now):
        transaction.append_event(
            actor=f"node:{device.node.name}",
            kind="session.refused",
            subject=subject,
            detail=f"{what}, on {device}",
            now=now,
        )


def _tell(transaction: Writing, kind: str, name: str, label: str, now: datetime) -> None:
    transaction.append_event(actor=f"operator:{name}", kind=kind, subject=name, detail=label, now=now)
