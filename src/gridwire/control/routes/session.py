"""Logging in and out; a one-time link, a password; sessions, listed and ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request, Response

from gridwire.control.access import OWN, Who, allow
from gridwire.control.body import Body
from gridwire.control.caller import Caller, Peer, Person, digest
from gridwire.control.endpoint import AuthorOf, CallerOf, GridOf, router
from gridwire.control.errors import NotKnown
from gridwire.control.grid import Grid
from gridwire.control.people import session_view
from gridwire.control.person import cookie, set_cookie
from gridwire.control.usecases.change_operator import change_password
from gridwire.control.usecases.claim_link import begin_claim, claim_link, link_owner
from gridwire.control.usecases.log_in import begin_login, finish_login, forgive
from gridwire.control.usecases.open_session import Device, Opened, end_session
from gridwire.core.errors import Conflict, Invalid, NotFound, NotPermitted
from gridwire.core.operators import LONGEST_PASSWORD, May, check_password
from gridwire.protocol.api import Listing
from gridwire.protocol.operators import SESSION_PATH, Claim, Login, PasswordChange, Session

routes = router()


@routes.get(SESSION_PATH, tags=["session"])
@allow(*OWN)
def read_session(grid: GridOf, caller: CallerOf) -> Session:
    """Who is logged in; 401 ``login-wanted`` where nobody is."""
    person = the_person(caller)
    if person.session is None:
        raise NotPermitted("an API token is no session", code="session-wanted")
    return session_view(person.session, person.may, grid.logins, asker=person)


@routes.post(SESSION_PATH, tags=["session"])
@allow(Who.DEVICE)
def log_in(
    ask: Annotated[Login, Depends(Body(Login))], grid: GridOf, caller: CallerOf, request: Request, response: Response
) -> Session:
    """Log in by password, and code where codes are on; the answer sets the session's cookie."""
    _check_length(ask.password)
    device = device_of(caller, request)
    with grid.changing() as transaction:
        compared = begin_login(transaction, ask.name, device, now=grid.clock())
    same = grid.logins.passwords.verify(
        compared, ask.password, device.node.name
    )  # 0.1 s, which no transaction is to last
    with grid.changing() as transaction:
        opened = finish_login(
            transaction,
            ask.name,
            device,
            compared=compared,
            same=same,
            code=ask.code,
            logins=grid.logins,
            now=grid.clock(),
        )
    return answered(grid, opened, request, response)


@routes.delete(SESSION_PATH, status_code=204, tags=["session"])
@allow(*OWN)
def log_out(grid: GridOf, caller: CallerOf, author: AuthorOf, request: Request, response: Response) -> None:
    """End the session that asks."""
    person = the_person(caller)
    if person.session is not None:
        with grid.changing() as transaction:
            end_session(transaction, person.session, author=author, now=grid.clock())
    response.headers["Set-Cookie"] = set_cookie(request.headers, None)


@routes.post(f"{SESSION_PATH}/claim", tags=["session"])
@allow(Who.DEVICE)
def claim(
    ask: Annotated[Claim, Depends(Body(Claim))], grid: GridOf, caller: CallerOf, request: Request, response: Response
) -> Session:
    """Set a password by a one-time link, and log in with it; every other session of the operator ends."""
    device = device_of(caller, request)
    with grid.store.reading() as reading:
        check_password(link_owner(reading, ask.link, grid.clock()).name, ask.password)
    with grid.changing() as transaction:
        begin_claim(transaction, ask.link, device, now=grid.clock())
    hashed = grid.logins.passwords.hash(ask.password, device.node.name)
    with grid.changing() as transaction:
        opened = claim_link(
            transaction,
            ask.link,
            device,
            hashed=hashed,
            code=ask.code,
            logins=grid.logins,
            now=grid.clock(),
        )
    return answered(grid, opened, request, response)


@routes.post(f"{SESSION_PATH}/password", tags=["session"])
@allow(*OWN)
def new_password(
    ask: Annotated[PasswordChange, Depends(Body(PasswordChange))],
    grid: GridOf,
    caller: CallerOf,
    request: Request,
    response: Response,
) -> Session:
    """Change one's own password; every other session of the operator ends, and this one has a new cookie."""
    person = the_person(caller)
    _check_length(ask.old, "old")
    check_password(person.operator, ask.new, "new")
    device = device_of(caller, request)
    with grid.changing() as transaction:  # a stolen session is no place to guess at the password
        compared = begin_login(transaction, person.operator, device, now=grid.clock())
    if not grid.logins.passwords.verify(compared, ask.old, device.node.name):
        raise Invalid("old", "it is not the password", fix="try again", code="wrong-login")
    hashed = grid.logins.passwords.hash(ask.new, device.node.name)
    with grid.changing() as transaction:
        row = transaction.people.known(person.operator)
        if row.password != compared or row.disabled is not None:
            raise Conflict("the password was changed meanwhile", fix="log in with that one")
        forgive(transaction, row.name, device, all_=True)
        opened = change_password(transaction, row, device, hashed=hashed, now=grid.clock())
    return answered(grid, opened, request, response)


@routes.get("/api/v1/sessions", tags=["session"])
@allow(Who.LOCAL, *OWN)
def list_sessions(grid: GridOf, caller: CallerOf) -> Listing[Session]:
    """Who is logged in where: all, for who may change the grid; else one's own. Latest used first."""
    person = caller if isinstance(caller, Person) else None
    own = person.operator if person is not None and person.may is May.READ else None
    with grid.store.reading() as reading:
        may = {row.name: row.may for row in reading.people.operators()}
        rows = reading.people.sessions(own)
    return Listing(items=tuple(session_view(row, may[row.operator], grid.logins, asker=person) for row in rows))


@routes.delete("/api/v1/sessions/{id}", status_code=204, tags=["session"])
@allow(Who.LOCAL, *OWN)
def remove_session(id: str, grid: GridOf, caller: CallerOf, author: AuthorOf) -> None:
    """End one session: one's own, or anybody's for who may change the grid."""
    with grid.changing() as transaction:
        row = transaction.people.session_named(id)
        if row is None or (isinstance(caller, Person) and caller.may is May.READ and row.operator != caller.operator):
            raise NotFound("there is no such session", fix="read the list again")
        end_session(transaction, row, author=author, now=grid.clock())


def device_of(caller: Caller, request: Request) -> Device:
    """The device that a person sits at; raise NotPermitted for root on the gateway, who needs no session."""
    held = cookie(request.headers)
    if not isinstance(caller, Peer | Person) or caller.node is None:
        raise NotPermitted("only an operator's device asks this")
    return Device(node=caller.node, address=caller.address, cookie=None if held is None else digest(held))


def answered(grid: Grid, opened: Opened | NotKnown, request: Request, response: Response) -> Session:
    """The session with its cookie set; raise the refusal, now that it is written down."""
    if isinstance(opened, NotKnown):
        raise opened
    response.headers["Set-Cookie"] = set_cookie(request.headers, opened.secret)
    with grid.store.reading() as reading:
        may = reading.people.known(opened.session.operator).may
    return replace(session_view(opened.session, may, grid.logins, asker=None), current=True)


def the_person(caller: Caller) -> Person:
    """Raise NotPermitted for root on the gateway."""
    if not isinstance(caller, Person):
        raise NotPermitted("root on the gateway has no session")
    return caller


def _check_length(password: str, field: str = "password") -> None:
    if len(password.encode(errors="surrogatepass")) > LONGEST_PASSWORD:
        raise Invalid(field, f"it is longer than {LONGEST_PASSWORD} bytes")
