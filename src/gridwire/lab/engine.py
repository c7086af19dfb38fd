"""Docker's own engine, started by hand with everything of it in one folder: no service, no group, no docker0 of ours.

On a lab host its bridge and rules are of that host's network, and containers on the host network are on the lab
host's. On the real host it has no bridge, writes no rule and only builds images. It is ended by its pid.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gridwire.core.errors import GridwireError, NotFinished, Unavailable
from gridwire.lab.host import Host
from gridwire.lab.waiting import until

DOCKERD = "/usr/sbin/dockerd"
DOCKER = "/usr/bin/docker"  # the engine's own client, of the same package: a newer one may want a newer engine
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
# The engine touches no network but the lab host's, so it need not even know how on the real one.
_NO_NETWORK = ("--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false")
_OF_EVERY_MOUNT = frozenset({"rw", "ro", "relatime", "noatime", "nosuid", "nodev", "noexec"})


class DockerFailed(GridwireError):
    """A client of the engine ended with a status other than 0."""

    code = "docker-failed"

    def __init__(self, argv: Sequence[str], status: int, said: str) -> None:
        self.status, self.said = status, said
        super().__init__(f"{' '.join(argv)}: exit {status}: {' / '.join(said.strip().splitlines()[-6:])}")


def missing() -> str:
    """Why no engine can be started here; empty where one can."""
    if os.geteuid() != 0:
        return "Docker's engine wants root"
    for program in (DOCKERD, DOCKER):
        if not Path(program).is_file():
            return f"{program} is not installed (apt install docker.io)"
    return "" if shutil.which("containerd") else "containerd is not installed (apt install docker.io)"


@dataclass(slots=True)
class Engine:
    """``folder``: where all of it lies, on a disk; overlays do not stack. ``host``: none for the real one.

    ``options``: more of dockerd's, --userland-proxy=false for instance.
    """

    folder: Path
    host: Host | None = None
    options: tuple[str, ...] = ()
    cgroup: str = field(default_factory=lambda: f"gridwire-engine-{secrets.token_hex(4)}")
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """DOCKER_HOST: reached from any namespace that sees the folder."""
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        """Returns when it answers; raise Unavailable with the end of its log."""
        if why := missing():
            raise Unavailable(why, fix="apt install docker.io, which need not run as a service")
        self.folder.mkdir(parents=True, exist_ok=True)
        run = Path("/run/gridwire-docker") if self.host is not None else self.folder / "run"
        argv = [DOCKERD, "--data-root", f"{self.folder}/data", "--exec-root", str(run)]
        argv += ["--pidfile", f"{self.folder}/docker.pid", "--host", self.address, "--log-level", "warn"]
        argv += ["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{self.cgroup}", *self.options]
        with (self.folder / "log").open("a") as log:
            if self.host is not None:
                _mount_cgroups(self.host)
                self._process = self.host.start(argv, stdout=log.fileno(), stderr=log.fileno())
            else:
                self._process = subprocess.Popen(
                    [*argv, *_NO_NETWORK], stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True
                )
        try:
            until(self._answers, "Docker's engine to answer", timeout=_START_SECONDS, every=0.1)
        except NotFinished as error:
            self.stop()
            raise Unavailable(f"{error.what}; its log ends: {self.log()}") from None

    def stop(self) -> None:
        """End it and what it runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._forget_cgroups()
        self._process = None

    def restart(self) -> None:
        """As at a reboot: every container goes, and those with a restart policy come back in an order of its own."""
        self.stop()
        self.start()

    def docker(self, *arguments: str, stdin: str | None = None, timeout: float = 120, check: bool = True) -> str:
        """What `docker ARGUMENTS` printed; raise DockerFailed."""
        return self.client([DOCKER, *arguments], stdin=stdin, timeout=timeout, check=check).stdout

    def client(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float = 300,  # seconds
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run docker or docker-compose against this engine; raise DockerFailed."""
        done = subprocess.run(
            list(argv),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "DOCKER_HOST": self.address, "DOCKER_BUILDKIT": "1", **(env or {})},
        )
        if check and done.returncode != 0:
            raise DockerFailed(argv, done.returncode, f"{done.stdout}{done.stderr}")
        return done

    def log(self, *, lines: int = 8) -> str:
        """The end of the engine's own log."""
        path = self.folder / "log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "no log"

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise Unavailable(f"Docker's engine ended: {self.log()}")
        return self.client([DOCKER, "version"], check=False, timeout=20).returncode == 0

    def _forget_cgroups(self) -> None:
        """Empty by now; the kernel keeps them until somebody removes them."""
        for hierarchy in (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*/")):
            place = hierarchy / self.cgroup
            for folder in sorted((p for p in place.glob("**/") if p.is_dir()), key=lambda p: -len(p.parts)):
                with suppress(OSError):
                    folder.rmdir()


def _mount_cgroups(host: Host) -> None:
    """The host's /sys is its network's own, and so has none of the hierarchies that are mounted below the real one."""
    if any((host.root / "sys/fs/cgroup").iterdir()):
        return
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    found = [(place, kind, options) for _, place, kind, options, *_ in lines if kind in ("cgroup", "cgroup2")]
    if any(kind == "cgroup" for _, kind, _ in found):
        host.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/sys/fs/cgroup"])
    for place, kind, options in found:
        chosen = [one for one in options.split(",") if one not in _OF_EVERY_MOUNT]
        named = ["none"] if any(one.startswith("name=") for one in chosen) else []
        host.run(["mkdir", "-p", place])
        host.run(["mount", "-t", kind, *(["-o", ",".join([*named, *chosen])] if chosen else []), "none", place])
