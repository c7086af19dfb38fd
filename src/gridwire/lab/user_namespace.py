"""The lab without root: its driver becomes root of a user namespace (user_namespaces(7)) and of nothing else.

The user's subordinate ids (subuid(5)) become the other users of the lab's hosts, so that nginx and control can drop
to theirs; newuidmap(1) writes the mapping. Network and mounts are not unshared here: each host has its own, and the
driver, which stays on the real host's network, can still bind what `--serve` asks for.
"""

from __future__ import annotations

import errno
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gridwire.core.errors import NotPermitted
from gridwire.lab import holder
from gridwire.lab.host import USERS

IDS_WANTED = max(USERS.values())  # 1 and up to the highest of the lab's own users
_FIRST_FREE, _USUAL_COUNT = 100_000, 65_536  # SUB_UID_MIN and SUB_UID_COUNT of login.defs(5)
_TUN = Path("/dev/net/tun")
_SETTINGS = (  # of /proc/sys; the value that refuses; whose idea it is
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor"),
    ("kernel/unprivileged_userns_clone", "0", "the kernel"),
    ("user/max_user_namespaces", "0", "the kernel"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRange:
    """``count`` ids from ``first`` on, in the numbering of the real host."""

    first: int
    count: int

    def __str__(self) -> str:
        return f"{self.first}-{self.first + self.count - 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who asks, and what this host lets them do. ``free``: ids that nobody has yet, of users and groups alike.

    ``refused``: why no user namespace of use can be made; empty where it can.
    """

    user: str
    uid: int
    gid: int
    uids: tuple[IdRange, ...] = ()
    gids: tuple[IdRange, ...] = ()
    free: IdRange = IdRange(first=_FIRST_FREE, count=_USUAL_COUNT)
    mappers: bool = False
    tun: bool = False
    refused: str = ""

    @property
    def root(self) -> bool:
        return self.uid == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What keeps the lab from running without root; ``fix`` removes it, and is empty where only root helps."""

    what: str
    fix: str = ""


def obstacles(standing: Standing, *, tun: bool = True) -> tuple[Obstacle, ...]:
    """All of them, so that nobody meets one after the other. ``tun``: the hosts shall have mesh interfaces."""
    if standing.root:
        return ()
    if standing.refused:
        return (Obstacle(what=standing.refused),)
    found = []
    if not standing.mappers:
        found.append(Obstacle(what="newuidmap and newgidmap are not installed", fix="sudo apt install uidmap"))
    lacking = [name for name, ranges in (("uid", standing.uids), ("gid", standing.gids)) if _total(ranges) < IDS_WANTED]
    if lacking:
        files = " and ".join(f"/etc/sub{name}" for name in lacking)
        options = " ".join(f"--add-sub{name}s {standing.free}" for name in lacking)
        found.append(
            Obstacle(
                what=f"{files} give {standing.user} fewer than {IDS_WANTED} subordinate ids",
                fix=f"sudo usermod {options} {standing.user}",
            )
        )
    if tun and not standing.tun:
        found.append(Obstacle(what=f"{standing.user} may not write to {_TUN}", fix=f"sudo chmod 0666 {_TUN}"))
    return tuple(found)


def subordinate(text: str, *names: str) -> tuple[IdRange, ...]:
    """The ranges of subuid(5) text that belong to one of ``names``, which are a login name and the same as a number."""
    return tuple(IdRange(first=first, count=count) for name, first, count in _entries(text) if name in names)


def unused(*texts: str) -> IdRange:
    """The range after the highest that is given, as useradd would choose it."""
    after = (first + count for text in texts for _, first, count in _entries(text))
    return IdRange(first=max((_FIRST_FREE, *after)), count=_USUAL_COUNT)


def mapping(own: int, ranges: Sequence[IdRange]) -> list[str]:
    """newuidmap's arguments after the pid: ``own`` becomes 0, the ranges follow from 1 on without gaps."""
    arguments, inside = ["0", str(own), "1"], 1
    for one in ranges:
        arguments += [str(inside), str(one.first), str(one.count)]
        inside += one.count
    return arguments


def standing() -> Standing:
    """Look at this process's user and this host. Forks once, to try what the kernel allows."""
    uid = os.geteuid()
    user = str(uid)
    with suppress(KeyError):
        user = pwd.getpwuid(uid).pw_name
    if uid == 0:
        return Standing(user=user, uid=uid, gid=os.getegid())
    uids, gids = _text("/etc/subuid"), _text("/etc/subgid")
    return Standing(
        user=user,
        uid=uid,
        gid=os.getegid(),
        uids=subordinate(uids, user, str(uid)),
        gids=subordinate(gids, user, str(uid)),
        free=unused(uids, gids),
        mappers=all(shutil.which(program) for program in ("newuidmap", "newgidmap")),
        tun=os.access(_TUN, os.R_OK | os.W_OK),
        refused=_refusal(),
    )


def enter(standing: Standing) -> None:
    """Make this process, which must have one thread, root of a new user namespace; raise NotPermitted.

    Its pid, files, environment and terminal stay; so does its umask but for what would hide files from the hosts'
    other users.
    """
    asking, mapped = os.pipe(), os.pipe()
    mapper = os.fork()  # it stays outside, where newuidmap may write the mapping of this process
    if mapper == 0:
        _map_parent(standing, asking, mapped[1])
    os.close(mapped[1])
    try:
        holder.unshare(holder.CLONE_NEWUSER)
        os.write(asking[1], b"!")
    except OSError as error:
        raise NotPermitted(f"no user namespace can be made: {error.strerror}") from None
    finally:
        os.close(asking[0])
        os.close(asking[1])
        with os.fdopen(mapped[0]) as said:
            failure = " ".join(said.read().split())
        os.waitpid(mapper, 0)
    if failure:
        raise NotPermitted(f"the subordinate ids cannot be mapped: {failure}")
    os.umask(0o022)


def join(pid: int) -> None:
    """Enter the user namespace of ``pid``, which this process's user made; raise NotPermitted. One thread only."""
    theirs = Path(f"/proc/{pid}/ns/user")
    try:
        if theirs.readlink() == Path("/proc/self/ns/user").readlink():
            return
        fd = os.open(theirs, os.O_RDONLY)
        try:
            holder.setns(fd, holder.CLONE_NEWUSER)
        finally:
            os.close(fd)
    except OSError as error:
        raise NotPermitted(f"the user namespace of process {pid} cannot be entered: {error.strerror}") from None


def outer_uid() -> int:
    """This process's user as the real host numbers it: `enter` maps that one id to 0."""
    uid = os.geteuid()
    for line in _text("/proc/self/uid_map").splitlines():
        inside, outside, count = map(int, line.split())
        if (inside, count) == (uid, 1):
            return outside
    return uid


def _total(ranges: Sequence[IdRange]) -> int:
    return sum(one.count for one in ranges)


def _entries(text: str) -> list[tuple[str, int, int]]:
    matches = (re.fullmatch(r"([^:#]+):(\d+):(\d+)", line.strip()) for line in text.splitlines())
    return [(match[1], int(match[2]), int(match[3])) for match in matches if match]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _map_parent(standing: Standing, asking: tuple[int, int], said: int) -> None:
    """In the child: wait until the parent is in its namespace, map it, say what went wrong; never return."""
    try:
        os.close(asking[1])
        if os.read(asking[0], 1):
            parent = str(os.getppid())
            for program, own, ranges in (
                ("newgidmap", standing.gid, standing.gids),
                ("newuidmap", standing.uid, standing.uids),
            ):
                argv = [program, parent, *mapping(own, ranges)]
                done = subprocess.run(argv, capture_output=True, timeout=20, check=False)
                if done.returncode != 0:
                    os.write(said, done.stderr[:1000] or f"{program}: exit {done.returncode}".encode())
                    break
    except (OSError, subprocess.SubprocessError) as error:
        os.write(said, str(error).encode())
    finally:
        os._exit(0)


def _refusal() -> str:
    """Why this kernel gives no user namespace in which hosts can be made, tried in a child; empty where it does."""
    child = os.fork()
    if child == 0:
        number = 1
        try:
            holder.unshare(holder.CLONE_NEWUSER)
            holder.unshare(holder.CLONE_NEWNS | holder.CLONE_NEWNET)  # where AppArmor takes the capabilities away
            number = 0
        except OSError as error:
            number = error.errno or errno.EPERM
        finally:
            os._exit(number)
    number = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if number == 0:
        return ""
    for key, value, who in _SETTINGS:
        if _text(f"/proc/sys/{key}").strip() == value:
            return f"{who} refuses user namespaces to users other than root ({key.replace('/', '.')} is {value})"
    return f"this host refuses user namespaces ({os.strerror(number)}), as containers and chroots do"
