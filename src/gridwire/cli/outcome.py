"""How a command ends: one table from errors to exit codes, one form for what is said on stderr.

0 done    1 failed    2 usage or invalid input    3 drift, unhealthy, not finished    4 not permitted
5 `plan --exit-code` found changes
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Final, TextIO

from gridwire.cli.output import printable
from gridwire.core.errors import (
    Conflict,
    GridwireError,
    Invalid,
    NotFinished,
    NotFound,
    NotPermitted,
    Unavailable,
)

DONE: Final = 0
FAILED: Final = 1
INVALID: Final = 2
UNHEALTHY: Final = 3
DENIED: Final = 4
CHANGES: Final = 5
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells count

_EXIT: Final[tuple[tuple[type[GridwireError], int], ...]] = (
    (Invalid, INVALID),
    (NotFound, INVALID),
    (NotPermitted, DENIED),
    (NotFinished, UNHEALTHY),
    (Conflict, FAILED),
    (Unavailable, FAILED),
    (GridwireError, FAILED),
)


def exit_code(error: GridwireError) -> int:
    return next(code for kind, code in _EXIT if isinstance(error, kind))


def explain(error: GridwireError) -> str:
    """``gridwire: field: what`` and, on a line of its own, what to do about it."""
    field = f"{error.field}: " if isinstance(error, Invalid) and error.field else ""
    said = f"gridwire: {printable(field + error.what)}"
    return f"{said}\n  {printable(error.fix)}" if error.fix else said


def report(error: GridwireError, to: TextIO | None = None) -> int:
    """Say what went wrong on stderr and give the exit code for it."""
    print(explain(error), file=to or sys.stderr)
    return exit_code(error)


def report_unexpected(error: BaseException, to: TextIO | None = None) -> int:
    """A fault of gridwire's own: short, and whole with GRIDWIRE_TRACE=1."""
    out = to or sys.stderr
    if os.environ.get("GRIDWIRE_TRACE") == "1":
        traceback.print_exception(error, file=out)
    said = printable(str(error)) or "no message"
    print(f"gridwire: {type(error).__name__}: {said}", file=out)
    print("  this is a fault in gridwire; GRIDWIRE_TRACE=1 shows where it stands", file=out)
    return FAILED
