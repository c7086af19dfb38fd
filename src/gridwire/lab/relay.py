"""A door from the real host into a lab: a listening socket bound outside, relayed from inside a lab host.

The socket was bound before this process entered the host's namespaces, so it still listens where it was bound.

    python -m gridwire.lab.relay FD ADDRESS:PORT | unix:PATH
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from ipaddress import ip_address

from gridwire.core.errors import GridwireError, Invalid, Unavailable

_CHUNK = 65_536


def bound(where: str) -> socket.socket:
    """``address:port`` → a listening socket; raise Invalid for a bad or public one, Unavailable where it is taken."""
    address, _, port = where.rpartition(":")
    fix = "write 127.0.0.1:8080"
    try:
        parsed = ip_address(address.strip("[]"))
        number = int(port)
    except ValueError:
        raise Invalid("--serve", f"{where[:60]!r} is not address:port", fix=fix) from None
    if not parsed.is_loopback:
        raise Invalid("--serve", f"{parsed} is not a loopback address; the demo opens nothing to others", fix=fix)
    if not 0 <= number <= 65535:
        raise Invalid("--serve", f"{number} is not a port", fix=fix)
    listener = socket.socket(socket.AF_INET6 if parsed.version == 6 else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((str(parsed), number))
    except OSError as error:
        listener.close()
        raise Unavailable(f"cannot listen on {where}: {error.strerror}", fix="give another port") from None
    listener.listen(128)
    return listener


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def after(listener: socket.socket) -> socket.socket:
    """Another one at the next port of the same address, or at any where that is the last or taken."""
    address, port = listener.getsockname()[:2]
    host = f"[{address}]" if listener.family == socket.AF_INET6 else str(address)
    try:
        return bound(f"{host}:{port + 1}")
    except GridwireError:
        return bound(f"{host}:0")


async def _connected(target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if target.startswith("unix:"):
        return await asyncio.open_unix_connection(target.removeprefix("unix:"))
    address, _, port = target.rpartition(":")
    return await asyncio.open_connection(address.strip("[]"), int(port))


async def serve(listener: socket.socket, target: str) -> None:
    """Relay every connection to ``target``, ``address:port`` or ``unix:path``, until cancelled."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.wait_for(_connected(target), 5)
        except (OSError, TimeoutError):
            writer.close()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        for end in (far_writer, writer):
            end.close()

    server = await asyncio.start_server(relay, sock=listener)
    async with server:
        await server.serve_forever()


def main(argv: list[str]) -> int:
    listener = socket.socket(fileno=int(argv[1]))
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(listener, argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
