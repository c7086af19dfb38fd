"""``gridwire``: one file per noun, imported when it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gridwire.version import __version__

if TYPE_CHECKING:
    from cyclopts import App

# name, what it does, group. The module is gridwire.cli.<name>, its cyclopts app is called `app`.
_COMMANDS = (
    ("doctor", "Whether gridwire fits this host, what is wrong with it, and why a node is not reached.", "Start"),
    ("prerequisites", "Install the Debian packages that gridwire runs on; nothing of them is started.", "Start"),
    ("init", "Make this host the gateway of a new grid.", "Start"),
    ("join", "Make this host a node, with an invitation.", "Start"),
    ("install", "Run this node as services of systemd.", "Start"),
    ("uninstall", "Stop the services and take back what gridwire made on this host.", "Start"),
    ("up", "Run gridwire's processes in the foreground.", "Start"),
    ("demo", "Build a grid out of network namespaces and prove what gridwire promises.", "Start"),
    ("status", "The grid on one screen.", "Grid"),
    ("perimeter", "Every socket of every node, who may reach it, and by which rule.", "Grid"),
    ("invite", "Invite a node, or make a device's WireGuard configuration.", "Grid"),
    ("node", "List, tag, drain, approve and revoke nodes.", "Grid"),
    ("service", "Publish what runs on edge nodes.", "Grid"),
    ("route", "Open a host and path to those who may use it.", "Grid"),
    ("policy", "Name a set of selectors that routes share.", "Grid"),
    ("operator", "Who may administer the grid, and their one-time links.", "Grid"),
    ("token", "API tokens, for programs on an operator's device.", "Grid"),
    ("revision", "What the grid was, and who changed it.", "Grid"),
    ("why", "Why a node reaches a URL, or does not, hop by hop.", "Grid"),
    ("plan", "What a command would change, and for whom; nothing does.", "Grid"),
    ("events", "The audit chain.", "Grid"),
    ("panel", "Where the control panel is, and whether it can be opened now.", "Grid"),
    ("ca", "The grid's own certificate authority, and how devices trust it.", "Grid"),
    ("notify", "Be told when something is wrong: webhook, ntfy or mail.", "Grid"),
    ("maintenance", "Work on something without anybody being told of it.", "Grid"),
    ("traffic", "Requests, errors and times: the busiest, or one by one.", "Grid"),
    ("metrics", "What this host counts, for Prometheus.", "Host"),
    ("reach", "What this edge lets be published.", "Host"),
    ("control", "Run the control plane.", "Processes"),
    ("agent", "Run this node's agent.", "Processes"),
    ("guard", "Load, show or remove the packet guard.", "Processes"),
    ("mesh", "Run wireguard-go for the mesh interface.", "Processes"),
    ("nginx", "Run gridwire's nginx.", "Processes"),
    ("lab", "Work on a grid that `demo --keep` left running.", "More"),
    ("bench", "Measure the data path.", "More"),
    ("openapi", "Print control's API in OpenAPI.", "More"),
    ("version", "Print the version.", "More"),
    ("completion", "Print a shell's completion script.", "More"),
)


def main() -> int:
    """The entry point; gives the exit code (cli.outcome)."""
    os.environ["PATH"] = whole_path(os.environ.get("PATH", ""))
    return run(sys.argv[1:])


def whole_path(path: str) -> str:
    """PATH with the folders that nft, nginx and ss lie in: `su` without a dash and cron leave them out."""
    folders = [folder for folder in path.split(":") if folder]
    return ":".join(dict.fromkeys([*folders, "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; never raises but for SystemExit of a command that asks for it."""
    if list(arguments) in (["--version"], ["-V"]):  # needs no parser: quick enough for scripts
        print(__version__)
        return 0
    if list(arguments[:2]) == ["up", "--children"] and len(arguments) == 3:  # neither: it stays in memory
        return _supervise(arguments[2])
    from cyclopts import CycloptsError

    from gridwire.cli import outcome
    from gridwire.cli.gateway import asked_of
    from gridwire.core.errors import GridwireError

    try:
        with asked_of(arguments) as rest:
            result = application()(rest, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        print(f"gridwire: {' '.join(str(error).split())}", file=sys.stderr)
        print(f"  see `{_help_for(arguments)}`", file=sys.stderr)
        return outcome.INVALID
    except GridwireError as error:
        return outcome.report(error)
    except KeyboardInterrupt:
        return outcome.INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        return outcome.FAILED
    except Exception as error:  # noqa: BLE001 the last one: a person sees a sentence, not a traceback
        return outcome.report_unexpected(error)
    return result if isinstance(result, int) else outcome.DONE


def _supervise(children: str) -> int:
    """What `gridwire up` goes on as (adapters.process.become_supervisor)."""
    from gridwire.adapters.process import Supervisor, from_text
    from gridwire.core.errors import GridwireError

    try:
        Supervisor(from_text(children)).run()
    except GridwireError as error:
        from gridwire.cli import outcome

        return outcome.report(error)
    return 0


@cache
def application() -> App:
    """The parser; its commands' modules are imported when one is asked for."""
    from cyclopts import App, Group

    app = App(
        name="gridwire",
        help="A self-hosted zero-trust edge router: nginx over WireGuard, one silent UDP port. "
        "From an operator's device: gridwire --gateway URL --token-file FILE [--ca FILE] COMMAND.",
        version=__version__,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    groups = {name: Group.create_ordered(name) for name in dict.fromkeys(group for *_, group in _COMMANDS)}
    for name, text, group in _COMMANDS:
        where = f"gridwire.cli.{name}"
        if find_spec(where) is not None:
            app.command(f"{where}:app", name=name, help=text, group=groups[group])
    return app


def _help_for(arguments: Sequence[str]) -> str:
    names = {name for name, *_ in _COMMANDS}
    noun = arguments[0] if arguments and arguments[0] in names else ""
    return " ".join(filter(None, ("gridwire", noun, "--help")))


def _close_stdout() -> None:
    """The reader went away: nothing more may be written, at exit neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main())
