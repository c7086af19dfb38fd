"""Every error that gridwire raises on purpose, and nothing else.

    GridwireError            context for the person who reads it, and the next step
    ├── Invalid              a value that a person gave is wrong        exit 2   HTTP 422
    ├── NotPermitted         the asker may not                          exit 4   HTTP 403
    ├── NotFound             no such noun                               exit 2   HTTP 404
    ├── Conflict             the state of the grid forbids it           exit 1   HTTP 409
    │   └── Stale            If-Match named an older version            exit 1   HTTP 412
    ├── NotFinished          asked for and begun, not yet so            exit 3   HTTP 504
    └── Unavailable          something needed is missing or away        exit 1   HTTP 503

The mapping to exit codes stands in ``cli/outcome.py``, the one to HTTP in ``control/errors.py``.
"""

from __future__ import annotations


class GridwireError(Exception):
    """What went wrong, and what to do about it.

    ``what`` is a sentence without a full stop; ``fix`` is the next step, or empty where there is none;
    ``code`` is a stable lower-case slug for machines.
    """

    code = "error"

    def __init__(self, what: str, *, fix: str = "", code: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.what}: {self.fix}" if self.fix else self.what


class Invalid(GridwireError, ValueError):
    """A value from outside is wrong; ``field`` is where it stood (a dotted path, or file:line:column).

    A ValueError too, so that a dataclass that refuses a value in ``__post_init__`` becomes a validation
    error with its place wherever the value was parsed.
    """

    code = "invalid"

    def __init__(self, field: str, what: str, *, fix: str = "", code: str | None = None) -> None:
        super().__init__(what, fix=fix, code=code)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {super().__str__()}" if self.field else super().__str__()


class NotPermitted(GridwireError):
    """The asker is known, or unknown, and may not."""

    code = "not-permitted"


class NotFound(GridwireError):
    """There is no such noun in the fleet."""

    code = "not-found"


class Conflict(GridwireError):
    """The state of the grid or the host forbids what was asked."""

    code = "conflict"


class Stale(Conflict):
    """The change was made against an older version of the noun (RFC 9110 §13.1.1)."""

    code = "stale"


class NotFinished(GridwireError):
    """Begun and recorded, but not yet so everywhere; asking again is safe."""

    code = "not-finished"


class Unavailable(GridwireError):
    """A program, package, device or process that is needed is missing, too old or away."""

    code = "unavailable"
