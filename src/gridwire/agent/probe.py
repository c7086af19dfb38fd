"""Single checks, on asyncio streams: an edge's nginx is asked to check its application, by a gateway through the mesh,
by the edge's own agent through the door.

Both get the same check, made with the rights of the traffic: an agent is root, could open sockets that nginx may not,
Docker's behind a link that somebody else may set, and would send requests of control's choosing there.

A check never raises for what it finds; it says whether it passed, why not, and whether the path itself failed.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from gridwire.core.addressing import Address
from gridwire.core.health import HealthCheck
from gridwire.core.names import ServiceName

CHECK_PATH = "/.gridwire/check"
DOOR_PATH = "/check"
SERVICE_HEADER = "X-Gridwire-Service"

_LONGEST_HEAD = 16 * 1024
_LONGEST_BODY = 64 * 1024
_LONGEST_LENGTH = 10  # digits of Content-Length
# What the network says where the tunnel or the host at its other end is gone; a refusal comes from a live host.
_NO_PATH = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT, errno.EADDRNOTAVAIL})
# What the door says while nginx does not run: nobody can tell then whether the application does.
_NO_NGINX = frozenset({errno.ENOENT, errno.ECONNREFUSED})
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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


def through_mesh(address: Address, port: int, service: ServiceName, check: HealthCheck) -> EndpointCheck:
    """An endpoint as the gateway sees it: its edge's listener is asked."""

    async def connect() -> _Streams:
        return await asyncio.open_connection(str(address), port, limit=_LONGEST_HEAD)

    host = f"[{address}]" if address.version == 6 else str(address)
    return EndpointCheck(connect, _request(CHECK_PATH, host, service), check, _NO_PATH)


class OwnCheck:
    """A service of this edge, asked of the nginx beside us through its ``door``, the path of a socket."""

    def __init__(self, door: str, service: ServiceName, check: HealthCheck) -> None:
        async def connect() -> _Streams:
            return await asyncio.open_unix_connection(door, limit=_LONGEST_HEAD)

        self._nginx = EndpointCheck(connect, _request(DOOR_PATH, "nginx", service), check, _NO_NGINX)

    async def ask(self) -> Result:
        result = await self._nginx.ask()
        if result.no_path:
            return replace(result, reason=f"nginx does not run here ({result.reason})")
        if result.reason == "unknown-service":  # the spec is on its way to nginx
            return Result(False, "nginx does not serve it yet", no_path=True)
        return result

    def close(self) -> None:
        self._nginx.close()


class EndpointCheck:
    """Asks over a connection that is kept. ``lost``: the errors of ``connect`` that say nothing of the endpoint."""

    def __init__(
        self, connect: Callable[[], Awaitable[_Streams]], request: bytes, check: HealthCheck, lost: frozenset[int]
    ) -> None:
        self._connect = connect
        self._request = request
        self._check = check
        self._lost = lost
        self._streams: _Streams | None = None

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
                self._streams = await self._connect()
        except TimeoutError:
            return Result(False, f"no connection within {self._check.timeout_ms} ms", no_path=True, silent=True)
        except OSError as error:
            lost = error.errno in self._lost
            return Result(False, _said(error), no_path=lost, silent=lost and error.errno in _NO_PATH)
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
        writer.write(self._request)
        head = await _read_head(reader)
        if head.body is None or not head.keep or head.body > _LONGEST_BODY:
            self.close()
        elif head.body:
            with suppress(asyncio.IncompleteReadError):
                await reader.readexactly(head.body)
        if head.status == 200:
            return Result(True)
        return Result(False, head.reason or f"its edge answered {head.status}")


def _request(path: str, host: str, service: ServiceName) -> bytes:
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}", "User-Agent: gridwire-check", f"{SERVICE_HEADER}: {service}")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


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
