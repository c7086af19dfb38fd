"""``gridwire lab``: work on the grid that ``demo --keep`` left running."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli.output import Format, print_table, say, show
from gridwire.core.errors import Invalid

app = App(name="lab", help="Work on a grid that `demo --keep` left running.")


@app.command(name="list")
def list_(*, output: Format = "table") -> None:
    """The hosts of the kept grid."""
    from gridwire.lab import kept

    hosts = kept.current(kept.state_file()).hosts
    show(
        hosts,
        output,
        lambda: print_table(
            ("HOST", "ROLE", "LINK", "MESH", "NETWORK"),
            ((host.name, host.role, host.link, host.mesh or "", host.netns) for host in hosts),
            empty="",
        ),
    )


@app.command(name="exec")
def exec_(host: str, *command: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Run a command on a host of the kept grid: `gridwire lab exec gateway -- gridwire status`.

    Parameters
    ----------
    host
        A host that `gridwire lab list` names.
    command
        What to run there, and its arguments, after --.
    """
    from gridwire.lab import kept, user_namespace

    if not command:
        raise Invalid("command", "there is none", fix="write it after --: gridwire lab exec gateway -- ip addr")
    grid = kept.current(kept.state_file())
    target = kept.host(grid, host)
    user_namespace.join(grid.keeper)
    process = target.start(command, stdin=None, stdout=None, stderr=None, own_session=False)
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the command, of the same terminal, has it too and decides
            continue
        return code if code >= 0 else 128 - code


@app.command
def down(*, output: Format = "table") -> None:
    """End the kept grid; nothing of it remains."""
    from gridwire.lab import kept

    ended = kept.end(kept.state_file())
    show([host.name for host in ended.hosts], output, lambda: say(f"{len(ended.hosts)} hosts are gone"))
