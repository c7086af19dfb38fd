"""Policies: listed, read, put, deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from gridwire.control.access import CHANGE, READ, allow
from gridwire.control.body import Body
from gridwire.control.changing import ChangesOf
from gridwire.control.columns import POLICIES
from gridwire.control.endpoint import AuthorOf, CallerOf, GridOf, router
from gridwire.control.paging import AskedOf, page
from gridwire.control.precondition import check_precondition, etag, found, same_name, tagged
from gridwire.control.usecases.delete_noun import delete_policy
from gridwire.control.usecases.put_noun import put_policy
from gridwire.core.fleet import Policy
from gridwire.protocol.api import Listing

routes = router()


def _named(items: tuple[Policy, ...], name: str) -> Policy | None:
    return next((item for item in items if item.name == name), None)


@routes.get("/api/v1/policies", tags=["policies"])
@allow(*READ)
def list_policies(grid: GridOf, asked: AskedOf) -> Listing[Policy]:
    """All policies, or a page of them; sorted by name where nothing else is asked for."""
    fleet = grid.snapshot().fleet
    return page(fleet.policies, asked, POLICIES, lambda policy: policy, name=lambda policy: policy.name)


@routes.get("/api/v1/policies/{name}", tags=["policies"])
@allow(*READ)
def get_policy(name: str, grid: GridOf, request: Request, response: Response) -> Policy:
    """One policy, with its ETag."""
    return tagged(found(_named(grid.snapshot().fleet.policies, name), "policy", name), request, response)


@routes.put("/api/v1/policies/{name}", operation_id="putPolicy", tags=["policies"])
@allow(*CHANGE)
def replace_policy(
    name: str,
    policy: Annotated[Policy, Depends(Body(Policy))],
    changing: ChangesOf,
    grid: GridOf,
    caller: CallerOf,
    author: AuthorOf,
    request: Request,
    response: Response,
) -> Policy:
    """Create or replace one policy."""
    same_name(policy, name)
    with changing() as transaction:
        current = _named(transaction.fleet().policies, name)
        check_precondition(request.headers, caller, current, yours=policy, history=transaction)
        put_policy(transaction, policy, author=author, now=grid.clock())
    response.status_code = 201 if current is None else 200
    response.headers["ETag"] = etag(policy)
    return policy


@routes.delete("/api/v1/policies/{name}", status_code=204, operation_id="deletePolicy", tags=["policies"])
@allow(*CHANGE)
def remove_policy(
    name: str, changing: ChangesOf, grid: GridOf, caller: CallerOf, author: AuthorOf, request: Request
) -> None:
    """Take one policy away; 409 while something stands on it."""
    with changing() as transaction:
        current = found(_named(transaction.fleet().policies, name), "policy", name)
        check_precondition(request.headers, caller, current, history=transaction)
        delete_policy(transaction, current, author=author, now=grid.clock())
