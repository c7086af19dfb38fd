"""What gridwire opened in other firewalls, on consent: kept on disk, so that `gridwire uninstall` can close it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from gridwire.adapters import programs
from gridwire.adapters.firewalls.obstacle import Argv
from gridwire.core import paths
from gridwire.core.errors import Unavailable

RECORD: Final = f"{paths.STATE}/opened.json"
_PATIENCE_SECONDS = 60.0


def remember_opened(commands: Iterable[Argv], record: str = RECORD) -> None:
    """Add the commands that were run; raise OSError where they cannot be kept."""
    known = [*opened(record)]
    known += [argv for argv in commands if argv not in known]
    file = Path(record)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    file.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def opened(record: str = RECORD) -> tuple[Argv, ...]:
    """Nothing where nothing was opened, or the record is damaged: a command is never guessed."""
    with suppress(OSError, ValueError):
        return tuple(tuple(map(str, argv)) for argv in json.loads(Path(record).read_text("utf-8")))
    return ()


def undoing(argv: Argv) -> Argv | None:
    """The command that takes one back; none for an nft rule, which is known by a handle and gone at a reboot. Pure."""
    match argv:
        case ("ufw", "allow", *rest):
            plain = rest[: rest.index("comment")] if "comment" in rest else rest
            return ("ufw", "delete", "allow", *plain)
        case ("firewall-cmd", *rest):
            removed = [word.replace("--add-port=", "--remove-port=") for word in rest]
            return (argv[0], *(word.replace("--change-interface=", "--remove-interface=") for word in removed))
        case ("iptables" | "ip6tables", "-I", *rest):
            return (argv[0], "-D", *rest)
    return None


def close(record: str = RECORD) -> tuple[Argv, ...]:
    """Take back what was opened; return the commands that failed, or that a person has to undo. The record goes."""
    left = []
    for argv in opened(record):
        undo = undoing(argv)
        if undo is None or not _succeeds(undo):
            left.append(argv)
    Path(record).unlink(missing_ok=True)
    return tuple(left)


def _succeeds(argv: Argv) -> bool:
    with suppress(Unavailable):
        return programs.run(argv, timeout=_PATIENCE_SECONDS).code == 0
    return False
