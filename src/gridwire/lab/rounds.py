"""Rounds of what a stack of containers goes through: brought up, recreated, restarted, its services in any order.

Each service is handled by itself. Compose orders the services of one `up`; nobody orders them when the engine comes
back after a reboot, when one is deployed alone, or when two people work at once.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from gridwire.core.errors import NotFinished
from gridwire.lab.compose import Compose, Crash, CrashCount
from gridwire.lab.waiting import until

ROUNDS = 20
_SEED = 7
_SERVES_SECONDS = 60.0
_WATCHED_SECONDS = 1.0  # after it serves again: what dies then is a crash as well
Kind = Literal["up", "recreate", "restart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    kind: Kind
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``served``: seconds from the last command to an answer; none where there was none in a minute."""

    round: Round
    crashes: tuple[Crash, ...]
    served: float | None


def rounds(services: Sequence[str], count: int = ROUNDS) -> list[Round]:
    """The same each time. Every kind is as frequent as the others, and of its orders none comes again before all came,
    but for what is left over."""
    source = random.Random(_SEED)  # noqa: S311  # an order of tests, not a secret
    kinds = [get_args(Kind)[number % 3] for number in range(count)]
    source.shuffle(kinds)
    orders = {kind: _orders(services, source) for kind in get_args(Kind)}
    return [Round(kind=kind, order=next(orders[kind])) for kind in kinds]


def _orders(services: Sequence[str], source: random.Random) -> Iterator[tuple[str, ...]]:
    every = list(itertools.permutations(services))
    while True:
        source.shuffle(every)
        yield from every


def play(stack: Compose, wanted: Sequence[Round], serves: Callable[[], bool]) -> list[Outcome]:
    """One round after another, each until the stack serves again."""
    count = CrashCount(stack.engine)
    found = []
    for one in wanted:
        _commands(stack, one)
        began = time.monotonic()
        try:
            until(serves, "an answer", timeout=_SERVES_SECONDS, every=0.1)
            served: float | None = time.monotonic() - began
        except NotFinished:
            served = None
        time.sleep(_WATCHED_SECONDS)
        found.append(Outcome(round=one, crashes=count.since_last(), served=served))
    return found


def _commands(stack: Compose, one: Round) -> None:
    if one.kind == "up":
        stack("stop")
    for service in one.order:
        match one.kind:
            case "up":
                stack("up", "-d", "--no-deps", service)
            case "recreate":
                stack("up", "-d", "--no-deps", "--force-recreate", service)
            case "restart":
                stack("restart", service)


def summary(name: str, found: Sequence[Outcome]) -> str:
    """A line for a person: how many crashed, in which kind of round, and how long it took to serve again."""
    crashed = Counter(one.round.kind for one in found for _ in one.crashes)
    seconds = [one.served for one in found if one.served is not None]
    kinds = ", ".join(f"{number} in {kind}" for kind, number in sorted(crashed.items())) or "none"
    slowest = f"{max(seconds):.1f} s" if seconds else "never"
    down = len(found) - len(seconds)
    return (
        f"{name}: {len(found)} rounds, {sum(crashed.values())} crashes ({kinds}); "
        f"serving again after {slowest} at most{f', {down} times not at all' if down else ''}"
    )
