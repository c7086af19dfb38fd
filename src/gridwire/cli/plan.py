"""``gridwire plan``: what a command would change, and for whom; nothing does."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli.difference import print_difference
from gridwire.cli.outcome import CHANGES, DONE
from gridwire.cli.output import Format, note, say, show
from gridwire.cli.planning import Planned, as_plan
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import Invalid
from gridwire.protocol.preview import Preview

app = App(name="plan", default_parameter=Parameter(negative=()))
# What makes one revision, by one question to control.
_PLANNED = {
    "service": ("publish", "remove"),
    "route": ("add", "remove"),
    "policy": ("set", "remove"),
    "node": ("tag", "drain", "undrain", "approve", "admit", "revoke"),
    "revision": ("rollback",),
}


@app.default
def plan(
    *command: Annotated[str, Parameter(allow_leading_hyphen=True)],
    exit_code: Annotated[
        bool, Parameter(help="End with 5 where something would change, with 0 where nothing.")
    ] = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Show what a command would change: who gains and loses what, which connections are cut. Nothing is changed.

    gridwire plan route add --host api --to api --allow role:client

    Parameters
    ----------
    command
        service publish|remove, route add|remove, policy set|remove, node tag|drain|undrain|approve|revoke, or
        revision rollback, as it would be run, with its options.
    """
    from gridwire.cli.main import application

    if len(command) < 2 or command[1] not in _PLANNED.get(command[0], ()):
        known = ", ".join(f"{noun} {'|'.join(verbs)}" for noun, verbs in _PLANNED.items())
        raise Invalid("command", f"{' '.join(command[:2])!r} makes no plan", fix=f"use one of {known}")
    try:
        with as_plan():
            application()(
                [*command, "--settings", settings],
                exit_on_error=False,
                print_error=False,
                result_action="return_value",
            )
    except Planned as planned:
        preview = planned.preview
        show(preview, output, lambda: _print(preview))
        return CHANGES if exit_code and preview.changes else DONE
    raise Invalid("command", f"{' '.join(command)} asks for no change", fix="see `gridwire plan --help`")


def _print(preview: Preview) -> None:
    if preview.changes:
        print_difference(preview.difference)
        say(f"revision {preview.revision + 1} would be: {preview.reason}")
    else:
        note(f"nothing would change: revision {preview.revision} is so already")
    for line in preview.notes:
        say(line)
