"""The process that holds a lab host's namespaces: network, mounts, processes, host name, IPC.

Run as a script by an interpreter without site packages (15 ms instead of 60), so the standard library alone.
It is pid 1 of its host: when it ends, the kernel ends everything on the host and frees the namespaces. It ends
when the *lifeline* closes, a pipe whose write end the driver holds, so a driver that died by kill -9 leaves nothing.

    holder.py LIFELINE_FD '{"name": …, "sysctls": {…}, "users": {"gridwire": 64501, …}, "opened": ["/root"]}'

It prints its pid as the starter sees it, then ``ready``; or ``failed: why`` and ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x20000000,
    0x40000000,
)  # sched.h
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 16384, 1 << 18  # sys/mount.h
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def setns(fd: int, kind: int) -> None:
    """setns(2) for the calling thread; os.setns is newer than Python 3.11."""
    _checked(_libc.setns(fd, kind), "setns")


def unshare(kinds: int) -> None:
    _checked(_libc.unshare(kinds), "unshare")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    _checked(
        _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()),
        f"mount {kind} on {target}",
    )


def _detach_mounts() -> None:
    """Make every mount private, in a plain chroot too, whose "/" is no mount that could be named.

    setns into one's own mount namespace moves the root to the namespace's (setns(2)); the chroot is entered again.
    """
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    setns(own, CLONE_NEWNS)
    os.close(own)
    mount("none", "/", "none", _MS_REC | _MS_PRIVATE)
    os.fchdir(root)
    os.chroot(".")
    os.close(root)
    os.chdir("/")


def _overlay(directory: str, name: str) -> None:
    """Writes below ``directory`` go to the tmpfs on /run; its mode here is 0755, whatever it is outside."""
    upper, work = Path(f"/run/{name}/upper"), Path(f"/run/{name}/work")
    upper.mkdir(parents=True)
    work.mkdir()
    upper.chmod(0o755)
    options = f"lowerdir={directory},upperdir={upper},workdir={work}"
    try:
        mount("overlay", directory, "overlay", 0, options)
    except OSError:
        mount("overlay", directory, "overlay", 0, f"{options},userxattr")  # inside a user namespace


def _open_to_all(directory: str, number: int) -> None:
    """Let unprivileged users of this host through a directory that is closed to them outside, as /root is."""
    if any(c in directory for c in ",:\\"):  # overlayfs would read them as its own (overlayfs.rst)
        return
    inside = {entry.name for entry in Path(directory).iterdir() if entry.is_mount()}
    if not inside:  # an overlay would hide what is mounted below
        _overlay(directory, f"open-{number}")


def _mount_own(opened: list[str]) -> None:
    """Overlays on /etc and /var with their upper halves in a tmpfs, which the host's /run then hides."""
    mount("tmpfs", "/run", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")
    for name in ("etc", "var"):
        _overlay(f"/{name}", name)
    for number, directory in enumerate(opened):
        _open_to_all(directory, number)
    mount("tmpfs", "/run", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")
    mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    try:
        mount("sysfs", "/sys", "sysfs", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    except OSError:  # refused in user namespaces where part of /sys is masked; the starter's /sys stays
        return


def _add_users(users: dict[str, int]) -> None:
    for file, line in (
        ("passwd", "{name}:x:{id}:{id}:gridwire:/nonexistent:/usr/sbin/nologin\n"),
        ("group", "{name}:x:{id}:\n"),
    ):
        path = Path("/etc", file)
        known = path.read_text() if path.exists() else ""
        names = {entry.partition(":")[0] for entry in known.splitlines()}
        added = "".join(line.format(name=name, id=number) for name, number in users.items() if name not in names)
        path.write_text(known + ("" if known.endswith("\n") or not known else "\n") + added)


def _furnish(wanted: dict[str, Any]) -> None:
    name = wanted["name"]
    socket.sethostname(name)
    _detach_mounts()
    _mount_own(wanted["opened"])
    Path("/etc/hostname").write_text(f"{name}\n")
    Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {name}\n")
    _add_users(wanted["users"])
    for key, value in wanted["sysctls"].items():
        path = Path("/proc/sys", *key.split("."))
        if path.exists():
            path.write_text(f"{value}\n")


def _hold(lifeline: int) -> None:
    """Reap what is orphaned on this host until the lifeline closes."""
    awake, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([lifeline, awake], [], [])
        if lifeline in ready:
            return
        os.read(awake, 4096)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            continue


def main(argv: list[str]) -> int:
    lifeline, wanted = int(argv[1]), json.loads(argv[2])
    out = os.dup(1)
    quiet = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(quiet, standard)
    try:
        unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)
    except OSError as error:
        os.write(out, f"failed: {error}\n".encode())
        return 1
    child = os.fork()
    if child:
        os.write(out, f"{child}\n".encode())
        os.close(out)
        os.close(lifeline)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        _furnish(wanted)
    except OSError as error:
        os.write(out, f"failed: {error}\n".encode())
        return 1
    os.write(out, b"ready\n")
    os.close(out)
    _hold(lifeline)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
