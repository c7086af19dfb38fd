"""Tells people: what is wrong with the grid becomes alerts, alerts become notices, notices are brought.

What a restart must not forget is in the database: which alerts are open and told, and which notices are not delivered.
A notice is put down in the transaction that opens or ends its alert, once for each destination, and is there until it
is delivered or given up; so it may come twice where control ends between the sending and the writing down, with the
same id, and never not at all.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

import structlog
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter

from gridwire.adapters.destinations import Sender, Undelivered, is_own
from gridwire.adapters.sealing import Seal
from gridwire.adapters.store import Parcel, Writing
from gridwire.control.alerts import Seen, alert_view
from gridwire.control.bell import Bell
from gridwire.control.errors import raised_at
from gridwire.control.moment import Said, said
from gridwire.core.addressing import Address
from gridwire.core.alerts import Held, Key, Notice, Turn, Window, muted_by, step
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.notifications import Destination, refused
from gridwire.protocol.notifications import AlertTurned, AlertView, Delivery, Notification, Told, Wanted

if TYPE_CHECKING:
    from gridwire.control.grid import Grid

PAUSES: Final = tuple(timedelta(seconds=n) for n in (10, 30, 120, 600, 1800, 3600))  # between tries; the last again
GIVEN_UP: Final = timedelta(hours=24)
_PARCELS: Final = 100  # looked at in one round
_TO: Final[TypeAdapter[Destination]] = TypeAdapter(Destination)


@dataclass(frozen=True, slots=True)
class _State:
    held: dict[Key, Held]
    windows: tuple[Window, ...]


class Teller:
    def __init__(self, grid: Grid, sender: Sender | None = None) -> None:
        self._grid = grid
        self._sender = sender if sender is not None else Sender(self._refused)
        self._state: _State | None = None
        self._posted: Bell[None] = Bell()  # there is a notice more

    # --- alerts

    @property
    def busy(self) -> bool:
        """Whether time alone may open or end an alert soon."""
        return self._state is not None and any(
            (h.opened is None and h.since is not None) or h.good is not None for h in self._state.held.values()
        )

    def look(self, seen: Seen) -> list[Said]:
        """What follows of one look at the grid, for the stream. Blocks on the database where something turned; raise
        Unavailable where that fails, and the next look does it again."""
        now = self._grid.clock()
        state = self._known()
        muted = muted_by(state.windows, now)
        after, notices = step(state.held, seen.symptoms, now, unknown=seen.unknown, muted=muted)
        if notices or _lasting(after) != _lasting(state.held):
            with self._grid.changing() as transaction:
                transaction.notices.hold(state.held, after)
                self._post(transaction, [notice for notice in notices if not notice.silent], now)
        self._state = _State(after, state.windows)
        if notices:
            self._posted.ring()
        return [said("alert", AlertTurned(turn=n.turn, alert=alert_view(n.held, silent=n.silent))) for n in notices]

    def alerts(self) -> tuple[AlertView, ...]:
        """Those that are open, the oldest first."""
        state = self._known()
        opened = [held for held in state.held.values() if held.opened is not None]
        views = [alert_view(held, silent=not held.told) for held in opened]
        return tuple(sorted(views, key=lambda view: (view.opened, view.kind, view.subject)))

    def windows_changed(self) -> None:
        """Maintenance is another: read it again."""
        if self._state is not None:
            self._state = _State(self._state.held, self._windows())
        self._grid.stirred.ring()

    def _known(self) -> _State:
        if self._state is None:
            with self._grid.store.reading() as reading:
                held = reading.notices.held()
            self._state = _State(held, self._windows())
        return self._state

    def _windows(self) -> tuple[Window, ...]:
        with self._grid.store.reading() as reading:
            return tuple(one.window for one in reading.notices.maintenance())

    def _post(self, transaction: Writing, notices: Iterable[Notice], now: datetime) -> None:
        destinations, suffix = transaction.notices.notifications(), str(transaction.fleet().network.suffix)
        for notice in notices:
            held = notice.held
            told = Told(
                id=secrets.token_hex(16),
                turn="opened" if notice.turn is Turn.OPENED else "cleared",
                grid=suffix,
                at=notice.at,
                kind=held.key.kind,
                subject=held.key.subject,
                what=held.what,
                fix=held.fix,
                since=held.since,
            )
            for to in destinations:
                if not to.only or held.key.kind in to.only:
                    transaction.notices.post(told, to.name, now)

    # --- destinations

    def put(self, transaction: Writing, name: str, wanted: Wanted) -> None:
        sealed = self._seal.close(_TO.dump_json(wanted.to), _holder(name))
        shown = Notification(name=name, kind=wanted.to.kind, told=wanted.to.told(), only=wanted.only)
        transaction.notices.put_notification(shown, sealed)

    async def test(self, name: str) -> Delivery:
        """Send something now, and say what came of it."""
        now, snapshot = self._grid.clock(), await run_in_threadpool(self._grid.snapshot)
        told = Told(
            id=secrets.token_hex(16),
            turn="test",
            grid=str(snapshot.fleet.network.suffix),
            at=now,
            kind="test",
            subject=name,
            what="gridwire can tell you here when something is wrong",
        )
        delivery, _ = await self._send(name, told)
        await run_in_threadpool(self._note, name, delivery)
        return delivery

    # --- bringing them

    async def run(self, log: structlog.typing.FilteringBoundLogger) -> None:
        """For ever; sleeps until something is due."""
        while True:
            seen = self._posted.count
            pause: float | None = 60.0
            try:
                pause = await self._round()
            except GridwireError as error:
                if error.code != "no-grid":
                    log.warning("notices wait", error=str(error))
            except Exception as error:  # noqa: BLE001  # said each time, with where it came from, until it is mended
                log.error("notices wait", error=type(error).__name__, at=raised_at(error))
            await self._posted.rung(seen, pause)

    async def _round(self) -> float | None:
        """Bring what is due. Seconds until there is more; none: until something is posted."""
        parcels = await run_in_threadpool(self._parcels)
        now = self._grid.clock()
        due = sorted((p for p in parcels if p.due <= now), key=lambda p: (p.destination, p.made))
        await asyncio.gather(*(self._bring(list(some)) for _, some in groupby(due, key=lambda p: p.destination)))
        if due:
            return 0.0
        return (parcels[0].due - now).total_seconds() if parcels else None

    def _parcels(self) -> tuple[Parcel, ...]:
        with self._grid.store.reading() as reading:
            return reading.notices.parcels(_PARCELS)

    async def _bring(self, parcels: list[Parcel]) -> None:
        """To one destination, in their order; where one fails the others wait with it."""
        for at, parcel in enumerate(parcels):
            delivery, lasting = await self._send(parcel.destination, parcel.told)
            if not delivery.ok and not lasting and delivery.at - parcel.made < GIVEN_UP:
                await run_in_threadpool(self._put_off, parcels[at:], delivery)
                return
            await run_in_threadpool(self._done, parcel, delivery)

    async def _send(self, name: str, told: Told) -> tuple[Delivery, bool]:
        """What came of it, and whether that lasts."""
        now = self._grid.clock()
        try:
            to = await run_in_threadpool(self._destination, name)
            await self._sender.send(to, told, int(now.timestamp()))
        except Undelivered as error:
            return Delivery(at=now, ok=False, what=error.what), error.lasting
        except Unavailable as error:
            if error.code != "sealed":
                raise
            what = "its secrets were sealed by another host: set it anew with gridwire notify add"
            return Delivery(at=now, ok=False, what=what), True
        return Delivery(at=now, ok=True, what="delivered"), False

    def _destination(self, name: str) -> Destination:
        with self._grid.store.reading() as reading:
            sealed = reading.notices.sealed(name)
        return _TO.validate_json(self._seal.open(sealed, _holder(name)))

    def _note(self, name: str, delivery: Delivery) -> None:
        with self._grid.changing() as transaction:
            transaction.notices.tried(name, delivery)

    def _done(self, parcel: Parcel, delivery: Delivery) -> None:
        with self._grid.changing() as transaction:
            transaction.notices.delivered(parcel)
            transaction.notices.tried(parcel.destination, delivery)

    def _put_off(self, parcels: list[Parcel], delivery: Delivery) -> None:
        pause = PAUSES[min(parcels[0].tries, len(PAUSES) - 1)]
        with self._grid.changing() as transaction:
            for parcel in parcels:
                transaction.notices.later(parcel, delivery.at + pause)
            transaction.notices.tried(parcels[0].destination, delivery)

    @property
    def _seal(self) -> Seal:
        return self._grid.logins.seal

    def _refused(self, address: Address) -> str:
        network = self._grid.snapshot().fleet.network
        return refused(address, network.prefixes) or ("it is this host" if is_own(address) else "")


def _holder(name: str) -> str:
    return f"notification:{name}"


def _lasting(held: dict[Key, Held]) -> dict[Key, Held]:
    return {key: one for key, one in held.items() if one.lasting}
