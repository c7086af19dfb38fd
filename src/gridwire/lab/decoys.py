"""What a scan must find where nothing guards a host, and a count of what arrives there: so that a scan that finds
nothing says something.

    python -m gridwire.lab.decoys --tcp 127.0.0.1:1000 --udp 0.0.0.0:1001

It prints ``ready``, listens until its standard input closes, then prints the UDP datagrams that arrived, by source.
UDP is never answered: a receiver on a wildcard address must not look like an open port.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import sys
from collections import Counter
from collections.abc import Sequence

from gridwire.lab.host import Host
from gridwire.lab.lookout import Lookout

_BUFFER_BYTES = 8 << 20


class Decoys(Lookout):
    """Decoys on a lab host, from ``with`` to the end of it. ``tcp``, ``udp``: address:port each."""

    def __init__(self, host: Host, *, tcp: Sequence[str] = (), udp: Sequence[str] = ()) -> None:
        wanted = [(kind, where) for kind, wheres in (("--tcp", tcp), ("--udp", udp)) for where in wheres]
        super().__init__(host, __name__, [word for pair in wanted for word in pair])

    def __enter__(self) -> Decoys:
        return self

    def end(self) -> dict[str, int]:
        """Datagrams by source address."""
        counts: dict[str, int] = super().end()
        return counts


def _bound(where: str, kind: int) -> socket.socket:
    address, _, port = where.rpartition(":")
    family = socket.AF_INET6 if "[" in address else socket.AF_INET
    bound = socket.socket(family, kind)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bound.bind((address.strip("[]"), int(port)))
    if kind == socket.SOCK_STREAM:
        bound.listen(64)
    else:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    bound.setblocking(False)
    return bound


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gridwire.lab.decoys", description="Something for a scan to find.")
    parser.add_argument("--tcp", action="append", default=[])
    parser.add_argument("--udp", action="append", default=[])
    given = parser.parse_args(argv)
    listening = [_bound(where, socket.SOCK_STREAM) for where in given.tcp]  # the kernel alone answers a SYN
    arrived: Counter[str] = Counter()
    with selectors.DefaultSelector() as selector:
        for where in given.udp:
            selector.register(_bound(where, socket.SOCK_DGRAM), selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        ending = False
        while not ending:
            for key, _ in selector.select():
                if isinstance(key.fileobj, socket.socket):
                    arrived[key.fileobj.recvfrom(2048)[1][0]] += 1
                else:
                    ending = not sys.stdin.read(1)
    for one in listening:
        one.close()
    print(json.dumps(arrived))
    return 0


if __name__ == "__main__":
    sys.exit(main())
