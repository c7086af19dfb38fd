"""``gridwire events``: the audit chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli import grid
from gridwire.cli.outcome import DONE, UNHEALTHY
from gridwire.cli.output import Format, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import Invalid
from gridwire.protocol.api import Listing
from gridwire.protocol.audit import Event, Head, broken_at

app = App(name="events", default_parameter=Parameter(negative=()))
PAGE = 1000  # events in one answer
MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """``head``: the last event that follows from all before it; ``broken``: the first that does not."""

    ok: bool
    head: Head
    broken: Event | None = None


@app.default
def events(
    *,
    after: Annotated[int | None, Parameter(help="Those that follow event number AFTER, from there on.")] = None,
    limit: Annotated[int, Parameter(help="At most so many: the newest, or with --after the oldest.")] = 100,
    verify: Annotated[
        bool, Parameter(help="Check that each event follows from the one before it; exit code 3 where one does not.")
    ] = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """What happened, who did it, oldest first."""
    if verify:
        seen = verified(settings)
        show(seen, output, lambda: _say_verified(seen))
        return DONE if seen.ok else UNHEALTHY
    if not 1 <= limit <= MOST:
        raise Invalid("--limit", f"{limit} is not from 1 to {MOST}", fix="ask for the rest with --after")
    found = _newest(limit, settings) if after is None else _following(after, limit, settings)
    show(found, output, lambda: _print(found))
    return DONE


def _newest(limit: int, settings: str) -> tuple[Event, ...]:
    found: list[Event] = []
    cursor = ""
    while True:
        path = f"/events?sort=-number&limit={min(PAGE, limit - len(found))}{cursor}"
        page = grid.get(path, Listing[Event], settings)
        found += page.items
        if page.next is None or len(found) >= limit:
            return tuple(reversed(found))
        cursor = f"&cursor={page.next}"


def _following(after: int, limit: int, settings: str) -> tuple[Event, ...]:
    found: list[Event] = []
    while len(found) < limit:
        size = min(PAGE, limit - len(found))
        page = grid.listing(f"/events?after={found[-1].number if found else after}&limit={size}", Event, settings)
        found += page
        if len(page) < size:
            break
    return tuple(found)


def verified(settings: str) -> Verified:
    """Walk the whole chain, a page at a time."""
    head = Head()
    while page := grid.listing(f"/events?after={head.number}&limit={PAGE}", Event, settings):
        number = broken_at(page, head.hash)
        whole = [event for event in page if number is None or event.number < number]
        if whole:
            head = Head(number=whole[-1].number, hash=whole[-1].hash)
        if number is not None:
            return Verified(ok=False, head=head, broken=next(e for e in page if e.number == number))
    return Verified(ok=True, head=head)


def _say_verified(seen: Verified) -> None:
    if seen.broken is None:
        say(f"{seen.head.number} events, each follows from the one before; the last has {seen.head.hash}")
        return
    broken = seen.broken
    say(f"event {broken.number} does not follow from event {seen.head.number}: one of the two, or both, were altered")
    _print((broken,))
    note("the journal of the gateway's agent has the heads (audit-head) that it saw: compare the hashes there")


def _print(found: tuple[Event, ...]) -> None:
    print_table(
        ("EVENT", "WHEN", "WHO", "WHAT", "OF", "DETAIL"),
        (
            (str(e.number), f"{e.at:%Y-%m-%d %H:%M:%S}", e.actor, e.kind, e.subject, e.detail)
            for e in sorted(found, key=lambda e: e.number)
        ),
        empty="nothing happened yet",
    )
