"""How far the demo is: a table that grows on a terminal, plain lines elsewhere. On stderr, beside the data."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gridwire.cli.output import note, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from gridwire.lab.demo import Progress
    from gridwire.lab.proofs.proof import Claim, Proof


class Lines:
    """A line per step and per proof."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def step(self, what: str) -> None:
        note(f"[{time.monotonic() - self._start:5.1f}] {what}")

    def proving(self, claim: Claim) -> None:
        return

    def proved(self, proof: Proof) -> None:
        self.step(f"{'ok  ' if proof.ok else 'FAIL'} {proof.id}: {proof.line} (goal: {proof.goal})")


class Live:
    """A spinner with what happens now, under what was proved so far."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console, self._status = console, status

    def step(self, what: str) -> None:
        self._status.update(printable(what))

    def proving(self, claim: Claim) -> None:
        self._status.update(printable(f"{claim.id}: {claim.title}"))

    def proved(self, proof: Proof) -> None:
        from rich.text import Text

        mark = ("✓ ", "bold green") if proof.ok else ("✗ ", "bold red")
        line = Text.assemble(mark, (f"{proof.id:<15}", "bold"), printable(proof.line))
        line.append(f"  goal: {proof.goal}; {proof.seconds:.1f} s", style="dim")
        self._console.print(line)


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress for where stderr goes."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status("starting") as status:
        yield Live(console, status)


def waiting(routes: str) -> Callable[[str | None], None]:
    """Say where the grid is to be seen, and wait for Ctrl-C, which then only ends the waiting."""

    def wait(panel: str | None) -> None:
        note(f"a route of the grid:  {routes}")
        if panel is None:
            note("its panel is not built: make panel")
        else:
            note(f"its panel:  {panel}  (the link opens once: choose a password there; the operator's name is demo)")
        note("Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            signal.pause()

    return wait
