"""wireguard-go's UDP sockets: how much they hold while it does not come to read them.

Until 2023 wireguard-go left them at the kernel's default, net.core.rmem_default, 208 KiB: 90 packets of 1.5 kB. On a
busy host a burst overruns that, and the TCP within the tunnel sends again: measured, a packet in five, and a third of
the CPU time of a megabyte. The setting is the whole host's, so the sockets are set, and nothing else's.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from gridwire.adapters.wireguard.uapi import serving_pid

RECEIVE_BYTES = 2 << 20  # The kernel doubles it for its own bookkeeping (socket(7)): 1,800 packets of 1.5 kB
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; past net.core.rmem_max, with CAP_NET_ADMIN
_PIDFD_GETFD = 438  # on every architecture


def widen_buffers(interface: str) -> None:
    """Let the UDP sockets of the process that serves ``interface`` hold RECEIVE_BYTES; one that holds more is let be.

    Where that is not allowed (a container without CAP_SYS_PTRACE, the agent's unit of systemd), or its process is
    another container's, they stay as they are: slower, and no reason to fail.
    """
    pid = serving_pid(interface)
    if not pid:  # 0: of another process namespace
        return
    with suppress(OSError):
        for one in udp_sockets(pid):
            with closing(one):
                if one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < 2 * RECEIVE_BYTES:
                    hold(one, RECEIVE_BYTES)


def hold(one: socket.socket, size: int) -> None:
    """Let a socket hold ``size`` bytes, past the host's limit; raise OSError without CAP_NET_ADMIN."""
    one.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)


def udp_sockets(pid: int) -> Iterator[socket.socket]:
    """The very sockets of another process, by pidfd_getfd(2); raise OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if not str(entry.readlink()).startswith("socket:"):
                continue
            descriptor = libc.syscall(_PIDFD_GETFD, process, int(entry.name), 0)
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
