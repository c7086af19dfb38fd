"""A one-time link turned into a password and a session, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gridwire.adapters.store import OperatorRow, Reading, Writing
from gridwire.control.caller import digest
from gridwire.control.errors import NotKnown
from gridwire.control.logins import Logins
from gridwire.control.usecases.log_in import begin_login, forgive
from gridwire.control.usecases.open_session import Device, Opened, open_session
from gridwire.control.usecases.second_factor import code_taken
from gridwire.core.errors import NotPermitted


def link_owner(reading: Reading, link: str, now: datetime) -> OperatorRow:
    """Whose link it is; raise NotPermitted for one that is none, ran out or was used."""
    row = reading.people.link_owner(digest(link))
    if row is None or row.disabled is not None or row.link_expires is None or row.link_expires <= now:
        raise NotPermitted(
            "the link was used, ran out or was replaced",
            fix="ask for a new one: gridwire operator passwd NAME",
            code="dead-link",
        )
    return row


def begin_claim(transaction: Writing, link: str, device: Device, *, now: datetime) -> None:
    """Where codes are on, the try counts as a failed login until ``claim_link`` says otherwise, so
    that a link is no place to guess at them; raise Locked where it is not heard yet."""
    row = link_owner(transaction, link, now)
    if row.codes is not None:
        begin_login(transaction, row.name, device, now=now)


def claim_link(
    transaction: Writing,
    link: str,
    device: Device,
    *,
    hashed: str,
    code: str | None,
    logins: Logins,
    now: datetime,
) -> Opened | NotKnown:
    """A session of the operator whose password is ``hashed`` from now on. Who lost a password has not lost the
    authenticator: where codes are on, one is wanted."""
    row = link_owner(transaction, link, now)
    if row.codes is not None:
        if not code:
            forgive(transaction, row.name, device)
            return NotKnown(
                "a code is wanted too", fix="send the authenticator's, or a recovery code", code="code-wanted"
            )
        if not code_taken(transaction, row, code, seal=logins.seal, now=now):
            return NotKnown("the code is wrong", fix="try again", code="wrong-login")
        forgive(transaction, row.name, device, all_=True)
        row = transaction.people.known(row.name)
    claimed = replace(row, password=hashed, link_sha256=None, link_expires=None)
    transaction.people.save_operator(claimed)
    transaction.append_event(
        actor=f"operator:{row.name}",
        kind="operator.claimed",
        subject=row.name,
        detail=f"a password was set by link, on {device}",
        now=now,
    )
    return open_session(transaction, claimed, device, by="link", now=now, only=True)
