"""wireguard-go's UDP sockets: how much they hold while it does not come to read them.

Until 2023 wireguard-go left them at the kernel's default, net.core.rmem_default, 208 KiB: 90 packets of 1.5 kB. On a
busy host a burst overruns that, and the TCP within the tunnel sends again: measured, nearly a packet in five, and a
third of the CPU time of a megabyte. The setting is the whole host's, so the sockets are set, and nothing else's.

As a script, with the standard library alone: `buffers.py PID` stays with a wireguard-go that starts, in its own unit
and with its own rights, until its sockets are opened, wide, and not opened anew for a while.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import sys
from collections.abc import Iterator

RECEIVE_BYTES = 2 << 20  # The kernel doubles it for its own bookkeeping (socket(7)): 1,800 packets of 1.5 kB
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; past net.core.rmem_max, with CAP_NET_ADMIN
_PIDFD_GETFD = 438  # on every architecture
_LOOK_SECONDS, _LOOKS = 1.0, 30  # it opens its sockets anew when it is given a port and when the device comes up


def widen(pid: int) -> bool | None:
    """Let the UDP sockets of a process hold RECEIVE_BYTES; one that holds more is let be. Whether one held less; None
    where it has no such socket.

    Raise OSError where that is not allowed: a container without CAP_SYS_PTRACE, the agent's unit of systemd.
    """
    found = None
    for one in udp_sockets(pid):
        with one:
            narrow = one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < 2 * RECEIVE_BYTES
            if narrow:
                hold(one, RECEIVE_BYTES)
            found = found or narrow
    return found


def hold(one: socket.socket, size: int) -> None:
    """Let a socket hold ``size`` bytes, past the host's limit; raise OSError without CAP_NET_ADMIN."""
    one.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)


def udp_sockets(pid: int) -> Iterator[socket.socket]:
    """The very sockets of another process, by pidfd_getfd(2); raise OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for entry in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208  # pathlib costs the script 3 MB
            if not os.readlink(f"/proc/{pid}/fd/{entry}").startswith("socket:"):  # noqa: PTH115
                continue
            descriptor = libc.syscall(_PIDFD_GETFD, process, int(entry), 0)
            if descriptor < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            found = socket.socket(fileno=descriptor)
            if found.type == socket.SOCK_DGRAM and found.family in (socket.AF_INET, socket.AF_INET6):
                yield found
            else:
                found.close()
    finally:
        os.close(process)


def stay_with(pid: int) -> None:
    """In a process of its own, nobody's child: widen ``pid``'s sockets as soon as it has some; it ends with it.

    Between two forks, so that wireguard-go, which this process becomes and which waits for no children, has none.
    """
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    try:
        if os.fork() == 0:
            os.setsid()
            quiet = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(quiet, standard)
            os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, str(pid)])  # noqa: S606  # argv as it stands
    finally:
        os._exit(0)


def _watch(pid: int) -> None:
    process = os.pidfd_open(pid)
    quiet = 0
    while quiet < _LOOKS and not select.select([process], [], [], _LOOK_SECONDS)[0]:
        quiet = quiet + 1 if widen(pid) is False else 0


if __name__ == "__main__":
    try:
        _watch(int(sys.argv[1]))
    except OSError:
        sys.exit(1)  # not allowed here, or it ended meanwhile: slower, and no reason to fail
