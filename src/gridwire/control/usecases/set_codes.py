"""Codes of an authenticator: begun, confirmed by a first code, taken off."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from gridwire.adapters.authenticator import new_secret, step_of
from gridwire.adapters.sealing import Seal
from gridwire.adapters.store import Writing
from gridwire.control.caller import digest
from gridwire.core.errors import Conflict, Invalid
from gridwire.core.recovery import ALPHABET, COUNT, LENGTH, shown_code


def begin_codes(transaction: Writing, name: str, *, seal: Seal) -> str:
    """A new secret, which counts for nothing until a code of it is shown. Raise Conflict where codes are on."""
    row = transaction.people.known(name)
    if row.codes is not None:
        raise Conflict("codes are on already", fix="take them off first", code="codes-on")
    secret = new_secret()
    transaction.people.save_operator(
        replace(row, totp=seal.close(secret.encode(), row.name), totp_confirmed=None, totp_step=None)
    )
    return secret


def confirm_codes(transaction: Writing, name: str, code: str, *, seal: Seal, now: datetime) -> tuple[str, ...]:
    """Recovery codes, shown this once. From now on a login by password wants a code."""
    row = transaction.people.known(name)
    if row.totp is None or row.totp_confirmed is not None:
        raise Conflict("no codes were begun", fix="begin with a new secret", code="no-codes")
    step = step_of(seal.open(row.totp, row.name).decode(), code, now)
    if step is None:
        raise Invalid("code", "it is not the authenticator's", fix="see that its clock is right", code="wrong-code")
    transaction.people.save_operator(replace(row, totp_confirmed=now, totp_step=step))
    codes = tuple("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT))
    transaction.people.set_recovery_codes(row.name, tuple(map(digest, codes)))
    _tell(transaction, "codes.on", row.name, f"a login wants a code, or one of {COUNT} recovery codes", now)
    return tuple(map(shown_code, codes))


def drop_codes(transaction: Writing, name: str, *, now: datetime) -> None:
    row = transaction.people.known(name)
    if row.totp is None:
        return
    transaction.people.save_operator(replace(row, totp=None, totp_confirmed=None, totp_step=None))
    transaction.people.set_recovery_codes(row.name, ())
    _tell(transaction, "codes.off", row.name, "a login wants no code any more", now)


def _tell(transaction: Writing, kind: str, name: str, detail: str, now: datetime) -> None:
    transaction.append_event(actor=f"operator:{name}", kind=kind, subject=name, detail=detail, now=now)
