"""A change, or what it would be: the same use case in a transaction that is committed, or rolled back and told of.

An endpoint that takes ``ChangesOf`` can be previewed. Whatever else it does stands after its transaction, which a
preview never leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Final, cast

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import TypeAdapter

from gridwire.adapters.store import Snapshot, Writing
from gridwire.control.grid import Grid
from gridwire.core.difference import difference
from gridwire.core.fleet import Fleet
from gridwire.protocol.preview import Preview

PREVIEW: Final = TypeAdapter(Preview)
Changing = Callable[[], AbstractContextManager[Writing]]


class Previewed(Exception):
    """Leaves the transaction, so that nothing of it stays, and is answered with the preview."""

    def __init__(self, before: Snapshot, after: Fleet, reason: str, notes: tuple[str, ...]) -> None:
        super().__init__("previewed")
        self.before = before
        self.after = after
        self.reason = reason
        self.notes = notes

    def preview(self) -> Preview:
        """Works it out; takes no lock."""
        return Preview(
            revision=self.before.version[1],
            changes=self.after != self.before.fleet,
            reason=self.reason,
            difference=difference(self.before.fleet, self.after),
            notes=self.notes,
        )


def the_changes(
    request: Request,
    preview: Annotated[bool, Query(description="Change nothing, and answer with the Preview of it.")] = False,
) -> Changing:
    grid = cast(Grid, request.app.state.grid)
    return (lambda: _previewing(grid)) if preview else grid.changing


ChangesOf = Annotated[Changing, Depends(the_changes)]


def previewable(dependant: Dependant) -> bool:
    return any(dependency.call is the_changes for dependency in dependant.dependencies)


@contextmanager
def _previewing(grid: Grid) -> Iterator[Writing]:
    with grid.store.writing() as transaction:
        before = transaction.snapshot()
        yield transaction
        reason = "" if transaction.saved is None else transaction.saved.reason
        raise Previewed(before, transaction.fleet(), reason, transaction.notes)
