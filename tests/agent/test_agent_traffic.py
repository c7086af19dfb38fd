"""Counts on their way from nginx to control: none is counted twice, and none is lost that control cannot have had."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gridwire.adapters.control_api import Answer, Away
from gridwire.agent.traffic import Courier
from gridwire.core.errors import GridwireError, Invalid, Unavailable


class Ended(Exception):
    """There is nothing more to take."""


class Counts:
    def __init__(self, *lines: bytes | GridwireError | None) -> None:
        self.lines = list(lines)

    async def take(self, wait: float) -> bytes | None:
        assert wait > 10
        if not self.lines:
            raise Ended
        line = self.lines.pop(0)
        if isinstance(line, GridwireError):
            raise line
        return line


class Link:
    """Control that answers each call with the next of ``answers``, then always takes it."""

    def __init__(self, *answers: GridwireError) -> None:
        self.answers = list(answers)
        self.brought: list[bytes] = []

    async def send(self, call: Any) -> Answer[None]:
        self.brought.append(call.body)
        if self.answers:
            raise self.answers.pop(0)
        return Answer(None, None, 204)


def _ridden(counts: Counts, link: Link) -> list[bytes]:
    async def run() -> None:
        with pytest.raises((Ended, Invalid)):
            await Courier(counts, link, pause=0, away=0).traffic()  # type: ignore[arg-type]

    asyncio.run(run())
    return link.brought


def test_what_nginx_has_is_brought_and_silence_is_not() -> None:
    assert _ridden(Counts(b"[1]", None, b"[2]"), Link()) == [b'{"seconds":[1]}', b'{"seconds":[2]}']


def test_nginx_may_be_away() -> None:
    assert _ridden(Counts(Unavailable("away"), b"[1]"), Link()) == [b'{"seconds":[1]}']


def test_what_control_cannot_have_had_is_brought_again() -> None:
    away = [Away("no", sent=False) for _ in range(3)]
    assert _ridden(Counts(b"[1]", b"[2]"), Link(*away)) == [b'{"seconds":[1]}'] * 4 + [b'{"seconds":[2]}']


def test_what_control_may_have_had_is_not() -> None:
    assert _ridden(Counts(b"[1]", b"[2]"), Link(Away("broke", sent=True))) == [b'{"seconds":[1]}', b'{"seconds":[2]}']


def test_what_control_refuses_is_a_fault_of_the_loop() -> None:
    assert _ridden(Counts(b"[1]", b"[2]"), Link(Invalid("rows", "no"))) == [b'{"seconds":[1]}']
