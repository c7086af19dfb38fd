"""What commands print: data on stdout as a table, JSON or YAML; everything said beside it on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Annotated, Literal

from cyclopts import Parameter

from gridwire.cli.planning import planning

Format = Annotated[
    Literal["table", "json", "yaml"],
    Parameter(name=("--output", "-o"), help="How to print what was asked for.", show_choices=True),
]
Yes = Annotated[bool, Parameter(name=("--yes", "-y"), negative=(), help="Do not ask.")]

_WIDE = 200  # columns where nobody measures the screen: a pipe or a file


def printable(text: str) -> str:
    """Text of a stranger's as a terminal may have it: control characters become '?', but for line ends."""
    return "".join(c if c == "\n" or c.isprintable() else "?" for c in text)


def plain(value: object) -> object:
    """Dataclasses, addresses and times → what JSON and YAML hold."""
    from pydantic import TypeAdapter

    return TypeAdapter(object).dump_python(value, mode="json")


def fields(noun: object) -> dict[str, object]:
    """A dataclass as ``plain`` gives it, for an answer that says more than the noun."""
    told = plain(noun)
    assert isinstance(told, dict)
    return told


def show(value: object, output: str, table: Callable[[], None]) -> None:
    """Print ``value`` to stdout in the form asked for; ``table`` prints it for a person.

    Flushed: a command that stays (`invite --wait`) has its answer read from a pipe meanwhile.
    """
    if output == "json":
        print(json.dumps(plain(value), indent=2, ensure_ascii=False))
    elif output == "yaml":
        from ruamel.yaml import YAML

        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
        yaml.dump(plain(value), sys.stdout)
    else:
        table()
    sys.stdout.flush()


def say(text: str) -> None:
    """A line of data for a person, on stdout."""
    print(printable(text))


def note(text: str) -> None:
    """A line beside the data, on stderr."""
    print(printable(text), file=sys.stderr)


def print_table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, empty: str) -> None:
    """A table without lines; ``empty`` is said on stderr where there is no row."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    listed = list(rows)
    if not listed:
        note(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in listed:
        table.add_row(*(Text(printable(cell), style=style_of(cell)) for cell in row))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    console.print(table)


_STYLES = {
    "up": "green",
    "active": "green",
    "connected": "green",
    "in sync": "green",
    "down": "red",
    "refused": "red",
    "revoked": "red",
    "quarantined": "red",
    "critical": "bold red",
    "failed": "red",
    "warning": "yellow",
    "checking": "yellow",
    "unknown": "yellow",
    "pending": "yellow",
    "invited": "yellow",
}


def style_of(cell: str) -> str:
    return _STYLES.get(cell, "")


def interactive() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty() and "CI" not in os.environ


def check_answerable(question: str, *, yes: bool, otherwise: str) -> None:
    """Raise Invalid that names ``--yes`` where it is not given and nobody is there to be asked."""
    if not yes and not planning() and not interactive():
        from gridwire.core.errors import Invalid

        raise Invalid("--yes", f"nobody is there to be asked: {question}", fix=otherwise)


def confirmed(question: str, *, yes: bool, otherwise: str) -> bool:
    """Ask once on the terminal; without one, raise Invalid that names ``--yes``."""
    check_answerable(question, yes=yes, otherwise=otherwise)
    if yes or planning():
        return True
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
