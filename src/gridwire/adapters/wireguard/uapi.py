"""wireguard-go's control socket: who serves a device, and until when.

It lies in /var/run/wireguard for every network namespace of a mount namespace (wg(8) looks there and nowhere
else), so interface names must be unique among the hosts that share a /run.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

SOCKETS = Path("/var/run/wireguard")
_UCRED = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED


def socket_path(interface: str) -> Path:
    return SOCKETS / f"{interface}.sock"


def serving_pid(interface: str) -> int | None:
    """The process that listens on the device's socket, or none. One that daemonised shows its dead parent's id."""
    connection = _connect(interface)
    if connection is None:
        return None
    with connection:
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(raw)[0])


def wait_until_unserved(interface: str) -> None:
    """Return when nobody serves the device: an idle connection ends with its server, without polling."""
    while (connection := _connect(interface)) is not None:
        with connection:
            try:
                connection.recv(1)
            except ConnectionResetError:
                return


def _connect(interface: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(socket_path(interface)))
    except OSError:  # no socket, or a stale one
        connection.close()
        return None
    return connection
