"""Endpoint names → addresses, at the edge: wg itself would block and retry for minutes."""

from __future__ import annotations

import socket

from gridwire.core.endpoint import join_endpoint, literal_endpoint, split_endpoint
from gridwire.core.errors import Unavailable


def resolve(endpoint: str) -> str:
    """host:port → address:port, the first that getaddrinfo gives (RFC 6724 order).

    Blocks as long as the resolver does; raise Unavailable (code ``unresolved``) where it has no answer.
    """
    literal = literal_endpoint(endpoint)
    if literal is not None:
        return literal
    host, port = split_endpoint(endpoint)
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise Unavailable(
            f"{host} does not resolve ({error.strerror})",
            fix="check DNS on this host; it is tried again",
            code="unresolved",
        ) from None
    return join_endpoint(str(answers[0][4][0]).partition("%")[0], port)
