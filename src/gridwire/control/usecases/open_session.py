"""A person is logged in: a session with a secret of its own, and an end to the one that was there before."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from gridwire.adapters.store import OperatorRow, SessionRow, Writing
from gridwire.control.caller import digest
from gridwire.core.addressing import Address
from gridwire.core.fleet import Node
from gridwire.core.sessions import MOST_SESSIONS
from gridwire.protocol.operators import Method

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a person logs in; ``cookie``: the hash of what its browser holds by now."""

    node: Node
    address: Address
    cookie: str | None = None

    def __str__(self) -> str:
        return f"{self.node.name} ({self.address})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """``secret`` goes into the cookie and nowhere else."""

    session: SessionRow
    secret: str

    def __repr__(self) -> str:
        return f"Opened(session={self.session!r})"


def open_session(
    transaction: Writing, operator: OperatorRow, device: Device, *, by: Method, now: datetime, only: bool = False
) -> Opened:
    """``only``: all other sessions of the operator end. The browser's own former one does in any case."""
    people = transaction.people
    if only:
        people.drop_sessions(operator.name)
    former = None if device.cookie is None else people.session(device.cookie)
    if former is not None:
        people.drop_session(former.id)
    for oldest in people.sessions(operator.name)[MOST_SESSIONS - 1 :]:
        people.drop_session(oldest.id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    session = SessionRow(
        id=secrets.token_hex(8),
        sha256=digest(secret),
        operator=operator.name,
        node=device.node.name,
        address=device.address,
        by=by,
        began=now,
        used=now,
    )
    people.add_session(session)
    people.save_operator(replace(operator, logged_in=now))
    transaction.append_event(
        actor=f"operator:{operator.name}",
        kind="session.opened",
        subject=operator.name,
        detail=f"by {by} from {device}",
        now=now,
    )
    return Opened(session=session, secret=secret)


def end_session(transaction: Writing, session: SessionRow, *, author: str, now: datetime) -> None:
    transaction.people.drop_session(session.id)
    transaction.append_event(
        actor=author,
        kind="session.ended",
        subject=session.operator,
        detail=f"that of {session.node} ({session.address})",
        now=now,
    )
