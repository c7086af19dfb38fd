"""API tokens: made, shown once, revoked."""

from __future__ import annotations

import secrets
from datetime import datetime

from gridwire.adapters.store import OperatorRow, TokenRow, Writing
from gridwire.control.caller import digest
from gridwire.core.errors import Conflict, NotFound, NotPermitted
from gridwire.core.operators import May
from gridwire.core.sessions import MOST_TOKENS, TOKEN_PREFIX, token_label, token_lifetime
from gridwire.protocol.operators import NewToken

SECRET_BYTES = 32


def make_token(
    transaction: Writing, owner: OperatorRow, ask: NewToken, *, author: str, now: datetime
) -> tuple[TokenRow, str]:
    """The token and its secret. Raise NotPermitted for one that may more than its owner, Conflict for a label that is
    taken, or one too many."""
    if owner.disabled is not None:
        raise Conflict(f"{owner.name} is disabled", fix=f"gridwire operator enable {owner.name}", code="disabled")
    if ask.scope is May.CHANGE and owner.may is not May.CHANGE:
        raise NotPermitted(f"{owner.name} may read and not change, and so may its tokens", code="may-read")
    there = transaction.people.tokens(owner.name)
    for token in there:
        if token.expires <= now and token.label == ask.label:
            transaction.people.drop_token(token.id)  # a dead one's label is free
    if len([token for token in there if token.expires > now]) >= MOST_TOKENS:
        raise Conflict(f"{owner.name} has {MOST_TOKENS} tokens", fix="revoke those that nothing uses", code="too-many")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    row = TokenRow(
        id=secrets.token_hex(8),
        sha256=digest(secret),
        operator=owner.name,
        label=token_label(ask.label),
        scope=ask.scope,
        made=now,
        expires=now + token_lifetime(ask.days),
    )
    transaction.people.add_token(row)
    transaction.append_event(
        actor=author,
        kind="token.added",
        subject=f"{row.operator}/{row.label}",
        detail=f"may {row.scope}, until {row.expires:%Y-%m-%d %H:%M} UTC",
        now=now,
    )
    return row, secret


def revoke_token(transaction: Writing, id_: str, *, of: str | None, author: str, now: datetime) -> None:
    """``of``: only that operator's; none: anybody's. Raise NotFound."""
    row = transaction.people.token_named(id_)
    if row is None or (of is not None and row.operator != of):
        raise NotFound("there is no such token", fix="`gridwire token list` names them")
    transaction.people.drop_token(row.id)
    transaction.append_event(
        actor=author, kind="token.revoked", subject=f"{row.operator}/{row.label}", detail=f"may {row.scope}", now=now
    )
