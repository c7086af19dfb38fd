"""Single checks, on asyncio streams: of a service beside us, and of an endpoint through the mesh.

A check never raises for what it finds; it says whether it passed, why not, and whether the path itself failed.
"""

from __future__ import annotations

import asyncio
import errno
from contextlib import suppress
from dataclasses import dataclass

from gridwire.core.addressing import Address
from gridwire.core.health import HealthCheck
from gridwire.core.names import ServiceName
from gridwire.core.targets import Target, UnixTarget

CHECK_PATH = "/.gridwire/check"
SERVICE_HEADER = "X-Gridwire-Service"

_LONGEST_HEAD = 16 * 1024
_LONGEST_BODY = 64 * 1024
_LONGEST_LENGTH = 10  # digits of Content-Length
# What the network says where the tunnel or the host at its other end is gone; a refusal comes from a live host.
_NO_PATH = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True)
class Result:
    """``no_path``: no connection came about, so nothing is known of the service itself.

    ``silent``: nothing at all came back, as from a host that is dead, or one that is too busy.
    """

    passed: bool
    reason: str = ""
    no_path: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    reason: str
    body: int | None  # bytes; none: until the connection ends
    keep: bool


class _Malformed(Exception):
    """The other end does not speak HTTP/1."""


async def check_target(target: Target, check: HealthCheck) -> Result:
    """The service itself, from the edge that it runs on, on a connection of its own."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(check.timeout_ms / 1000):
            if isinstance(target, UnixTarget):
                reader, writer = await asyncio.open_unix_connection(target.path, limit=_LONGEST_HEAD)
                host = "localhost"
            else:
                reader, writer = await asyncio.open_connection(str(target.address), target.port, limit=_LONGEST_HEAD)
                host = str(target)
            if check.kind == "tcp":
                return Result(True)
            writer.write(_request(check.path, host, "Connection: close"))
            head = await _read_head(reader)
            if head.status == check.status:
                return Result(True)
            return Result(False, f"answered {head.status}, not {check.status}")
    except TimeoutError:
        return Result(False, f"no answer within {check.timeout_ms} ms")
    except _Malformed:
        return Result(False, "does not answer in HTTP")
    except OSError as error:
        return Result(False, _said(error))
    finally:
        if writer is not None:
            writer.close()


class EndpointCheck:
    """An endpoint as the gateway sees it: its edge's listener is asked, over a connection that is kept."""

    def __init__(self, address: Address, port: int, service: ServiceName, check: HealthCheck) -> None:
        self._address = address
        self._port = port
        self._service = service
        self._check = check
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> Result:
        if self._streams is not None:
            result = await self._ask_kept()
            if result is not None:
                return result
        return await self._ask_anew()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask_kept(self) -> Result | None:
        """None where the kept connection was over: that says nothing of the endpoint."""
        try:
            async with asyncio.timeout(self._check.timeout_ms / 1000):
                return await self._exchange()
        except TimeoutError:
            self.close()
            return Result(False, f"no answer within {self._check.timeout_ms} ms", silent=True)
        except (OSError, RuntimeError, _Malformed):  # RuntimeError: uvloop's, for a transport that was closed
            self.close()
            return None

    async def _ask_anew(self) -> Result:
        seconds = self._check.timeout_ms / 1000
        try:
            async with asyncio.timeout(seconds):
                self._streams = await asyncio.open_connection(str(self._address), self._port, limit=_LONGEST_HEAD)
        except TimeoutError:
            return Result(False, f"no connection within {self._check.timeout_ms} ms", no_path=True, silent=True)
        except OSError as error:
            lost = error.errno in _NO_PATH
            return Result(False, _said(error), no_path=lost, silent=lost)
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange()
        except TimeoutError:
            self.close()
            return Result(False, f"no answer within {self._check.timeout_ms} ms", silent=True)
        except (OSError, _Malformed) as error:
            self.close()
            return Result(False, _said(error) if isinstance(error, OSError) else "its edge does not answer in HTTP")
        except BaseException:
            self.close()
            raise

    async def _exchange(self) -> Result:
        assert self._streams is not None
        reader, writer = self._streams
        host = f"[{self._address}]" if self._address.version == 6 else str(self._address)
        writer.write(_request(CHECK_PATH, host, f"{SERVICE_HEADER}: {self._service}"))
        head = await _read_head(reader)
        if head.body is None or not head.keep or head.body > _LONGEST_BODY:
            self.close()
        elif head.body:
            with suppress(asyncio.IncompleteReadError):
                await reader.readexactly(head.body)
        if head.status == 200:
            return Result(True)
        return Result(False, head.reason or f"its edge answered {head.status}")


def _request(path: str, host: str, header: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: gridwire-check\r\n{header}\r\n\r\n".encode()


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    """Raise OSError where the connection ends before an answer, _Malformed where it is none of HTTP/1."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise _Malformed from None
        raise ConnectionResetError(errno.ECONNRESET, "closed without an answer") from None
    except asyncio.LimitOverrunError:
        raise _Malformed from None
    version, _, rest = lines[0].partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        raise _Malformed
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip().decode("latin-1")
    length = fields.get(b"content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) <= _LONGEST_LENGTH):  # "²" is a digit
        length = ""
    keep = version == b"HTTP/1.1" and fields.get(b"connection", "").lower() != "close"
    reason = "".join(c for c in fields.get(b"x-gridwire-reason", "") if c.isprintable())[:80]
    return _Head(int(status), reason, int(length) if length else None, keep)


def _said(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, FileNotFoundError):
        return "there is no such socket"
    return (error.strerror or str(error) or type(error).__name__).lower()
