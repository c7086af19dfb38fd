"""Operators: what they may, whether at all, and with which password."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import OperatorRow, Writing
from gridwire.control.usecases.log_in import unlock
from gridwire.control.usecases.open_session import Device, Opened, open_session
from gridwire.core.errors import Conflict
from gridwire.protocol.operators import OperatorChange


def change_operator(
    transaction: Writing, name: str, change: OperatorChange, *, author: str, now: datetime
) -> OperatorRow:
    """Disabling ends sessions, tokens and links for good: whoever is enabled again begins with none."""
    row = transaction.people.known(name)
    _check_another(row, author)
    if change.unlock:
        unlock(transaction, row.name, author=author, now=now)
    if change.may is not None and change.may is not row.may:
        row = replace(row, may=change.may)
        transaction.people.save_operator(row)
        _tell(transaction, "operator.changed", row, f"may {change.may} now", author, now)
    if change.disabled is not None and change.disabled is not (row.disabled is not None):
        row = _disabled(transaction, row, author, now) if change.disabled else _enabled(transaction, row, author, now)
    return row


def remove_operator(transaction: Writing, name: str, *, author: str, now: datetime) -> None:
    row = transaction.people.known(name)
    _check_another(row, author)
    transaction.people.drop_operator(row.name)
    _tell(transaction, "operator.removed", row, "with sessions, tokens and passkeys", author, now)


def change_password(transaction: Writing, row: OperatorRow, device: Device, *, hashed: str, now: datetime) -> Opened:
    """All sessions end, and the one who asked has a new one."""
    changed = replace(row, password=hashed, link_sha256=None, link_expires=None)
    transaction.people.save_operator(changed)
    _tell(transaction, "operator.password", row, f"changed on {device}", f"operator:{row.name}", now)
    return open_session(transaction, changed, device, by="password", now=now, only=True)


def _disabled(transaction: Writing, row: OperatorRow, author: str, now: datetime) -> OperatorRow:
    row = replace(row, disabled=now, link_sha256=None, link_expires=None)
    transaction.people.save_operator(row)
    transaction.people.drop_sessions(row.name)
    tokens = transaction.people.tokens(row.name)
    for token in tokens:
        transaction.people.drop_token(token.id)
    _tell(transaction, "operator.disabled", row, f"sessions ended, {len(tokens)} tokens revoked", author, now)
    return row


def _enabled(transaction: Writing, row: OperatorRow, author: str, now: datetime) -> OperatorRow:
    row = replace(row, disabled=None)
    transaction.people.save_operator(row)
    _tell(transaction, "operator.enabled", row, "with the password of before", author, now)
    return row


def _check_another(row: OperatorRow, author: str) -> None:
    """Raise Conflict where an operator would take its own rights, or its own account, away by mistake."""
    if author == f"operator:{row.name}":
        raise Conflict("this is you", fix="have another operator do it, or root on the gateway", code="own-account")


def _tell(transaction: Writing, kind: str, row: OperatorRow, detail: str, author: str, now: datetime) -> None:
    transaction.append_event(actor=author, kind=kind, subject=row.name, detail=detail, now=now)
