"""System users by useradd(8), which is in a minimal image; adduser is not."""

from __future__ import annotations

import pwd
import shutil
import subprocess

from gridwire.core.errors import Unavailable

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def make_user(name: str, *, home: str) -> bool:
    """A system user with a group of its own, no password and no shell; whether it had to be made.

    Raise Unavailable where useradd is missing or refuses.
    """
    if user_exists(name):
        return False
    useradd = shutil.which("useradd", path=_PATH)
    if useradd is None:
        raise Unavailable("useradd is missing", fix="apt install passwd")
    options = ("--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin")
    done = subprocess.run([useradd, *options, name], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0 and not user_exists(name):
        raise Unavailable(f"useradd refused to make the user {name}: {' '.join(done.stderr.split())}")
    return True


def remove_user(name: str) -> None:
    """The user and its own group; files of theirs are the caller's. Raise Unavailable where userdel refuses."""
    userdel = shutil.which("userdel", path=_PATH)
    if userdel is None:
        raise Unavailable("userdel is missing", fix="apt install passwd")
    done = subprocess.run([userdel, name], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0 and user_exists(name):
        raise Unavailable(f"userdel refused to remove {name}: {' '.join(done.stderr.split())}")
