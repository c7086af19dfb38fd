"""WireGuard endpoints: host:port, where the host is an address literal or a name for an adapter to resolve."""

from __future__ import annotations

from ipaddress import ip_address

from gridwire.core.errors import Invalid
from gridwire.core.names import host_name, shown


def split_endpoint(text: str, field: str = "endpoint") -> tuple[str, int]:
    """``host:port`` or ``[v6]:port`` → host without brackets, port; raise Invalid."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535) or (":" in host) != bracketed:
        raise Invalid(field, f"{shown(text)} is not an endpoint", fix="write it like gw.example.com:51820")
    host = host[1:-1] if bracketed else host
    if not is_literal(host):
        host_name(host.lower(), field)
    return host, int(port)


def literal_endpoint(text: str) -> str | None:
    """The endpoint as wg prints it where its host is an address; none where it is a name."""
    host, port = split_endpoint(text)
    if not is_literal(host):
        return None
    return join_endpoint(host, port)


def join_endpoint(host: str, port: int) -> str:
    """An address literal and a port, spelled as wg spells them."""
    address = ip_address(host)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def is_literal(host: str) -> bool:
    """Whether it is an address, and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
