"""Endpoint names → addresses, at the edge: wg itself would block and retry for minutes."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field

from gridwire.core.endpoint import join_endpoint, literal_endpoint, split_endpoint
from gridwire.core.errors import Unavailable

PATIENCE_SECONDS = 1.0  # a resolver that answers at all does so in tens of milliseconds; a dead one takes 5 to 30 s


@dataclass(slots=True)
class _Lookup:
    """One getaddrinfo, which nothing can end: it goes on in a thread, and what it finds is there for the next try."""

    ended: threading.Event = field(default_factory=threading.Event)
    address: str = ""
    failure: str = ""

    def run(self, host: str, port: int) -> None:
        try:
            self.address = str(socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4][0])
        except OSError as error:
            self.failure = error.strerror or str(error)
        except UnicodeError as error:  # a label that is too long for IDNA
            self.failure = str(error)
        finally:
            self.ended.set()


_lookups: dict[tuple[str, int], _Lookup] = {}
_lock = threading.Lock()


def resolve(endpoint: str) -> str:
    """host:port → address:port, the first that getaddrinfo gives (RFC 6724 order).

    Blocks for at most PATIENCE_SECONDS; raise Unavailable (code ``unresolved``) where there is no answer. One that
    comes later is that of the next call.
    """
    literal = literal_endpoint(endpoint)
    if literal is not None:
        return literal
    host, port = split_endpoint(endpoint)
    lookup = _lookup(host, port)
    if not lookup.ended.wait(PATIENCE_SECONDS):
        raise _unresolved(host, f"no answer in {PATIENCE_SECONDS:g} s")
    with _lock:
        _lookups.pop((host, port), None)
    if not lookup.address:
        raise _unresolved(host, lookup.failure)
    return join_endpoint(lookup.address.partition("%")[0], port)


def _lookup(host: str, port: int) -> _Lookup:
    """The one that is under way, or has ended since it was last asked for; so a name never holds two threads."""
    with _lock:
        found = _lookups.get((host, port))
        if found is None:
            found = _lookups[host, port] = _Lookup()
            threading.Thread(target=found.run, args=(host, port), name=f"resolve-{host}", daemon=True).start()
        return found


def _unresolved(host: str, why: str) -> Unavailable:
    return Unavailable(
        f"{host} does not resolve ({why})", fix="check DNS on this host; it is tried again", code="unresolved"
    )
