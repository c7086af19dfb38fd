"""Operators: added, and let in by a one-time link that sets their password."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from gridwire.adapters.store import OperatorRow, Writing
from gridwire.control.caller import digest
from gridwire.core.errors import Conflict
from gridwire.core.fleet import Fleet, NodeState, Role
from gridwire.core.operators import LINK_HOURS, May, operator_name
from gridwire.core.origins import Scheme, welcome_urls
from gridwire.protocol.operators import NewOperator, OperatorLink

LINK_BYTES = 32


def add_operator(transaction: Writing, ask: NewOperator, *, author: str, now: datetime, scheme: Scheme) -> OperatorLink:
    """Raise Conflict for a name that is taken, and where no device could open the link (``no-device``)."""
    check_device(transaction.fleet())
    row = OperatorRow(name=operator_name(ask.name), may=ask.may, added=now, handle=secrets.token_urlsafe(32))
    transaction.people.add_operator(row)
    transaction.append_event(
        actor=author, kind="operator.added", subject=row.name, detail=f"may {_may(row.may)}", now=now
    )
    return make_link(transaction, row, author=author, now=now, scheme=scheme, forget=False)


def make_link(
    transaction: Writing, row: OperatorRow, *, author: str, now: datetime, scheme: Scheme, forget: bool
) -> OperatorLink:
    """A link in place of any that was out. ``forget``: codes and passkeys go, and the sessions with them."""
    check_device(transaction.fleet())
    if row.disabled is not None:
        raise Conflict(f"{row.name} is disabled", fix=f"gridwire operator enable {row.name}", code="disabled")
    link, expires = secrets.token_urlsafe(LINK_BYTES), now + timedelta(hours=LINK_HOURS)
    if forget:
        row = replace(row, totp=None, totp_confirmed=None, totp_step=None)
        transaction.people.set_recovery_codes(row.name, ())
        transaction.people.drop_passkeys(row.name)
        transaction.people.drop_sessions(row.name)
    transaction.people.save_operator(replace(row, link_sha256=digest(link), link_expires=expires))
    transaction.append_event(
        actor=author,
        kind="operator.linked",
        subject=row.name,
        detail="a one-time link to set a password" + (", codes and passkeys are forgotten" if forget else ""),
        now=now,
    )
    return OperatorLink(operator=row.name, urls=welcome_urls(transaction.fleet(), scheme, link), expires=expires)


def check_device(fleet: Fleet) -> None:
    """Raise Conflict where no device could open a link: it would be shown for nothing."""
    if not any(node.role is Role.OPERATOR and node.state is NodeState.ACTIVE for node in fleet.nodes):
        raise Conflict(
            "no operator's device is in the grid yet, and only from one can a person log in",
            fix="add one, then run this again: gridwire invite NAME --role operator",
            code="no-device",
        )


def _may(may: May) -> str:
    return "read and change" if may is May.CHANGE else "read"
