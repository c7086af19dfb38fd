"""Run as a file of its own by config_test, inside `unshare --net --mount`: make ready, become the user, exec nginx -t.

argv: UID GID COVER[:COVER…] BINARY CONFIG. Standard library only, and little of it: this starts in 20 ms.
In the new network namespace no mesh address exists, and the user may bind no low port; both are allowed there.
Every directory in COVER is hidden under an empty tmpfs of the user's: nginx -t opens logs, sockets and its pid file.
"""

import errno
import os
import subprocess
import sys

_SYSCTLS = (
    ("/proc/sys/net/ipv4/ip_nonlocal_bind", "1"),
    ("/proc/sys/net/ipv6/ip_nonlocal_bind", "1"),
    ("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"),
)


def _set(path: str, value: str) -> None:
    """In a container /proc/sys is read-only; in this mount namespace, which ends with the test, it need not be."""
    for again in (True, False):
        try:
            with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(value)
        except OSError as error:
            if error.errno != errno.EROFS or not again:
                raise
            subprocess.run(["mount", "-o", "remount,bind,rw", "/proc/sys"], check=True)
        else:
            return


def main() -> None:
    uid, gid, covers, binary, config = sys.argv[1:]
    for path, value in _SYSCTLS:
        if os.path.exists(path):  # noqa: PTH110
            _set(path, value)
    text = open(config, "rb").read()  # noqa: PTH123, SIM115
    for cover in covers.split(":"):
        options = f"mode=0700,uid={uid},gid={gid}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "gridwire-test", cover], check=True)
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
    # Made as the user itself: giving them away, or writing in another's directory, would want two more capabilities.
    for cover in covers.split(":"):
        for inner in ("temp", "door"):
            os.makedirs(f"{cover}/{inner}", mode=0o755, exist_ok=True)  # noqa: PTH103
    candidate = f"{covers.split(':')[0]}/candidate.conf"
    with open(candidate, "wb") as file:  # noqa: PTH123
        file.write(text)
    os.execv(binary, [binary, "-t", "-q", "-c", candidate])  # noqa: S606


if __name__ == "__main__":
    main()
