"""Second factors of who is logged in: codes of an authenticator, and passkeys; and a login by passkey."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from gridwire.adapters import passkeys
from gridwire.adapters.authenticator import address_of, picture_of
from gridwire.control.access import OWN, OWN_FRESH, Who, allow
from gridwire.control.body import Body
from gridwire.control.endpoint import CallerOf, GridOf, router
from gridwire.control.grid import Grid
from gridwire.control.people import passkey_view
from gridwire.control.person import scheme_of
from gridwire.control.routes.session import answered, device_of, the_person
from gridwire.control.usecases.passkey import add_passkey, drop_passkey, log_in_by_passkey
from gridwire.control.usecases.set_codes import begin_codes, confirm_codes, drop_codes
from gridwire.core.errors import Conflict, Invalid
from gridwire.core.origins import panel_origin
from gridwire.core.panel import panel_host
from gridwire.protocol.api import Listing
from gridwire.protocol.operators import (
    SESSION_PATH,
    CodesBegun,
    FirstCode,
    NewPasskey,
    Passkey,
    PasskeyLogin,
    RecoveryCodes,
    Session,
)

routes = router()


@routes.post("/api/v1/totp", status_code=201, tags=["session"])
@allow(*OWN_FRESH)
def begin_totp(grid: GridOf, caller: CallerOf) -> CodesBegun:
    """A secret for an authenticator app; it counts once a code of it was put. 409 ``codes-on``."""
    name = the_person(caller).operator
    with grid.changing() as transaction:
        secret = begin_codes(transaction, name, seal=grid.logins.seal)
        uri = address_of(secret, name, transaction.fleet().network.suffix)
    return CodesBegun(secret=secret, uri=uri, picture=picture_of(uri))


@routes.put("/api/v1/totp", tags=["session"])
@allow(*OWN_FRESH)
def confirm_totp(ask: Annotated[FirstCode, Depends(Body(FirstCode))], grid: GridOf, caller: CallerOf) -> RecoveryCodes:
    """The first code puts them on; the recovery codes are in this answer, and nowhere else."""
    with grid.changing() as transaction:
        codes = confirm_codes(
            transaction, the_person(caller).operator, ask.code, seal=grid.logins.seal, now=grid.clock()
        )
    return RecoveryCodes(codes=codes)


@routes.delete("/api/v1/totp", status_code=204, tags=["session"])
@allow(*OWN_FRESH)
def end_totp(grid: GridOf, caller: CallerOf) -> None:
    """Take codes off."""
    with grid.changing() as transaction:
        drop_codes(transaction, the_person(caller).operator, now=grid.clock())


@routes.get("/api/v1/passkeys", tags=["session"])
@allow(*OWN)
def list_passkeys(grid: GridOf, caller: CallerOf) -> Listing[Passkey]:
    """One's own passkeys."""
    with grid.store.reading() as reading:
        rows = reading.people.passkeys(the_person(caller).operator)
    return Listing(items=tuple(map(passkey_view, rows)))


@routes.post("/api/v1/passkeys/options", tags=["session"])
@allow(*OWN_FRESH)
def passkey_creation(grid: GridOf, caller: CallerOf, request: Request) -> dict[str, Any]:
    """What ``navigator.credentials.create`` is given, once its JSON is parsed. 409 ``no-secure-context``."""
    site, name = _site(grid, request), the_person(caller).operator
    with grid.store.reading() as reading:
        handle, rows = reading.people.known(name).handle, reading.people.passkeys(name)
    device = device_of(caller, request).node.name
    challenge = grid.logins.challenges.give(f"new passkey of {name}", grid.clock(), device)
    known = tuple(row.credential for row in rows)
    return passkeys.creation(site, name=name, handle=handle, challenge=challenge, known=known)


@routes.post("/api/v1/passkeys", status_code=201, tags=["session"])
@allow(*OWN_FRESH)
def post_passkey(
    ask: Annotated[NewPasskey, Depends(Body(NewPasskey))], grid: GridOf, caller: CallerOf, request: Request
) -> Passkey:
    """Add the passkey that the browser made."""
    site, name = _site(grid, request), the_person(caller).operator
    challenge = passkeys.challenge_of(ask.credential)
    if challenge is None or not grid.logins.challenges.take(challenge, f"new passkey of {name}", grid.clock()):
        raise Invalid("credential", "it answers no question that is open", fix="begin again", code="no-challenge")
    made = passkeys.registered(site, ask.credential, challenge)
    if made is None:
        raise Invalid("credential", "it is no passkey of this panel's", fix="begin again")
    with grid.changing() as transaction:
        return passkey_view(add_passkey(transaction, name, made, ask.label, now=grid.clock()))


@routes.delete("/api/v1/passkeys/{id}", status_code=204, tags=["session"])
@allow(*OWN_FRESH)
def delete_passkey(id: str, grid: GridOf, caller: CallerOf) -> None:
    """Remove one of one's own passkeys."""
    with grid.changing() as transaction:
        drop_passkey(transaction, the_person(caller).operator, id, now=grid.clock())


@routes.post(f"{SESSION_PATH}/passkey/options", tags=["session"])
@allow(Who.DEVICE)
def passkey_request(grid: GridOf, caller: CallerOf, request: Request) -> dict[str, Any]:
    """What ``navigator.credentials.get`` is given, once its JSON is parsed. 409 ``no-secure-context``."""
    site = _site(grid, request)
    device = device_of(caller, request).node.name
    return passkeys.request(site, challenge=grid.logins.challenges.give("login", grid.clock(), device))


@routes.post(f"{SESSION_PATH}/passkey", tags=["session"])
@allow(Who.DEVICE)
def log_in_with_passkey(
    ask: Annotated[PasskeyLogin, Depends(Body(PasskeyLogin))],
    grid: GridOf,
    caller: CallerOf,
    request: Request,
    response: Response,
) -> Session:
    """Log in by passkey, which wants neither password nor code."""
    site = _site(grid, request)
    challenge = passkeys.challenge_of(ask.credential)
    if challenge is not None and not grid.logins.challenges.take(challenge, "login", grid.clock()):
        challenge = None
    with grid.changing() as transaction:
        opened = log_in_by_passkey(
            transaction,
            site,
            ask.credential,
            challenge,
            device_of(caller, request),
            logins=grid.logins,
            now=grid.clock(),
        )
    return answered(grid, opened, request, response)


def _site(grid: Grid, request: Request) -> passkeys.Site:
    """Raise Conflict where a browser would not let a page use passkeys, or only those of another name."""
    network = grid.snapshot().fleet.network
    origin = panel_origin(network, "https")
    if scheme_of(request.headers) != "https" or request.headers.get("origin", "").lower() != origin:
        raise Conflict(
            "browsers use passkeys over HTTPS alone, and by the panel's own name",
            fix=f"open {origin}",
            code="no-secure-context",
        )
    return passkeys.Site(host=panel_host(network.suffix), origin=origin)
