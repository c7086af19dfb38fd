"""Processes of a lab host as the driver sees them: found by the pid namespace that they live in."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gridwire.lab.host import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """``pid`` in the driver's numbering; ``command``: the command line with spaces, or the title it gave itself."""

    pid: int
    command: str
    started: int  # clock ticks since boot: with the pid, an identity

    @property
    def program(self) -> str:
        """``nginx-master``, ``nginx-worker``, ``wireguard``, or the gridwire command (agent, control, up, …)."""
        if self.command.startswith("nginx:"):
            return "nginx-master" if "master" in self.command else "nginx-worker"
        words = self.command.split()
        if words and Path(words[0]).name in ("wireguard-go", "wireguard"):
            return "wireguard"
        for at, word in enumerate(words[:5]):
            if word == "gridwire.cli.main" or Path(word).name == "gridwire":
                return words[at + 1] if at + 1 < len(words) else ""
        return ""


def processes(host: Host) -> tuple[Process, ...]:
    """All of a host's processes but its holder, sorted by pid."""
    try:
        space = Path(f"/proc/{host.pid}/ns/pid").readlink()
    except OSError:
        return ()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == host.pid:
            continue
        with suppress(OSError):
            if (entry / "ns/pid").readlink() != space:
                continue
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                found.append(Process(pid=int(entry.name), command=command, started=int(fields[19])))
    return tuple(sorted(found, key=lambda one: one.pid))


def named(host: Host, *programs: str) -> tuple[Process, ...]:
    return tuple(one for one in processes(host) if one.program in programs)


def kill(found: tuple[Process, ...], number: int = signal.SIGKILL) -> int:
    """Signal each; return how many were there to take it."""
    hit = 0
    for one in found:
        with suppress(ProcessLookupError):
            os.kill(one.pid, number)
            hit += 1
    return hit


def gone(found: tuple[Process, ...]) -> Callable[[], bool]:
    """A condition: none of them runs any more (a zombie does not)."""

    def check() -> bool:
        for one in found:
            try:
                fields = Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[19]) == one.started:
                return False
        return True

    return check
