"""Links and addresses that come, go or change: the kernel says so at once (rtnetlink(7), RTMGRP_LINK).

wireguard-go that was killed and started again has lost key, address and peers; its agent hears of it here, and
not at its next heartbeat.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Callable

from gridwire.core.errors import Unavailable

_GROUPS = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
_SETTLE_SECONDS = 0.02  # one device makes several messages
_BUFFER = 65536


class LinkWatch:
    """Calls ``wake`` from a thread whenever a link or address changed, gridwire's own changes included.

    Listens from the moment it is made, in the network namespace of the thread that makes it.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """Raise Unavailable where the kernel lets nobody listen."""
        self._wake = wake
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        try:
            self._netlink.bind((0, _GROUPS))
        except OSError as error:
            self._netlink.close()
            raise Unavailable(f"changes of links cannot be watched ({error.strerror})", fix="run as root") from None
        self._ended, self._end = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="link-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.write(self._end, b"e")
        self._thread.join()
        self._netlink.close()
        os.close(self._ended)
        os.close(self._end)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._netlink, selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            while all(key.fd != self._ended for key, _ in selector.select()):
                self._drain()
                self._wake()
                if self._settle():
                    return

    def _settle(self) -> bool:
        """Wait a moment; whether the end was called meanwhile."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ended, selectors.EVENT_READ)
            return bool(selector.select(_SETTLE_SECONDS))

    def _drain(self) -> None:
        try:
            while self._netlink.recv(_BUFFER):
                pass
        except BlockingIOError:
            return
        except OSError:
            return  # ENOBUFS: messages were lost, which says as well that something changed
