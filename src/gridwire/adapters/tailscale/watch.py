"""Changes of the tailnet as tailscaled tells them: GET watch-ipn-bus, a line of JSON for each.

What changed is not read from the line: whoever is woken looks at all of it. But a look costs 60 ms of CPU, and peers
of a large tailnet report new endpoints all the time, so those come as patches, which wake nobody. A tailscaled that is
away is asked for again and again, and its coming back is a change.
"""

from __future__ import annotations

import socket as sockets
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException

from gridwire.adapters.tailscale.answers import concerns
from gridwire.adapters.tailscale.local_api import UnixConnection
from gridwire.core.tailnet import SOCKET

# ipn/backend.go of tailscale: the state at once, then also peers that come, go or change, and patches of the rest.
# Older ones, which do not know the last two, send whole network maps.
_INITIAL_STATE, _PEER_CHANGES, _PEER_PATCHES = 1 << 1, 1 << 12, 1 << 15
_MASK = _INITIAL_STATE | _PEER_CHANGES | _PEER_PATCHES
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_SETTLE_SECONDS = 0.2  # a login makes a dozen lines
_JOIN_SECONDS = 1.0
_BEATS = 60.0  # seconds without a line, then it is asked anew: a dead connection must not go unnoticed for ever


class TailnetWatch:
    """Calls ``wake`` from a thread whenever tailscaled, this node or a peer changed; ``close`` ends it."""

    def __init__(self, wake: Callable[[], None], socket: str = SOCKET) -> None:
        self._wake = wake
        self._socket = socket
        self._ending = threading.Event()
        self._connection: UnixConnection | None = None
        self._thread = threading.Thread(target=self._run, name="tailnet-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(sockets.SHUT_RDWR)  # ends the read that the thread waits in
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._ending.is_set():
            with suppress(OSError, HTTPException):
                pause = self._follow(pause)
            if not self._ending.is_set():
                self._wake()  # it went away, or never was there
                self._ending.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _follow(self, pause: float) -> float:
        """Until the stream ends; the pause after it."""
        self._connection = UnixConnection(self._socket, timeout=_BEATS)
        try:
            self._connection.request("GET", f"/localapi/v0/watch-ipn-bus?mask={_MASK}")
            answer = self._connection.getresponse()
            if answer.status != HTTPStatus.OK:
                return pause
            while (line := answer.readline()) and not self._ending.is_set():
                if concerns(line):
                    self._wake()
                    self._ending.wait(_SETTLE_SECONDS)
        finally:
            self._connection.close()
        return _FIRST_PAUSE
