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
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pyroute2.netlink.nfnetlink.nfctsocket import NFCTSocket

NET = Path("/proc/sys/net/netfilter")
PKTINFO = 8  # IP_PKTINFO, linux/in.h
ASSURED_SECONDS = 2.2
FIRST = ipaddress.IPv4Address("127.1.0.0")


class Flows:
    """UDP over loopback, a flow for each number: ``caller`` to an address of 127.0.0.0/8, where ``called`` answers."""

    def __init__(self) -> None:
        self.caller, self.called = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.caller.bind(("127.0.0.1", 0))
        self.called.bind(("0.0.0.0", 0))
        for one in (self.caller, self.called):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._to, self._back = self.called.getsockname()[1], self.caller.getsockname()[1]

    def call(self, number: int) -> bool:
        """False where the table has no room for it."""
        try:
            self.caller.sendto(b"x", (str(FIRST + number), self._to))
        except OSError:
            return False
        return True

    def answer(self, number: int) -> None:
        info = struct.pack("=I4s4s", 0, (FIRST + number).packed, (FIRST + number).packed)
        with suppress(OSError):
            self.called.sendmsg([b"x"], [(socket.IPPROTO_IP, PKTINFO, info)], 0, ("127.0.0.1", self._back))


def stay_full(flows: Flows, numbers: Iterator[int]) -> None:
    """Until standard input closes. The host's own short flows end: a place that one of them leaves is taken at once,
    by a flow that is made to stay like the others."""
    young: deque[tuple[float, int]] = deque()
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        for number in numbers:
            if not flows.call(number):
                break
            flows.answer(number)
            young.append((time.monotonic(), number))
        while young and time.monotonic() - young[0][0] > ASSURED_SECONDS:
            flows.call(young.popleft()[1])


def main() -> None:
    most = int((NET / "nf_conntrack_max").read_text())
    for name in ("udp_timeout", "udp_timeout_stream"):
        (NET / f"nf_conntrack_{name}").write_text("300")
    flows, numbers = Flows(), range(most + 64)
    for number in numbers:
        flows.call(number)
    for number in numbers:
        flows.answer(number)
    time.sleep(ASSURED_SECONDS)
    for number in numbers:
        flows.call(number)
    entries = int((NET / "nf_conntrack_count").read_text())
    print("full" if entries >= 0.99 * most else f"{entries} of {most}", flush=True)
    stay_full(flows, iter(range(most + 64, 1 << 23)))
    with NFCTSocket() as table:
        table.flush()


if __name__ == "__main__":
    main()
