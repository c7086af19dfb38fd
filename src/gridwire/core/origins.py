"""By which names a browser may reach the API, and which pages may ask it.

A page of anybody's can send requests to any address and, once its own name resolves there (DNS rebinding), read the
answers. It cannot choose the Host and Origin that the browser sends: so the Host has to be one of the grid's own
names (else 421), and what changes something has to come from a page of that very origin (else 403).
"""

from __future__ import annotations

from typing import Final, Literal

from gridwire.core.fleet import Fleet, Network, Tls
from gridwire.core.panel import host_of, panel_host

Scheme = Literal["http", "https"]
_DEFAULT_PORT: Final = {"http": 80, "https": 443}
SAME_SITE: Final = frozenset({"same-origin", "none"})  # Sec-Fetch-Site of a page's own requests, and of a person's


def panel_origin(network: Network, scheme: Scheme) -> str:
    return f"{scheme}://{_with_port(panel_host(network.suffix), port_of(network, scheme), scheme)}"


def port_of(network: Network, scheme: Scheme) -> int:
    """Where gateways serve panel and API to persons."""
    return network.panel_port if scheme == "https" else network.api_port


def welcome_urls(fleet: Fleet, scheme: Scheme, link: str) -> tuple[str, ...]:
    """Where a one-time link is opened: by the panel's name, in the asker's scheme first, and by each gateway's address
    for a device that cannot resolve the name. What stands after the # is never sent.

    With TLS a browser wants to trust the grid's authority first; without, the tunnel is all that the link needs.
    """
    network, name = fleet.network, str(panel_host(fleet.network.suffix))
    schemes: tuple[Scheme, ...] = ("http",) if network.tls is Tls.OFF else ("http", "https")
    ways = [(one, name) for one in sorted(schemes, key=lambda one: one != scheme)]
    ways += [("http", host) for host in sorted(own_hosts(fleet) - {name})]
    return tuple(f"{one}://{_with_port(host, port_of(network, one), one)}/welcome#{link}" for one, host in ways)


def own_hosts(fleet: Fleet) -> frozenset[str]:
    """The panel's name and the address literals of gateways, without a port."""
    addresses = (address for gateway in fleet.gateways() for address in gateway.addresses)
    return frozenset({str(panel_host(fleet.network.suffix)), *map(host_of, addresses)})


def known_host(host: str, fleet: Fleet, scheme: Scheme) -> bool:
    """Whether a Host header is one of the grid's own, with the right port (which may be left out where it is the
    scheme's own)."""
    port = port_of(fleet.network, scheme)
    named = host.lower()
    return any(named in (f"{own}:{port}", _with_port(own, port, scheme)) for own in own_hosts(fleet))


def loopback_host(host: str) -> bool:
    """Whether a Host header names the machine that the browser runs on: the near end of a tunnel, at any port."""
    name, _, port = host.lower().rpartition(":") if not host.endswith("]") and ":" in host else (host.lower(), "", "")
    return name in ("localhost", "127.0.0.1", "[::1]") and (not port or port.isdecimal())


def same_origin(origin: str | None, host: str, scheme: Scheme) -> bool:
    """Whether a page of this very origin asks. A request without an Origin is no page's, or an old browser's: no."""
    return origin is not None and origin.lower() == f"{scheme}://{host.lower()}"


def _with_port(host: str, port: int, scheme: Scheme) -> str:
    return host if port == _DEFAULT_PORT[scheme] else f"{host}:{port}"
