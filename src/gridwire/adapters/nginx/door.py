"""The door: HTTP over the Unix socket by which nginx takes data and tells its state."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from gridwire.core.errors import Invalid, Unavailable

_SECONDS = 10.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("nginx", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Door:
    """One request is one connection: a worker that ends takes no open door with it."""

    def __init__(self, path: str, timeout: float = _SECONDS) -> None:
        self._path = path
        self._timeout = timeout

    def push(self, document: str, text: str) -> str:
        """Hand over a document (routing, edge, health) and return its digest when every worker serves it.

        Raise Invalid where nginx cannot read it, Unavailable where nginx is away or a worker is late.
        """
        status, body = self._ask("PUT", f"/{document}", text.encode())
        answer: dict[str, Any] = json.loads(body) if body.startswith(b"{") else {}
        if status == 200:
            return str(answer["digest"])
        if status == 422:
            raise Invalid(document, f"nginx cannot serve it: {answer.get('error')}")
        raise Unavailable(
            f"nginx did not take {document}: {status} {answer.get('error', '')}".strip(),
            fix="it is tried again; see nginx-error.log if this stays",
        )

    def state(self) -> dict[str, Any]:
        """What nginx serves: config, documents, flight, ejected; raise Unavailable where it is away."""
        status, body = self._ask("GET", "/state")
        if status != 200:
            raise Unavailable(f"nginx's door answered {status}")
        state: dict[str, Any] = json.loads(body)
        return state

    def metrics(self) -> str:
        """Prometheus text; raise Unavailable where nginx is away."""
        status, body = self._ask("GET", "/metrics")
        if status != 200:
            raise Unavailable(f"nginx's door answered {status}")
        return body.decode()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = _UnixConnection(self._path, self._timeout)
        try:
            connection.request(method, path, body, {"Connection": "close"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                f"nginx is away ({error})", fix="`gridwire nginx run` or gridwire-nginx.service"
            ) from error
        finally:
            connection.close()
