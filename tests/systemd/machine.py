"""A machine that systemd runs, on this one: booted, asked, rebooted and switched off by a test."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("GRIDWIRE_CACHE", Path.home() / ".cache/gridwire")) / "systemd"
ROOT = CACHE / "root"
_BOOT_SECONDS = 60.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def await_(condition: Callable[[], object], what: str, seconds: float) -> float:
    """Seconds until ``condition`` holds; raise AssertionError with ``what`` at the deadline."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)
    return time.monotonic() - began


class Machine:
    """``folder`` keeps its disk across boots. ``environment``: of every command, on top of PATH and LC_ALL."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self._folder = folder
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.pid = 0

    @property
    def disk(self) -> Path:
        """Where a test may put files before the first boot."""
        return self._folder / "upper"

    def boot(self) -> None:
        """Returns when systemd answers; what it starts is still starting."""
        self._folder.mkdir(parents=True, exist_ok=True)
        console = (self._folder / "console").open("ab")
        argv = [str(HERE / "boot.sh"), self.name, str(ROOT), str(self._folder)]
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        console.close()
        await_(self._started, f"{self.name} boots", _BOOT_SECONDS)

    def settle(self) -> str:
        """Wait until the boot is over; ``running`` or ``degraded``."""
        return self.run("systemctl is-system-running --wait", check=False).stdout.strip()

    def off(self) -> None:
        """A clean shutdown; a machine that does not end is killed with everything in it."""
        if self._process is None:
            return
        # SIGRTMIN+4 asks systemd for poweroff.target, systemd(1); in a pid namespace it then just ends.
        with_suppressed_kill(self.pid, signal.SIGRTMIN + 4)
        try:
            self._process.wait(_BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            with_suppressed_kill(self.pid, signal.SIGKILL)
            self._process.wait(10)
        self._forget_cgroup(f"gridwire-test-{self.name}-{self._process.pid}")
        self._process = None

    def _forget_cgroup(self, name: str) -> None:
        """The machine's cgroups are empty now; the kernel keeps them until somebody removes them."""
        place = self._folder / "cgroup"
        command = 'mount -t cgroup2 none "$1" && exec find "$1/$2" -depth -type d -exec rmdir {} +'
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", command, "sh", str(place), name]
        subprocess.run(argv, check=False, capture_output=True, timeout=30)

    def reboot(self) -> None:
        self.off()
        self.boot()

    def run(
        self, command: str, *, stdin: str | None = None, check: bool = True, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """A shell command in the machine, as root."""
        argv = ["nsenter", "--target", str(self.pid), "--all", "--", "/bin/sh", "-c", f"cd /\n{command}"]
        done = subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={"PATH": _PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **self._environment},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name}# {command}\n{done.stdout}{done.stderr}exit code {done.returncode}")
        return done

    def ok(self, command: str) -> bool:
        return self.run(command, check=False).returncode == 0

    def _started(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"{self.name} did not boot:\n{(self._folder / 'console').read_text()[-2000:]}")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if not children:
            return False
        self.pid = int(children[0])
        return (
            self.run("test -S /run/systemd/private && systemctl is-active sysinit.target", check=False).returncode == 0
        )


def with_suppressed_kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def connect(one: Machine, one_address: str, other: Machine, other_address: str) -> None:
    """A cable between two machines: a veth pair, up, with an address at either end."""
    for machine in (one, other):  # the kernel takes the cable of a machine that ended away when it finds the time
        machine.run("ip link delete street0", check=False)
    argv = ["ip", "link", "add", "street0", "netns", str(one.pid), "type", "veth"]
    subprocess.run([*argv, "peer", "name", "street0", "netns", str(other.pid)], check=True, timeout=10)
    for machine, address in ((other, other_address), (one, one_address)):
        machine.run(f"ip address add {address} dev street0 && ip link set street0 up")
