"""One running control: its store, what agents said, and who waits for either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from gridwire.adapters.clock import utc_now
from gridwire.adapters.series import Series, open_series
from gridwire.adapters.store import Snapshot, Store, Writing
from gridwire.control.bell import Bell
from gridwire.control.logins import WRITTEN_EVERY, Logins
from gridwire.control.looks import Looks
from gridwire.control.perimeter import Looked, Watched
from gridwire.control.picture import Known, Picture
from gridwire.control.reports import Reports
from gridwire.control.specs import Current, Specs, Version
from gridwire.control.stream import Stream
from gridwire.control.teller import Teller
from gridwire.control.traffic import Traffic
from gridwire.control.usecases.expire_invitations import expire_invitations
from gridwire.control.usecases.follow_settings import HostSettings, clash_of, follow_settings
from gridwire.core.addressing import Address
from gridwire.core.errors import Conflict, Invalid, NotFound
from gridwire.core.fleet import Node
from gridwire.core.names import NodeName
from gridwire.core.perimeter import Finding
from gridwire.protocol.audit import Head

NEVER = datetime.max.replace(tzinfo=UTC)
_SHARED: Final = timedelta(seconds=0.5)
_LARGE: Final = 1000  # nodes


class Grid:
    def __init__(
        self,
        store: Store,
        *,
        gateway: str | None = None,
        clock: Callable[[], datetime] = utc_now,
        logins: Logins | None = None,
        series: Series | None = None,
    ) -> None:
        """``gateway``: the node that this host is; none where the fleet has only one gateway. ``series``: where counts
        of traffic are kept; none: in memory."""
        self.store = store
        self.clock = clock
        self.reports = Reports()
        self.watched = Watched()
        self.revised: Bell[tuple[Address, Version]] = (
            Bell()
        )  # with what who waits looked at: a node, and since when it must be that
        self.heard: Bell[None] = Bell()  # an agent reported
        self.stirred: Bell[None] = Bell()  # either, or anything else that people are told of
        self.stream = Stream()
        self.ended = 0  # how often a session, token, operator or node may have ended: who streams is asked for again
        self.logins = logins if logins is not None else Logins()
        self.traffic = Traffic(open_series(None) if series is None else series, clock)
        self.teller = Teller(self)
        self._specs = Specs()
        self._known: Known | None = None
        self._picture: Picture | None = None
        self.looks = Looks()
        self._gateway = gateway
        self._seen: tuple[int, int] | None = None
        self._head: tuple[int, Head] | None = None  # at that number of commits
        self._looked: tuple[int | None, datetime] = (None, NEVER)  # number of commits, and until when they say all
        self.findings: tuple[Finding, ...] = ()  # control's own

    @contextmanager
    def changing(self) -> Iterator[Writing]:
        """A write transaction; those who wait for a revision are woken once it is committed."""
        with self.store.writing() as transaction:
            yield transaction
        if transaction.saved is not None and transaction.remembered is not None:
            self._revise(transaction.remembered)
        else:
            self.stirred.ring()
        if transaction.saved is not None or transaction.people.changed:
            self.ended += 1

    def snapshot(self) -> Snapshot:
        return self.store.snapshot()

    def spec(self, node: Node, snapshot: Snapshot) -> Current:
        return self._specs.of(snapshot, node)

    def named(self, snapshot: Snapshot, name: str) -> Node:
        """The node of that name, without a search; raise NotFound."""
        return self._specs.index(snapshot).node(name)

    def _revise(self, snapshot: Snapshot) -> None:
        """Wake those for whom the newest revision is another spec than the one that they looked at, or none."""
        self._specs.move(snapshot)
        self.revised.ring(lambda looked: self._specs.since(looked[0]) != looked[1])
        self.stirred.ring()

    def hear(self) -> None:
        """An agent's report was taken."""
        self.heard.ring()
        self.stirred.ring()

    def picture(self, snapshot: Snapshot, *, anew: bool = False) -> Picture:
        """What people are told is read off this. Of a large grid those who ask within half a second share one, for a
        page of the panel asks several things at once; ``anew``: nothing that came since the last may be missed."""
        fleet, now, kept = snapshot.fleet, self.clock(), self._picture
        if not anew and kept is not None and kept.fleet is fleet and timedelta(0) <= now - kept.now < _SHARED:
            return kept
        known = self._known
        if known is None or known.fleet is not fleet:
            known = self._known = Known(fleet, self._specs.index(snapshot))
        picture = Picture(fleet, self.reports.all(), now, self._specs.since, known)
        self._picture = picture if len(fleet.nodes) > _LARGE else None
        return picture

    def look(self, picture: Picture, snapshot: Snapshot) -> tuple[Looked, ...]:
        """The perimeter of every node that is to have an agent, worst first."""
        return self.watched.look(picture, lambda node: self.spec(node, snapshot))

    def own_gateway(self, snapshot: Snapshot) -> Node:
        """The gateway that this host is; raise Invalid where that has to be said."""
        if self._gateway is not None:
            return snapshot.fleet.node(self._gateway)
        gateways = snapshot.fleet.gateways()
        if not gateways:
            raise NotFound("the fleet has no gateway", fix="run `gridwire init`")
        if len(gateways) > 1:
            raise Invalid("X-Gridwire-Node", "there are several gateways", fix="name this one in the settings")
        return gateways[0]

    def own_findings(self, snapshot: Snapshot) -> tuple[tuple[NodeName, Finding], ...]:
        """What control itself found, as of the gateway that this host is."""
        return tuple((self.own_gateway(snapshot).name, finding) for finding in self.findings)

    def follow(self, asked: HostSettings) -> None:
        """Make the grid what this gateway's settings say, or find why not; raise Unavailable without a database."""
        try:
            with self.changing() as transaction:
                self.findings = follow_settings(transaction, asked, now=self.clock())
                known = transaction.version() is None or asked.node in {n.name for n in transaction.fleet().gateways()}
            if not known:
                self._gateway = None  # a name that is nobody's: where there is one gateway, this is it
        except Conflict as error:  # raised out of the transaction: nothing of it stays
            self.findings = (clash_of(error, asked),)

    @property
    def rests(self) -> bool:
        """Whether a ``tick`` would find nothing: nobody committed since the last one, no invitation ran out, and what
        is written of logins once in a while is not due."""
        commits, until = self._looked
        return commits is not None and commits == self.store.commits() and self.clock() < until

    def tick(self) -> None:
        """Once a second: end what ran out, and notice what another process (`gridwire init`) committed."""
        now, commits = self.clock(), self.store.commits()
        with self.store.reading() as reading:
            version, first = reading.version(), reading.next_due()
            logins = self.logins.due(now) and self.logins.wanted(reading, now)
        if first is not None and first <= now:
            with self.changing() as transaction:
                expire_invitations(transaction, now=now)
        if logins:
            with self.changing() as transaction:
                self.logins.write(transaction, now)
        if version != self._seen:
            self._revise(self.snapshot())
            self.ended += 1
            self._seen = version
        # Last: where something of this fails, it is done again.
        self._looked = (commits, min(first or NEVER, now + WRITTEN_EVERY))

    def audit_head(self) -> Head:
        """The last event of the audit chain."""
        commits, known = self.store.commits(), self._head
        if commits is not None and known is not None and known[0] == commits:
            return known[1]
        with self.store.reading() as reading:
            last = reading.last_event()
        head = Head() if last is None else Head(number=last.number, hash=last.hash)
        self._head = None if commits is None else (commits, head)
        return head

    def close(self) -> None:
        """Release whoever waits. On the event loop's thread, where there is one."""
        self.revised.close()
        self.heard.close()
        self.stirred.close()
        self.stream.close()
