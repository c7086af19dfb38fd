"""A lab host with Docker and nothing of gridwire's, and commands as a person types them into its terminal."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gridwire.lab.compose import V1
from gridwire.lab.engine import Engine
from gridwire.lab.host import Host
from gridwire.lab.waiting import until

from .prepare import REPOSITORY

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^(?P<machine>[a-z0-9-]+)\$ (?P<command>.+?)(?:\s+# .*)?$")
_COLUMNS = 4000  # a terminal wraps a token by itself; what is read here is not wrapped
_PATIENCE = 120.0  # seconds


class Terminal:
    """A command that runs in a terminal of its own; what it has written so far is ``text``."""

    def __init__(self, argv: list[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self._screen, keyboard = os.openpty()
        fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _COLUMNS, 0, 0))
        self.text = ""
        self._argv = argv
        self._process = subprocess.Popen(
            argv, stdin=keyboard, stdout=keyboard, stderr=keyboard, env=dict(env), cwd=cwd, start_new_session=True
        )
        os.close(keyboard)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # EIO: nobody has it open any more
            while chunk := os.read(self._screen, 65_536):
                self.text += chunk.decode(errors="replace")

    def shows(self, pattern: str, *, timeout: float = _PATIENCE) -> re.Match[str]:
        """Wait for it to be written; raise NotFinished."""
        return until(lambda: re.search(pattern, self.text), f"{pattern!r} in {self.text[-2000:]!r}", timeout=timeout)

    def type(self, line: str) -> None:
        os.write(self._screen, f"{line}\r".encode())

    def done(self, *, timeout: float = _PATIENCE) -> str:
        """What it wrote; raise AssertionError for a status other than 0."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{' '.join(self._argv)} did not end: {self.text[-3000:]}") from None
        self._reader.join(5)
        os.close(self._screen)
        assert code == 0, f"{' '.join(self._argv)}: exit {code}: {self.text[-3000:]}"
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """``program``: which docker-compose; ``config``: a folder for the client's configuration."""

    host: Host
    engine: Engine
    program: str
    config: Path

    def terminal(self, command: str) -> Terminal:
        """Type ``command``, with the repository's root as the current folder. Docker's own run in the driver's
        namespaces, on the host's engine; all else on the host."""
        if "docker" not in command:
            argv = ["env", "-C", str(REPOSITORY), "sh", "-c", command]
            return Terminal(self.host.entered(argv), env=os.environ, cwd=REPOSITORY)
        return Terminal(["sh", "-c", self._spelled(command)], env=self._environment(), cwd=REPOSITORY)

    def run(self, command: str) -> str:
        return self.terminal(command).done()

    def _spelled(self, command: str) -> str:
        return command.replace("docker compose", "docker-compose") if self.program == V1 else command

    def _environment(self) -> dict[str, str]:
        plugins = self.config / "cli-plugins"
        if not plugins.exists():
            plugins.mkdir(parents=True)
            (plugins / "docker-compose").symlink_to(self.program)
        return {
            **os.environ,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DOCKER_HOST": self.engine.address,
            "DOCKER_CONFIG": str(self.config),
        }


def commands(document: str, title: str) -> list[tuple[str, str]]:
    """(machine, command) of every console block in a section of a document, in order."""
    _, _, rest = (REPOSITORY / document).read_text().partition(f"\n## {title}\n")
    text, _, _ = rest.partition("\n## ")
    lines = [line for block in _BLOCK.findall(text) for line in block.splitlines() if line.strip()]
    found = [_LINE.match(line) for line in lines]
    assert found, f"{document} has no section {title!r} with commands"
    assert all(found), f"{document}, {title!r}: {[line for line, match in zip(lines, found, strict=True) if not match]}"
    return [(match["machine"], match["command"]) for match in found if match]
