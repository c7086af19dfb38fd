"""A grid that `demo --keep` left running: where it is written down, how it is entered, how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gridwire.core.errors import Conflict, Invalid, NotFound, NotPermitted
from gridwire.lab import user_namespace
from gridwire.lab.host import Host
from gridwire.lab.waiting import until


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEntry:
    """A host as the demo's JSON lists it. ``netns`` and ``mntns`` are /proc paths; ``mesh`` none: not on the mesh."""

    name: str
    role: str
    netns: str
    mntns: str
    pid: int
    link: str
    mesh: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """``keeper``: the process that holds the hosts' lifeline; its start in clock ticks tells it from a later one."""

    keeper: int
    started: int
    hosts: tuple[HostEntry, ...]


def state_file() -> Path:
    """/run/gridwire-lab/grid.json for root; for others below XDG_RUNTIME_DIR, or /tmp/gridwire-lab-UID/grid.json.

    The same inside the user namespace of a lab without root as outside it.
    """
    uid = user_namespace.outer_uid()
    if uid == 0:
        return Path("/run/gridwire-lab/grid.json")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    directory = Path(runtime, "gridwire-lab") if runtime else Path(f"/tmp/gridwire-lab-{uid}")
    return directory / "grid.json"


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 where there is none, or only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def remember(keeper: int, hosts: tuple[HostEntry, ...], file: Path) -> Kept:
    kept = Kept(keeper=keeper, started=start_ticks(keeper), hosts=hosts)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _own(file.parent)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(asdict(kept)))
    draft.replace(file)
    return kept


def find(file: Path) -> Kept | None:
    """The kept grid, if it still runs; what is left of a dead one is removed. Raise NotPermitted as `_own` does."""
    try:
        _own(file.parent)
        raw = json.loads(file.read_text())
        hosts = tuple(HostEntry(**entry) for entry in raw.pop("hosts"))
        kept = Kept(**raw, hosts=hosts)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        _forget(file)
        return None
    if kept.started and start_ticks(kept.keeper) == kept.started:
        return kept
    _forget(file)
    return None


def current(file: Path) -> Kept:
    kept = find(file)
    if kept is None:
        raise NotFound("no grid is kept running", fix="`gridwire demo --keep` leaves one")
    return kept


def refuse_second(file: Path) -> None:
    """Raise Conflict where a grid is kept already."""
    if find(file) is not None:
        raise Conflict("a grid is kept running already", fix="`gridwire lab down` ends it")


def host(kept: Kept, name: str) -> Host:
    for entry in kept.hosts:
        if entry.name == name:
            return Host(name=entry.name, pid=entry.pid)
    names = ", ".join(entry.name for entry in kept.hosts)
    raise Invalid("host", f"there is no host {name[:60]!r}", fix=f"take one of {names}")


def end(file: Path) -> Kept:
    """End a kept grid and wait until its hosts are gone; raise NotFound where none is kept."""
    kept = current(file)
    with suppress(ProcessLookupError):
        os.kill(kept.keeper, signal.SIGKILL)
    until(lambda: not any(start_ticks(entry.pid) for entry in kept.hosts), "the grid's hosts to end", timeout=15)
    _forget(file)
    return kept


def _own(directory: Path) -> None:
    """Raise NotPermitted for somebody else's directory: in /tmp anyone could leave a record that names our pids."""
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise NotPermitted(
            f"{directory} is not this user's alone, so what it says of a kept grid is not believed",
            fix=f"remove it, or set XDG_RUNTIME_DIR to a directory of yours: ls -ld {directory}",
        )


def _forget(file: Path) -> None:
    shutil.rmtree(file.parent, ignore_errors=True)
