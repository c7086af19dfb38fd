"""A lab host: one holder process in namespaces of its own, and programs started in them.

Every host sees the real paths (/etc, /var, /run) and the real interface name gw0, in mounts and a network that
nobody else sees. Nothing is named or bound anywhere, so when the holder ends the kernel takes everything away.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.paths import CONTROL_USER, NGINX_USER
from gridwire.lab import holder

USERS = {CONTROL_USER: 64501, NGINX_USER: 64502}  # of Debian's 60000-64999, free for packages' use (Policy §9.2.2)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT_ENVIRONMENT = ("LANG", "LC_ALL", "TERM", "PYTHONPATH", "VIRTUAL_ENV", "GRIDWIRE_WIREGUARD_GO")


class CommandFailed(GridwireError):
    """A program on a lab host ended with a status other than 0; ``stderr`` is what it said."""

    code = "command-failed"

    def __init__(self, host: str, argv: Sequence[str], status: int, stderr: str) -> None:
        self.status, self.stderr = status, stderr
        lines = stderr.strip().splitlines()
        super().__init__(f"on {host}: {' '.join(argv)}: exit {status}: {' / '.join(lines[-4:])}")


class Lifeline:
    """The pipe that keeps hosts alive: they end when every write end is closed."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()

    def close(self) -> None:
        for fd in (self.read_end, self.write_end):
            if fd >= 0:
                os.close(fd)
        self.read_end = self.write_end = -1


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What programs on lab hosts see of the driver's environment, and no proxies of the real host's."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    own = {"PATH": f"{Path(sys.executable).parent}:{_PATH}", "HOME": "/root", "TMPDIR": holder.TEMPORARY}
    return {**own, **kept, **(extra or {})}


def closed_directories() -> list[str]:
    """Directories that unprivileged users cannot pass on their way to this installation, outermost first.

    A clone in /root is one such: control, which runs as a user of its own, could not load its own modules.
    """
    needed = {Path(sys.executable), Path(sys.prefix), Path(sys.base_prefix), Path(__file__)}
    needed |= {path.resolve() for path in needed}
    parents = {parent for path in needed for parent in path.parents}
    return [str(one) for one in sorted(parents) if one.is_dir() and one.stat().st_mode & 0o005 != 0o005]


def _have_children_on(pid: int) -> None:
    """From now on children of this thread are born in the pid namespace of ``pid`` (pid_namespaces(7))."""
    theirs = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
    try:
        holder.setns(theirs, holder.CLONE_NEWPID)
    finally:
        os.close(theirs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """``pid``: the holder's, as the driver sees it; its /proc entry names the namespaces.

    ``children``: what the driver started here. A host is gone only when they are reaped, which is for their
    parent to do (pid_namespaces(7)).
    """

    name: str
    pid: int
    children: list[subprocess.Popen[str]] = field(default_factory=list, compare=False, repr=False)

    @property
    def netns(self) -> str:
        return f"/proc/{self.pid}/ns/net"

    @property
    def mntns(self) -> str:
        return f"/proc/{self.pid}/ns/mnt"

    @property
    def root(self) -> Path:
        """The host's files as the driver may read them."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def alive(self) -> bool:
        return Path(f"/proc/{self.pid}/ns/net").exists()

    def entered(self, argv: Sequence[str]) -> list[str]:
        """``argv`` made to run in the host's namespaces, but for the pid one. ``--root``: right in a chroot too."""
        spaces = ["--mount", "--net", "--uts", "--ipc", "--root", "--wd"]
        return ["nsenter", "--target", str(self.pid), *spaces, "--", *argv]

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        own_session: bool = True,
    ) -> subprocess.Popen[str]:
        """Start a program on the host. It dies with the host at the latest; the returned pid is the program's."""

        def born() -> subprocess.Popen[str]:
            _have_children_on(self.pid)
            process = subprocess.Popen(
                self.entered(argv),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=environment(env),
                pass_fds=pass_fds,
                text=True,
                start_new_session=own_session,
            )
            self.children[:] = [child for child in self.children if child.poll() is None] + [process]
            return process

        # A thread that then ends: there is no way back into the pid namespace of the real host's root for a driver
        # that is root of a user namespace only. On Ctrl-C it is waited for, so that no child is forgotten.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(born).result()

    def start_logged(
        self, argv: Sequence[str], log: Path, *, stdin: int | None = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        """Start a program whose output goes to ``log``, a path on the host."""
        path = self.root / log.relative_to("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            return self.start(argv, stdin=stdin, stdout=file.fileno(), stderr=file.fileno())

    def run(
        self,
        argv: Sequence[str],
        *,
        input_text: str | None = None,
        timeout: float = 30,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; raise CommandFailed for a status other than 0, or when time is up (seconds)."""
        process = self.start(argv, stdin=subprocess.PIPE if input_text is not None else subprocess.DEVNULL, env=env)
        try:
            out, err = process.communicate(input_text, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise CommandFailed(self.name, argv, -9, f"{err}\nnot done after {timeout:g} s") from None
        except BaseException:
            process.kill()
            process.communicate()
            raise
        if check and process.returncode != 0:
            raise CommandFailed(self.name, argv, process.returncode, err or out)
        return subprocess.CompletedProcess(argv, process.returncode, out, err)


@dataclass(slots=True)
class HolderProcess:
    """The driver's side of a holder: what to wait for until the host is gone."""

    host: Host
    process: subprocess.Popen[str] = field(repr=False)

    def wait(self, timeout: float) -> None:
        try:
            for child in self.host.children:
                child.wait(timeout)
                for stream in (child.stdin, child.stdout, child.stderr):
                    if stream is not None:
                        stream.close()
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()  # its child, the host's pid 1, has it as its parent-death signal
            self.process.wait(timeout)


def start_holder(name: str, lifeline: Lifeline, *, sysctls: Mapping[str, str | int]) -> HolderProcess:
    """A new host without links; raise Unavailable where the kernel refuses the namespaces."""
    wanted = json.dumps({"name": name, "sysctls": dict(sysctls), "users": USERS, "opened": closed_directories()})
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", holder.__file__, str(lifeline.read_end), wanted],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(lifeline.read_end,),
        text=True,
        start_new_session=True,
        cwd="/",
    )
    assert process.stdout is not None
    with process.stdout as said:
        first = said.readline().strip()
        second = said.readline().strip() if first.isdigit() else first
    if second != "ready":
        process.wait(5)
        raise Unavailable(
            f"the lab host {name} could not be made: {second or 'its holder died'}",
            fix="run as root on a kernel with network, mount and pid namespaces and overlayfs",
        )
    return HolderProcess(Host(name=name, pid=int(first)), process)
