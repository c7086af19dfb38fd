"""Whether `gridwire up` runs on this host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_NAMESPACE = "ns/net"
_RUNS = re.compile(r"gridwire|python[0-9.]*")


def foreground(proc: Path = Path("/proc")) -> int | None:
    """The process id of a `gridwire up` in this network namespace, or none."""
    here = (proc / "self" / _NAMESPACE).readlink()
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if supervises(words) and (entry / _NAMESPACE).readlink() == here:
                return int(entry.name)
        except OSError:
            continue  # it ended meanwhile
    return None


def supervises(words: Sequence[str]) -> bool:
    """Whether a command line is one of ``gridwire up`` or ``gridwire join --up``."""
    if not _RUNS.fullmatch(Path(words[0]).name):
        return False
    for at, text in enumerate(words[:5]):
        if text == "gridwire.cli.main" or Path(text).name == "gridwire":
            rest = words[at + 1 :]
            return rest[:1] == ["up"] or (rest[:1] == ["join"] and "--up" in rest)
    return False
