"""Fill this network's connection table with real flows, say ``full``, and empty it when standard input closes.

Each flow is UDP over loopback that was answered and went on two seconds later: the kernel calls those assured, and
makes no room for others by dropping them (nf_conntrack's early_drop takes only what is not).
"""

from __future__ import annotations

import ipaddress
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pyroute2.netlink.nfnetlink.nfctsocket import NFCTSocket

NET = Path("/proc/sys/net/netfilter")
PKTINFO = 8  # IP_PKTINFO, linux/in.h
ASSURED_SECONDS = 2.2
FIRST = ipaddress.IPv4Address("127.1.0.0")


def take_what_is_free(caller: socket.socket, to: int, numbers: Iterator[int]) -> None:
    """The host's own short flows end: a place that one of them leaves is taken at once."""
    for number in numbers:
        try:
            caller.sendto(b"x", (str(FIRST + number), to))
        except OSError:
            return


def main() -> None:
    most = int((NET / "nf_conntrack_max").read_text())
    for name in ("udp_timeout", "udp_timeout_stream"):
        (NET / f"nf_conntrack_{name}").write_text("300")
    caller, called = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for one in (caller, called):
        one.bind(("127.0.0.1", 0) if one is caller else ("0.0.0.0", 0))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    to, back = called.getsockname()[1], caller.getsockname()[1]
    addresses = [(FIRST + number).packed for number in range(most + 64)]

    def call() -> None:
        for address in addresses:
            with suppress(OSError):  # the table has no room for this one
                caller.sendto(b"x", (socket.inet_ntoa(address), to))

    call()
    for address in addresses:
        info = struct.pack("=I4s4s", 0, address, address)
        with suppress(OSError):
            called.sendmsg([b"x"], [(socket.IPPROTO_IP, PKTINFO, info)], 0, ("127.0.0.1", back))
    time.sleep(ASSURED_SECONDS)
    call()
    entries = int((NET / "nf_conntrack_count").read_text())
    print("full" if entries >= 0.99 * most else f"{entries} of {most}", flush=True)
    later = iter(range(most + 64, 1 << 23))
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        take_what_is_free(caller, to, later)
    with NFCTSocket() as table:
        table.flush()


if __name__ == "__main__":
    main()
