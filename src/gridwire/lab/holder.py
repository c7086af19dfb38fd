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

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)  # sched.h
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18  # sys/mount.h
_COPIED = 1 << 20  # bytes; no file of /etc that a host replaces is near it
_OURS = ("/etc/gridwire", "/var/lib/gridwire", "/var/log/gridwire")  # core/paths.py
_PR_SET_PDEATHSIG = 1
TEMPORARY = "/run/tmp"  # /tmp is the real host's, where a program that is killed would leave its files behind

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


def _foreign() -> bool:
    """Whether the files here are another root's, as in the user namespace of a plain user.

    An overlay is of no use there: what it shows of the real root's is nobody's (user_namespaces(7)), so that root
    here may write to none of it, and it is refused where anything is mounted below (mount_namespaces(7)).
    """
    return Path("/etc").stat().st_uid != 0


def _mirror(directory: str, owned: tuple[str, ...] = ()) -> None:
    """``directory``, and those of its directories that are ``owned``, as this host's root's, with all that they hold.

    What is there is bound into a tmpfs; a small file is copied, so that it can be replaced.
    """
    real = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    mount("tmpfs", directory, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")
    _show(f"/proc/self/fd/{real}", Path(directory), owned)
    os.close(real)


def _show(real: str, place: Path, owned: tuple[str, ...] = ()) -> None:
    for entry in Path(real).iterdir():
        shown = place / entry.name
        if str(shown) in _OURS:  # nothing of the real host's grid is this host's
            continue
        if entry.is_symlink():
            shown.symlink_to(entry.readlink())
        elif entry.name in owned:
            shown.mkdir()
            _show(str(entry), shown)
        elif entry.is_dir():
            shown.mkdir()
            mount(str(entry), str(shown), "none", _MS_BIND | _MS_REC)
        elif entry.is_file() and entry.stat().st_size > _COPIED:
            shown.touch()
            mount(str(entry), str(shown), "none", _MS_BIND)
        elif entry.is_file() and os.access(entry, os.R_OK):
            shown.write_bytes(entry.read_bytes())
            shown.chmod(entry.stat().st_mode & 0o777)


def open_to_all(directory: str, number: int) -> None:
    """Let unprivileged users of this host through a directory that is closed to them outside, as /root is."""
    if _foreign():
        _mirror(directory)
        return
    if any(c in directory for c in ",:\\"):  # overlayfs would read them as its own (overlayfs.rst)
        return
    inside = {entry.name for entry in Path(directory).iterdir() if entry.is_mount()}
    if not inside:  # an overlay would hide what is mounted below
        _overlay(directory, f"open-{number}")


def _mount_own(opened: list[str]) -> None:
    """/etc and /var that this host may write to, in a tmpfs that the host's own /run then hides."""
    mount("tmpfs", "/run", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")
    if _foreign():
        _mirror("/var", owned=("lib", "log"))
        _mirror("/etc")
    else:
        _overlay("/etc", "etc")
        _overlay("/var", "var")
    for directory in _OURS:
        if Path(directory).is_dir():
            mount("tmpfs", directory, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")
    for number, directory in enumerate(opened):
        open_to_all(directory, number)
    mount("tmpfs", "/run", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")
    Path(TEMPORARY).mkdir()
    Path(TEMPORARY).chmod(0o1777)
    mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    try:
        mount("sysfs", "/sys", "sysfs", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    except OSError:  # refused in user namespaces where part of /sys is masked; the starter's /sys stays
        return


def _replace(path: Path, text: str) -> None:
    """Write a file anew: in a user namespace the one below belongs to nobody and cannot be written to."""
    draft = path.with_name(f".{path.name}.lab")
    draft.write_text(text)
    draft.replace(path)


def _add_users(users: dict[str, int]) -> None:
    for file, line in (
        ("passwd", "{name}:x:{id}:{id}:gridwire:/nonexistent:/usr/sbin/nologin\n"),
        ("group", "{name}:x:{id}:\n"),
    ):
        path = Path("/etc", file)
        known = path.read_text() if path.exists() else ""
        names = {entry.partition(":")[0] for entry in known.splitlines()}
        added = "".join(line.format(name=name, id=number) for name, number in users.items() if name not in names)
        _replace(path, known + ("" if known.endswith("\n") or not known else "\n") + added)


def _furnish(wanted: dict[str, Any]) -> None:
    name = wanted["name"]
    os.umask(0o022)  # what is made here is for all of the host's users to read
    socket.sethostname(name)
    _detach_mounts()
    _mount_own(wanted["opened"])
    _replace(Path("/etc/hostname"), f"{name}\n")
    _replace(Path("/etc/hosts"), f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {name}\n")
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
    told, tell = os.pipe()  # the pid comes first, however late this process is to run again
    child = os.fork()
    if child:
        os.write(out, f"{child}\n".encode())
        os.close(tell)
        os.close(out)
        os.close(lifeline)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.close(tell)
    try:
        _furnish(wanted)
        failure = ""
    except OSError as error:
        failure = f"failed: {error}"
    os.read(told, 1)
    os.close(told)
    os.write(out, f"{failure or 'ready'}\n".encode())
    if failure:
        return 1
    os.close(out)
    _hold(lifeline)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
