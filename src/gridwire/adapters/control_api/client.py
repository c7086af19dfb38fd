"""The two clients of control's API, over its Unix socket or through the mesh; they share table, parsing and errors.

Neither follows redirects, takes proxies from the environment or reads more than 64 MiB.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from gridwire.adapters.control_api.calls import Answer, Call, Method, conditions, describe, dump, parse
from gridwire.adapters.control_api.problems import problem
from gridwire.core.errors import GridwireError, NotPermitted, Unavailable
from gridwire.version import __version__

T = TypeVar("T")

LARGEST_ANSWER = 64 << 20
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_AWAY = frozenset({502, 503})


class Away(Unavailable):
    """Control is not there; ``sent``: the request may have reached it. ``silent``: its port did not even refuse."""

    def __init__(
        self, what: str, *, sent: bool, silent: bool = False, fix: str = "", code: str = "control-away"
    ) -> None:
        super().__init__(what, fix=fix, code=code)
        self.sent = sent
        self.silent = silent


def _place(base: str) -> tuple[str, str | None]:
    """base → (URL, path of the Unix socket or none)."""
    return ("http://control", base[5:]) if base.startswith("unix:") else (base, None)


def _headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"User-Agent": f"gridwire/{__version__}", "Accept": "application/json", **(headers or {})}


def _timeout(call: Call[Any]) -> httpx2.Timeout:
    return httpx2.Timeout(call.timeout, connect=min(3.0, call.timeout))


def _failure(base: str, call: Call[Any], error: httpx2.HTTPError) -> GridwireError:
    if _refused_by_kernel(error):
        return NotPermitted(f"{base.removeprefix('unix:')} is for root alone", fix="run the same command with sudo")
    # A connect timeout is not "sent"; neither is a refused connection.
    unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    if base.startswith("unix:") and unsent:
        fix = "is `gridwire control` running? `gridwire up` runs it on a gateway"
    else:
        fix = "" if base.startswith("unix:") else "is the tunnel up? `gridwire status` on this node says"
    how = "does not answer" if unsent or isinstance(error, httpx2.TimeoutException) else "broke the connection off"
    silent = isinstance(error, httpx2.ConnectTimeout)
    return Away(f"control {how} at {base} ({describe(call)})", sent=not unsent, silent=silent, fix=fix)


def _refused_by_kernel(error: BaseException) -> bool:
    """Whether this user may not open the socket. The client wraps the kernel's own error twice."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PermissionError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _understood(call: Call[T], status: int, etag: str | None, content: bytes) -> Answer[T]:
    if status in (204, 304):
        return Answer(None, etag, status)
    if not 200 <= status < 300:
        raise problem(status, content, describe(call))
    return Answer(None if call.kind is None else parse(call.kind, content), etag, status)


def _worth_waiting(error: GridwireError, call: Call[Any], status: int | None) -> bool:
    if isinstance(error, Away):
        return call.repeatable or not error.sent
    return status in _AWAY and call.repeatable


def _request(
    method: Method,
    path: str,
    body: object,
    kind: Any,
    if_match: str | None,
    if_none_match: str | None,
    timeout: float,
) -> Call[Any]:
    return Call(
        method=method,
        path=path,
        kind=kind,
        body=None if body is None else dump(body),
        headers=conditions(if_match, if_none_match) | ({} if body is None else {"Content-Type": "application/json"}),
        timeout=timeout,
        repeatable=method == "GET" or (method in ("PUT", "DELETE") and not (if_match or if_none_match)),
    )


def _too_large() -> Unavailable:
    return Unavailable(f"control's answer is larger than {LARGEST_ANSWER >> 20} MiB", code="too-large")


class ControlApi:
    """Blocking. ``base``: ``unix:/run/gridwire/local.sock`` or ``http://10.85.0.1:2086``.

    ``send`` raises the GridwireError that the answer says, and Unavailable (code ``control-away``) where there is
    none. ``patience``: seconds for which a control that is away is waited for. ``trust``: whose certificates count.
    """

    def __init__(
        self, base: str, headers: Mapping[str, str] | None = None, *, trust: ssl.SSLContext | None = None
    ) -> None:
        url, socket = _place(base)
        self.base = base
        self._client = httpx2.Client(
            base_url=url,
            headers=_headers(headers),
            transport=httpx2.HTTPTransport(uds=socket, trust_env=False, verify=True if trust is None else trust),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def send(self, call: Call[T], *, patience: float = 0.0) -> Answer[T]:
        deadline = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            status = None
            try:
                status, etag, content = self._once(call)
                return _understood(call, status, etag, content)
            except GridwireError as error:
                if time.monotonic() + pause > deadline or not _worth_waiting(error, call, status):
                    raise
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def request(
        self,
        method: Method,
        path: str,
        body: object = None,
        kind: type[T] | None = None,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
        timeout: float = 10.0,
        patience: float = 0.0,
    ) -> Answer[T]:
        """A call that the table does not name."""
        return self.send(_request(method, path, body, kind, if_match, if_none_match, timeout), patience=patience)

    def _once(self, call: Call[Any]) -> tuple[int, str | None, bytes]:
        try:
            with self._client.stream(
                call.method, call.path, content=call.body, headers=dict(call.headers), timeout=_timeout(call)
            ) as response:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        raise _too_large()
                return response.status_code, response.headers.get("etag"), bytes(content)
        except httpx2.HTTPError as error:
            raise _failure(self.base, call, error) from error


class AsyncControlApi:
    """As ControlApi, for a loop that waits for other things meanwhile."""

    def __init__(self, base: str, headers: Mapping[str, str] | None = None) -> None:
        url, socket = _place(base)
        self.base = base
        self._client = httpx2.AsyncClient(
            base_url=url,
            headers=_headers(headers),
            transport=httpx2.AsyncHTTPTransport(uds=socket, trust_env=False),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, call: Call[T], *, patience: float = 0.0) -> Answer[T]:
        deadline = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            status = None
            try:
                status, etag, content = await self._once(call)
                return _understood(call, status, etag, content)
            except GridwireError as error:
                if time.monotonic() + pause > deadline or not _worth_waiting(error, call, status):
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _once(self, call: Call[Any]) -> tuple[int, str | None, bytes]:
        try:
            async with self._client.stream(
                call.method, call.path, content=call.body, headers=dict(call.headers), timeout=_timeout(call)
            ) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        raise _too_large()
                return response.status_code, response.headers.get("etag"), bytes(content)
        except httpx2.HTTPError as error:
            raise _failure(self.base, call, error) from error
