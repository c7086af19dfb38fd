"""`gridwire mesh run`: a process that is the device, for a supervisor to keep alive."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

from gridwire.adapters.wireguard.binary import ENVIRONMENT, TUN, check_tun, find_binary, version_of
from gridwire.adapters.wireguard.buffers import stay_with
from gridwire.adapters.wireguard.uapi import serving_pid, socket_path, wait_until_unserved
from gridwire.core.errors import Conflict, Unavailable

_GONE_SECONDS = 5.0


def exec_device(interface: str, binary: str | None = None, *, tun: Path = TUN) -> NoReturn:
    """Become wireguard-go in the foreground; where the kernel has WireGuard, make the device and stay.

    Waits for /dev/net/tun, and while another process serves the device (one that `gridwire join` started).
    Raise Unavailable where there is no wireguard-go, Conflict where the interface is somebody else's.
    """
    if not socket_path(interface).exists():
        _stay_with_the_kernels(interface)
    # Else wireguard-go served it since the host started, since there is no WireGuard in the kernel. Not asked again:
    # the library for netlink takes 0.12 s to load, a third of what a killed tunnel is away.
    path = find_binary(binary)
    _say(f"{interface}: {version_of(path)} ({path})")
    _await_tun(tun)
    if serving_pid(interface) is not None:
        _say(f"{interface} is served by process {serving_pid(interface)}; waiting for its end")
        wait_until_unserved(interface)
    _await_no_link(interface)
    socket_path(interface).unlink(missing_ok=True)
    stay_with(os.getpid())
    os.execve(path, [path, "-f", interface], ENVIRONMENT)  # noqa: S606  # no shell: argv as it stands


def _stay_with_the_kernels(interface: str) -> None:
    """Return where the kernel has no WireGuard; else never."""
    from gridwire.adapters.wireguard.kernel import KernelBackend, kernel_has_wireguard
    from gridwire.adapters.wireguard.wg import find_wg

    if kernel_has_wireguard():
        KernelBackend(find_wg()).start(interface)
        while True:
            signal.pause()  # SIGTERM ends this process; the kernel's device stays, and is adopted next time


def _await_tun(tun: Path) -> None:
    told = False
    while True:
        try:
            check_tun(tun)
        except Unavailable as error:
            if not told:
                _say(str(error))
                told = True
            time.sleep(0.5)
        else:
            return


def _await_no_link(interface: str) -> None:
    """A killed wireguard-go's link goes a moment after its socket."""
    deadline = time.monotonic() + _GONE_SECONDS
    while _exists(interface):
        if time.monotonic() > deadline:
            raise Conflict(
                f"{interface} exists, and no wireguard-go serves it",
                fix=f"see `ip -d link show {interface}`; remove it, or name another (network.interface)",
                code="interface-taken",
            )
        time.sleep(0.005)


def _exists(interface: str) -> bool:
    try:
        socket.if_nametoindex(interface)
    except OSError:
        return False
    return True


def _say(text: str) -> None:
    print(f"gridwire mesh: {text}", file=sys.stderr, flush=True)
