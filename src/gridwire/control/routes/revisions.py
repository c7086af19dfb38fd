"""Revisions: what the fleet was, who changed it, and why; what differs between two; and back to an older one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Query, Request, Response

from gridwire.control.access import CHANGE, READ, allow
from gridwire.control.changing import ChangesOf
from gridwire.control.endpoint import AuthorOf, CallerOf, GridOf, router
from gridwire.control.paging import AskedOf, page_of_log, wanted_of
from gridwire.control.precondition import check_newest, revision_etag
from gridwire.control.usecases.roll_back import roll_back
from gridwire.core.difference import difference
from gridwire.core.fleet import Fleet
from gridwire.core.revision import Revision
from gridwire.protocol.api import Listing
from gridwire.protocol.preview import RevisionDifference, RolledBack

LAST = 2**31 - 1  # what the database counts to

routes = router()


@routes.get("/api/v1/revisions", tags=["revisions"])
@allow(*READ)
def list_revisions(
    grid: GridOf,
    asked: AskedOf,
    before: Annotated[int | None, Query(ge=1, le=LAST, description="Those before this number.")] = None,
) -> Listing[Revision]:
    """A hundred, newest first where nothing else is asked for."""
    wanted = wanted_of(asked, ("number", "author", "reason", "changed"), unasked=100)
    if before is not None and asked.cursor is None:
        wanted = replace(wanted, behind=before, oldest_first=False)
    with grid.store.reading() as reading:
        return page_of_log(*reading.page_of_revisions(wanted), wanted, lambda revision: revision.number)


@routes.get("/api/v1/revisions/{number}", tags=["revisions"])
@allow(*READ)
def get_revision(number: int, grid: GridOf, response: Response) -> Revision:
    """One revision; the ETag of the newest is what a rollback names."""
    with grid.store.reading() as reading:
        revision = reading.revision(min(number, LAST))[0]
    response.headers["ETag"] = revision_etag(revision)
    return revision


@routes.get("/api/v1/revisions/{number}/fleet", tags=["revisions"])
@allow(*READ)
def get_fleet(number: int, grid: GridOf) -> Fleet:
    """The whole fleet of one revision."""
    with grid.store.reading() as reading:
        return reading.revision(min(number, LAST))[1]


@routes.get("/api/v1/revisions/{number}/difference", tags=["revisions"])
@allow(*READ)
def get_revision_difference(
    number: int, grid: GridOf, since: Annotated[int | None, Query(ge=0, le=LAST)] = None
) -> RevisionDifference:
    """What this revision is that an earlier one (by default the one before it) was not; 0: before the first."""
    with grid.store.reading() as reading:
        _, after = reading.revision(min(number, LAST))
        start = number - 1 if since is None else since
        before = reading.revision(start)[1] if start else Fleet(network=after.network)
    return RevisionDifference(number=number, since=start, difference=difference(before, after))


@routes.post("/api/v1/revisions/{number}/rollback", operation_id="rollBack", tags=["revisions"])
@allow(*CHANGE)
def post_rollback(
    number: int, changing: ChangesOf, grid: GridOf, caller: CallerOf, author: AuthorOf, request: Request
) -> RolledBack:
    """A new revision with the services, routes, policies, tags and drains of this one; If-Match names the newest."""
    with changing() as transaction:
        newest = transaction.revisions(limit=1)[0]
        check_newest(request.headers, caller, newest)
        roll_back(transaction, min(number, LAST), author=author, now=grid.clock())
    done = transaction.saved
    return RolledBack(revision=done or newest, changed=done is not None, notes=transaction.notes)
