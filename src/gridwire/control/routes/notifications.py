"""Being told: destinations, maintenance, and the alerts that are open."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool

from gridwire.control.access import CHANGE, READ, allow
from gridwire.control.alerts import is_noun
from gridwire.control.body import Body
from gridwire.control.endpoint import AuthorOf, GridOf, router
from gridwire.core.alerts import Window
from gridwire.core.errors import Conflict, Invalid, NotFound
from gridwire.core.notifications import destination_name
from gridwire.protocol.api import Listing
from gridwire.protocol.notifications import AlertView, Delivery, Maintenance, Notification, Wanted

MOST_DESTINATIONS = 20
MOST_WINDOWS = 100

routes = router()


@routes.get("/api/v1/alerts", tags=["notifications"])
@allow(*READ)
def list_alerts(grid: GridOf) -> Listing[AlertView]:
    """Those that are open, the oldest first."""
    return Listing(items=grid.teller.alerts())


@routes.get("/api/v1/notifications", tags=["notifications"])
@allow(*READ)
def list_notifications(grid: GridOf) -> Listing[Notification]:
    """Where people are told, and what came of the last try; nothing that is secret."""
    with grid.store.reading() as reading:
        return Listing(items=reading.notices.notifications())


@routes.get("/api/v1/notifications/{name}", tags=["notifications"])
@allow(*READ)
def read_notification(name: str, grid: GridOf) -> Notification:
    with grid.store.reading() as reading:
        return reading.notices.notification(name)


@routes.put("/api/v1/notifications/{name}", tags=["notifications"])
@allow(*CHANGE)
def put_notification(
    name: str, wanted: Annotated[Wanted, Depends(Body(Wanted))], grid: GridOf, author: AuthorOf
) -> Notification:
    """Set it as a whole: what is secret is never given back, so it is given again."""
    destination_name(name)
    with grid.changing() as transaction:
        known = transaction.notices.notifications()
        if len(known) >= MOST_DESTINATIONS and all(one.name != name for one in known):
            raise Conflict(f"there are {MOST_DESTINATIONS} notifications already", fix="remove one first")
        grid.teller.put(transaction, name, wanted)
        transaction.append_event(
            actor=author, kind="notification.set", subject=name, detail=wanted.to.told(), now=grid.clock()
        )
        return transaction.notices.notification(name)


@routes.delete("/api/v1/notifications/{name}", status_code=204, tags=["notifications"])
@allow(*CHANGE)
def delete_notification(name: str, grid: GridOf, author: AuthorOf) -> None:
    """With what still waits for it."""
    with grid.changing() as transaction:
        shown = transaction.notices.notification(name)
        transaction.notices.drop_notification(name)
        transaction.append_event(
            actor=author, kind="notification.removed", subject=name, detail=shown.told, now=grid.clock()
        )


@routes.post("/api/v1/notifications/{name}/test", tags=["notifications"])
@allow(*CHANGE)
async def try_notification(name: str, grid: GridOf) -> Delivery:
    """Send something there now."""
    await run_in_threadpool(read_notification, name, grid)
    return await grid.teller.test(name)


@routes.get("/api/v1/maintenance", tags=["notifications"])
@allow(*READ)
def list_maintenance(grid: GridOf) -> Listing[Maintenance]:
    """Windows that are not over."""
    now = grid.clock()
    with grid.store.reading() as reading:
        return Listing(items=tuple(one for one in reading.notices.maintenance() if one.window.ends > now))


@routes.post("/api/v1/maintenance", status_code=201, tags=["notifications"])
@allow(*CHANGE)
def post_maintenance(window: Annotated[Window, Depends(Body(Window))], grid: GridOf, author: AuthorOf) -> Maintenance:
    """Nobody is told of what it covers until it ends."""
    now = grid.clock()
    if window.ends <= now:
        raise Invalid("ends", "it is over already")
    made = Maintenance(id=secrets.token_hex(4), window=window, author=author)
    with grid.changing() as transaction:
        if not is_noun(transaction.fleet(), window.of):
            raise NotFound(f"there is no {window.of.replace(':', ' ')}", fix="`gridwire status` names what there is")
        transaction.notices.drop_windows(now)
        if len(transaction.notices.maintenance()) >= MOST_WINDOWS:
            raise Conflict(f"there are {MOST_WINDOWS} windows already", fix="end one first")
        transaction.notices.add_window(made)
        detail = (
            f"{window.begins:%Y-%m-%d %H:%M} to {window.ends:%Y-%m-%d %H:%M} UTC, {window.reason or 'no reason given'}"
        )
        transaction.append_event(actor=author, kind="maintenance.set", subject=window.of, detail=detail, now=now)
    grid.teller.windows_changed()
    return made


@routes.delete("/api/v1/maintenance/{number}", status_code=204, tags=["notifications"])
@allow(*CHANGE)
def delete_maintenance(number: str, grid: GridOf, author: AuthorOf) -> None:
    """End it now: what is wrong still is told."""
    with grid.changing() as transaction:
        ended = next((one for one in transaction.notices.maintenance() if one.id == number), None)
        transaction.notices.drop_window(number)
        subject = ended.window.of if ended is not None else number
        transaction.append_event(actor=author, kind="maintenance.ended", subject=subject, detail="", now=grid.clock())
    grid.teller.windows_changed()
