"""What one running control knows of logins beside its database: hashing, the seal, and who was active when."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from gridwire.adapters.passwords import Passwords
from gridwire.adapters.sealing import Seal, random_seal
from gridwire.adapters.store import Reading, SessionRow, TokenRow, Writing
from gridwire.control.challenges import Challenges
from gridwire.core.addressing import Address
from gridwire.core.operators import FORGOTTEN_AFTER
from gridwire.core.sessions import ABSOLUTE, IDLE

# A request is not to wait for the database's write lock because its session is to be remembered as used.
WRITTEN_EVERY: Final = timedelta(seconds=60)
# A refused login is told of in the audit chain, a burst of them once a minute.
TOLD_EVERY: Final = timedelta(seconds=60)


class Logins:
    def __init__(self, *, passwords: Passwords | None = None, seal: Seal | None = None) -> None:
        """``seal`` none: codes of authenticators last as long as this process, for tests and a first look."""
        self.passwords = passwords if passwords is not None else Passwords()
        self.seal = seal if seal is not None else random_seal()
        self.challenges = Challenges()
        self._lock = threading.Lock()
        self._sessions: dict[str, datetime] = {}  # by hash: used then, and not yet written
        self._tokens: dict[str, datetime] = {}
        self._tidied: datetime | None = None
        self._told: dict[tuple[str, Address], datetime] = {}  # whose logins were refused, on which device

    def saw(self, shown: SessionRow | TokenRow, now: datetime) -> None:
        if shown.used is not None and now - shown.used < WRITTEN_EVERY:
            return
        with self._lock:
            (self._sessions if isinstance(shown, SessionRow) else self._tokens)[shown.sha256] = now

    def to_tell(self, name: str, device: Address, now: datetime) -> bool:
        """Whether a refused login is the first of its minute, for this name and device."""
        with self._lock:
            self._told = {key: at for key, at in self._told.items() if abs(now - at) < TOLD_EVERY}
            first = (name, device) not in self._told
            self._told.setdefault((name, device), now)
            return first

    def used(self, session: SessionRow) -> datetime:
        """When it was last used, as far as this process knows."""
        with self._lock:
            return max(session.used, self._sessions.get(session.sha256, session.used))

    def due(self, now: datetime) -> bool:
        """Whether there is something to write: at most once a minute."""
        with self._lock:
            if self._tidied is not None and now - self._tidied < WRITTEN_EVERY:
                return False
            self._tidied = now
            return True

    def wanted(self, reading: Reading, now: datetime) -> bool:
        """Whether anything is to be written or is over."""
        with self._lock:
            if self._sessions or self._tokens:
                return True
        return reading.people.overdue(now - ABSOLUTE, now - IDLE, now - FORGOTTEN_AFTER)

    def write(self, transaction: Writing, now: datetime) -> None:
        with self._lock:
            sessions, self._sessions = self._sessions, {}
            tokens, self._tokens = self._tokens, {}
        for sha256, at in sessions.items():
            transaction.people.use_session(sha256, at)
        for sha256, at in tokens.items():
            transaction.people.use_token(sha256, at)
        transaction.people.drop_old_sessions(now - ABSOLUTE, now - IDLE)
        transaction.people.drop_old_failures(now - FORGOTTEN_AFTER)
