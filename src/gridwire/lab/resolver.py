"""A DNS server that knows no name, and says so at once: what a host's resolver answers for a container's name.

    python resolver.py ADDRESS

Standard library alone. Without it lookups on a lab host wait for a server that is not there, seconds each.
"""

from __future__ import annotations

import socket
import sys

_HEADER = 12
_NXDOMAIN = b"\x81\x83"  # a response, recursion desired and available, no such name: RFC 1035 §4.1.1


def answer(query: bytes) -> bytes:
    """The question as it came, and no record."""
    return query[:2] + _NXDOMAIN + query[4:6] + bytes(6) + query[_HEADER:]


def main(argv: list[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((argv[1], 53))
        print("ready", flush=True)
        while True:
            query, asker = server.recvfrom(4096)
            if len(query) > _HEADER:
                server.sendto(answer(query), asker)


if __name__ == "__main__":
    main(sys.argv)
