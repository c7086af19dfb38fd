"""Whether the command that runs is only looked at: then its change is asked for as a preview, and that ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # all of the compiler comes with it, and every command imports this module
    from gridwire.protocol.preview import Preview

_planning: ContextVar[bool] = ContextVar("planning", default=False)


class Planned(Exception):
    """Ends the command that is looked at, with what its change would be."""

    def __init__(self, preview: Preview) -> None:
        super().__init__("planned")
        self.preview = preview


def planning() -> bool:
    return _planning.get()


@contextmanager
def as_plan() -> Iterator[None]:
    token = _planning.set(True)
    try:
        yield
    finally:
        _planning.reset(token)
