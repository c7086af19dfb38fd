"""API tokens: listed, made, revoked."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from gridwire.control.access import OWN, OWN_FRESH, Who, allow
from gridwire.control.body import Body
from gridwire.control.caller import Caller, Person
from gridwire.control.endpoint import AuthorOf, CallerOf, GridOf, router
from gridwire.control.people import token_view
from gridwire.control.usecases.make_token import make_token, revoke_token
from gridwire.core.errors import Invalid, NotPermitted
from gridwire.core.operators import May
from gridwire.protocol.api import Listing
from gridwire.protocol.operators import MadeToken, NewToken, Token

routes = router()


@routes.get("/api/v1/tokens", tags=["tokens"])
@allow(Who.LOCAL, *OWN)
def list_tokens(grid: GridOf, caller: CallerOf) -> Listing[Token]:
    """All tokens, for who may change the grid; else one's own. Their secrets are not known here."""
    with grid.store.reading() as reading:
        return Listing(items=tuple(map(token_view, reading.people.tokens(_only(caller)))))


@routes.post("/api/v1/tokens", status_code=201, tags=["tokens"])
@allow(Who.LOCAL, *OWN_FRESH)
def post_token(
    ask: Annotated[NewToken, Depends(Body(NewToken))], grid: GridOf, caller: CallerOf, author: AuthorOf
) -> MadeToken:
    """Make a token of one's own; root on the gateway names whose. The secret is in this answer, and nowhere else."""
    owner = _owner(caller, ask)
    with grid.changing() as transaction:
        row, secret = make_token(transaction, transaction.people.known(owner), ask, author=author, now=grid.clock())
    return MadeToken(token=token_view(row), secret=secret)


@routes.delete("/api/v1/tokens/{id}", status_code=204, tags=["tokens"])
@allow(Who.LOCAL, *OWN)
def delete_token(id: str, grid: GridOf, caller: CallerOf, author: AuthorOf) -> None:
    """Revoke a token at once: one's own, or anybody's for who may change the grid."""
    with grid.changing() as transaction:
        revoke_token(transaction, id, of=_only(caller), author=author, now=grid.clock())


def _only(caller: Caller) -> str | None:
    """Whose tokens the caller may see; none: everybody's."""
    return caller.operator if isinstance(caller, Person) and caller.may is May.READ else None


def _owner(caller: Caller, ask: NewToken) -> str:
    if isinstance(caller, Person):
        if ask.operator not in (None, caller.operator):
            raise NotPermitted("a token speaks in its owner's name, so its owner makes it", code="not-yours")
        return caller.operator
    if ask.operator is None:
        raise Invalid("operator", "it is not said whose token it is", fix="name an operator")
    return ask.operator
