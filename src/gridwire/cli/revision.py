"""``gridwire revision``: what the grid was, and who changed it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.difference import print_difference
from gridwire.cli.output import Format, Yes, confirmed, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import Invalid
from gridwire.core.revision import Revision
from gridwire.protocol.preview import RevisionDifference, RolledBack

app = App(name="revision", help="What the grid was, who changed it, and back to it.")


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
    _check(number)
    revision = grid.get(f"/revisions/{number}", Revision, settings)
    rows = [
        ("epoch", str(revision.epoch)),
        ("at", f"{revision.at:%Y-%m-%d %H:%M:%S} UTC"),
        ("author", revision.author),
        ("reason", revision.reason),
        *(("changed", line) for line in revision.changed),
    ]
    show(revision, output, lambda: print_table(("", str(revision.number)), rows, empty=""))


@app.command
def diff(
    number: int,
    /,
    *,
    since: Annotated[int | None, Parameter(help="The revision to compare with; the one before, if left out.")] = None,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> None:
    """What a revision changed: for whom, on which sockets, served by whom, and what was cut.

    Parameters
    ----------
    number
        The revision, counted from 1.
    """
    _check(number)
    query = "" if since is None else f"?since={since}"
    found = grid.get(f"/revisions/{number}/difference{query}", RevisionDifference, settings)
    show(found, output, lambda: print_difference(found.difference))


@app.command
def rollback(
    number: int, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT
) -> int | None:
    """Make a new revision with the services, routes, policies, tags and drains of an older one.

    Nodes that were revoked since stay out. `gridwire plan revision rollback NUMBER` shows it first.

    Parameters
    ----------
    number
        The revision to go back to.
    """
    _check(number)
    newest = grid.listing("/revisions?limit=1", Revision, settings)
    question = f"Go back from revision {newest[0].number} to {number}?"
    if not confirmed(question, yes=yes, otherwise=f"gridwire revision rollback {number} --yes"):
        note("nothing was changed")
        return 1
    tag = f'"{newest[0].epoch}.{newest[0].number}"'
    done = grid.post(f"/revisions/{number}/rollback", None, RolledBack, settings, if_match=tag)
    show(done, output, lambda: _say_back(done, number))
    return None


def _say_back(done: RolledBack, number: int) -> None:
    if done.changed:
        say(f"revision {done.revision.number} is as {number} was")
    else:
        say(f"revision {done.revision.number} is as {number} already")
    for line in done.notes:
        say(line)


def _check(number: int) -> None:
    if number < 1:
        raise Invalid("number", f"{number} is not a revision", fix="`gridwire revision list` names them")
