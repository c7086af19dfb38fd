"""``gridwire revision``: what the grid was, and who changed it."""

from __future__ import annotations

from datetime import UTC, datetime

from cyclopts import App

from gridwire.cli import grid, words
from gridwire.cli.output import Format, print_table, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import Invalid
from gridwire.core.revision import Revision

app = App(name="revision", help="What the grid was, and who changed it.")


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """The latest revisions, newest first."""
    revisions = grid.listing("/revisions", Revision, settings)
    now = datetime.now(UTC)
    show(
        revisions,
        output,
        lambda: print_table(
            ("REVISION", "WHEN", "WHO", "WHY", "WHAT"),
            (
                (str(r.number), words.ago(r.at, now), r.author, r.reason, words.listed(r.changed, ""))
                for r in sorted(revisions, key=lambda r: (r.epoch, r.number), reverse=True)
            ),
            empty="there is no revision",
        ),
    )


@app.command(name="show")
def show_(number: int, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """One revision.

    Parameters
    ----------
    number
        The revision, counted from 1.
    """
    if number < 1:
        raise Invalid("number", f"{number} is not a revision", fix="`gridwire revision list` names them")
    revision = grid.get(f"/revisions/{number}", Revision, settings)
    rows = [
        ("epoch", str(revision.epoch)),
        ("at", f"{revision.at:%Y-%m-%d %H:%M:%S} UTC"),
        ("author", revision.author),
        ("reason", revision.reason),
        *(("changed", line) for line in revision.changed),
    ]
    show(revision, output, lambda: print_table(("", str(revision.number)), rows, empty=""))
