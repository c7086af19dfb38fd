"""Run as root in a mount namespace of its own: this machine as a user sees it who has subordinate ids.

    unshare --mount -- unprivileged_machine.py '{"name": …, "uid": …, "subordinate": 3000000, "opened": [directory, …]}'

It makes a user with 65,536 subordinate ids, a /dev/net/tun that everybody may write to, directories on the way to
this installation that everybody may pass, and a home, /mnt, closed to others, where this environment is too, as
/mnt/venv. The real machine sees none of it. It prints ``ready`` and stays until its stdin closes.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

from gridwire.lab import holder

_BIND = 4096  # MS_BIND of sys/mount.h


def cover(path: str, text: str) -> None:
    """Put a file of this text over ``path``."""
    own = Path("/run/machine", Path(path).name)
    own.write_text(text)
    own.chmod(0o644)
    holder.mount(str(own), path, "none", _BIND)


def main(wanted: dict[str, object]) -> None:
    os.umask(0o022)
    name, uid, first = wanted["name"], wanted["uid"], wanted["subordinate"]
    holder.mount("tmpfs", "/run", "tmpfs", 0, "mode=0755")
    for number, directory in enumerate(wanted["opened"]):
        holder.open_to_all(directory, number)
    Path("/run/machine").mkdir()
    cover("/etc/passwd", Path("/etc/passwd").read_text() + f"{name}:x:{uid}:{uid}::/mnt:/bin/sh\n")
    cover("/etc/group", Path("/etc/group").read_text() + f"{name}:x:{uid}:\n")
    for file in ("/etc/subuid", "/etc/subgid"):
        cover(file, f"{name}:{first}:65536\n")
    os.mknod("/run/machine/tun", stat.S_IFCHR | 0o666, os.makedev(10, 200))
    Path("/run/machine/tun").chmod(0o666)
    holder.mount("/run/machine/tun", "/dev/net/tun", "none", _BIND)
    runtime = Path("/run/user", str(uid))
    runtime.mkdir(parents=True, mode=0o755)
    runtime.chmod(0o700)
    os.chown(runtime, uid, uid)
    holder.mount("tmpfs", "/mnt", "tmpfs", 0, f"mode=0700,uid={uid},gid={uid}")
    Path("/mnt/venv").mkdir()
    holder.mount(sys.prefix, "/mnt/venv", "none", _BIND)
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
