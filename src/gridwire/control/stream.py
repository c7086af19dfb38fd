"""What is told to all who read the stream: a ring of the last messages, and where in it each reader is.

No reader has a queue of its own: one that is slow falls out of the ring, is told so and is cut, so that a thousand
sleeping panels cost a place in the ring each. All of it belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

KEPT: Final = 2048  # messages
KEPT_BYTES: Final = 4 << 20  # of all that are kept
MOST_READERS: Final = 256
MOST_OF_ONE: Final = 32  # of one operator, so that nobody keeps the others out


@dataclass(frozen=True, slots=True)
class Message:
    """``data``: one line of JSON."""

    number: int
    kind: str
    data: str


class Reader:
    """Where one reader of the stream is. ``number``: the last message that it was given."""

    def __init__(self, number: int, whose: str = "") -> None:
        self.number = number
        self.whose = whose
        self.woken = asyncio.Event()


class Stream:
    def __init__(self, *, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self._boot = secrets.token_hex(4)  # numbers begin anew with each control
        self._kept: deque[Message] = deque()
        self._most, self._most_bytes, self._bytes = kept, kept_bytes, 0
        self._number = 0
        self._readers: set[Reader] = set()
        self.ready = False  # somebody looks at the grid, and has a first picture of it
        self.closed = False
        self.on_join: Callable[[], None] = lambda: None

    @property
    def readers(self) -> int:
        return len(self._readers)

    def readers_of(self, whose: str) -> int:
        return sum(reader.whose == whose for reader in self._readers)

    def publish(self, kind: str, data: str) -> None:
        self._number += 1
        self._kept.append(Message(self._number, kind, data))
        self._bytes += len(data)
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._bytes -= len(self._kept.popleft().data)
        self.wake()

    def wake(self) -> None:
        for reader in self._readers:
            reader.woken.set()

    def join(self, last_id: str | None, whose: str = "") -> tuple[Reader, bool]:
        """A reader at the newest message, or behind the one whose id it has seen; and whether it missed something
        that is no longer kept."""
        number = self._number if last_id is None else self._seen(last_id)
        reader = Reader(self._number if number is None else number, whose)
        self._readers.add(reader)
        self.on_join()
        return reader, number is None

    def leave(self, reader: Reader) -> None:
        self._readers.discard(reader)

    def take(self, reader: Reader) -> list[Message] | None:
        """What the reader has not been given; none where some of it is no longer kept."""
        if not self._covers(reader.number):
            return None
        found: list[Message] = []
        for message in reversed(self._kept):
            if message.number <= reader.number:
                break
            found.append(message)
        found.reverse()
        reader.number = self._number
        return found

    def id_of(self, number: int) -> str:
        return f"{self._boot}-{number}"

    def close(self) -> None:
        """Let all readers end."""
        self.closed = True
        self.wake()

    def _covers(self, number: int) -> bool:
        oldest = self._kept[0].number if self._kept else self._number + 1
        return oldest - 1 <= number <= self._number

    def _seen(self, last_id: str) -> int | None:
        boot, _, number = last_id.partition("-")
        if boot != self._boot or not (number.isascii() and number.isdecimal()) or len(number) > 15:
            return None
        return int(number) if self._covers(int(number)) else None
