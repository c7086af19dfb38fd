"""Operators: listed, added, let in, changed, removed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from gridwire.control.access import MANAGE, READ, allow
from gridwire.control.body import Body
from gridwire.control.endpoint import AuthorOf, GridOf, router
from gridwire.control.people import operator_view
from gridwire.control.person import scheme_of
from gridwire.control.usecases.add_operator import add_operator, make_link
from gridwire.control.usecases.change_operator import change_operator, remove_operator
from gridwire.protocol.api import Listing
from gridwire.protocol.operators import LinkAsk, NewOperator, Operator, OperatorChange, OperatorLink

routes = router()


@routes.get("/api/v1/operators", tags=["operators"])
@allow(*READ)
def list_operators(grid: GridOf) -> Listing[Operator]:
    """All operators, sorted by name."""
    with grid.store.reading() as reading:
        now = grid.clock()
        return Listing(items=tuple(operator_view(reading, row, now) for row in reading.people.operators()))


@routes.get("/api/v1/operators/{name}", tags=["operators"])
@allow(*READ)
def read_operator(name: str, grid: GridOf) -> Operator:
    """One operator."""
    with grid.store.reading() as reading:
        return operator_view(reading, reading.people.known(name), grid.clock())


@routes.post("/api/v1/operators", status_code=201, tags=["operators"])
@allow(*MANAGE)
def post_operator(
    ask: Annotated[NewOperator, Depends(Body(NewOperator))], grid: GridOf, author: AuthorOf, request: Request
) -> OperatorLink:
    """Add an operator; the answer's one-time link sets the password."""
    with grid.changing() as transaction:
        return add_operator(transaction, ask, author=author, now=grid.clock(), scheme=scheme_of(request.headers))


@routes.patch("/api/v1/operators/{name}", tags=["operators"])
@allow(*MANAGE)
def patch_operator(
    name: str, change: Annotated[OperatorChange, Depends(Body(OperatorChange))], grid: GridOf, author: AuthorOf
) -> Operator:
    """Change what an operator may; disable, enable, unlock. Disabling ends sessions, tokens and streams at once."""
    with grid.changing() as transaction:
        row = change_operator(transaction, name, change, author=author, now=grid.clock())
        return operator_view(transaction, row, grid.clock())


@routes.delete("/api/v1/operators/{name}", status_code=204, tags=["operators"])
@allow(*MANAGE)
def delete_operator(name: str, grid: GridOf, author: AuthorOf) -> None:
    """Remove an operator with all sessions, tokens and passkeys."""
    with grid.changing() as transaction:
        remove_operator(transaction, name, author=author, now=grid.clock())


@routes.post("/api/v1/operators/{name}/link", status_code=201, tags=["operators"])
@allow(*MANAGE)
def post_link(
    name: str, ask: Annotated[LinkAsk, Depends(Body(LinkAsk))], grid: GridOf, author: AuthorOf, request: Request
) -> OperatorLink:
    """A new one-time link for an operator, in place of any that was out."""
    with grid.changing() as transaction:
        return make_link(
            transaction,
            transaction.people.known(name),
            author=author,
            now=grid.clock(),
            scheme=scheme_of(request.headers),
            forget=ask.forget,
        )
