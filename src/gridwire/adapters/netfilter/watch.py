"""Who changes packet rules or routing rules: the kernel says so at once, on two netlink sockets.

What was changed is not read here; the guard is observed again, which also sees what a lost message would hide.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from types import TracebackType

from gridwire.core.errors import Unavailable

_NETLINK_ROUTE, _NETLINK_NETFILTER = 0, 12  # linux/netlink.h
_NFNLGRP_NFTABLES = 7  # linux/netfilter/nfnetlink.h
_RTNLGRP_IPV4_RULE, _RTNLGRP_IPV6_RULE = 8, 19  # linux/rtnetlink.h
_BUFFER = 65536


class Changes:
    """Listens from the moment it is made, in the network namespace of the thread that makes it."""

    def __init__(self) -> None:
        """Raise Unavailable where the kernel lets nobody listen."""
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._sockets: list[socket.socket] = []
        try:
            self._listen(_NETLINK_NETFILTER, (_NFNLGRP_NFTABLES,))
            self._listen(_NETLINK_ROUTE, (_RTNLGRP_IPV4_RULE, _RTNLGRP_IPV6_RULE))
        except OSError as error:
            self.close()
            raise Unavailable(f"changes of the packet rules cannot be watched ({error})", fix="run as root") from error

    def wait(self, timeout: float | None) -> bool:
        """Block until something changed, at most ``timeout`` seconds; False after a timeout or ``wake``."""
        changed = False
        for key, _ in self._selector.select(timeout):
            if key.fd == self._woken:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, _BUFFER)
            else:
                changed = True
                self._drain(key.fileobj)
        return changed

    def wake(self) -> None:
        """Make a ``wait`` in another thread return."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"w")

    def close(self) -> None:
        self._selector.close()
        for each in self._sockets:
            each.close()
        os.close(self._woken)
        os.close(self._wake)

    def __enter__(self) -> Changes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self, protocol: int, groups: tuple[int, ...]) -> None:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        self._sockets.append(sock)
        sock.bind((0, sum(1 << (group - 1) for group in groups)))
        self._selector.register(sock, selectors.EVENT_READ)

    @staticmethod
    def _drain(sock: object) -> None:
        assert isinstance(sock, socket.socket)
        while True:
            try:
                sock.recv(_BUFFER)
            except BlockingIOError:
                return
            except OSError:  # ENOBUFS: more was said than the buffer holds, and that something changed is known
                continue
