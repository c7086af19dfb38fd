"""Requests to tailscaled's LocalAPI over its Unix socket, which any user may read by.

GET /localapi/v0/status and /localapi/v0/whois?addr=ADDRESS; watch.py has the third.
"""

from __future__ import annotations

import socket
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Any

from pyroute2 import IPRoute

from gridwire.adapters.tailscale.answers import Status, parse_status, parse_whois
from gridwire.core.addressing import Address
from gridwire.core.errors import NotFound, Unavailable
from gridwire.core.names import Interface
from gridwire.core.tailnet import SOCKET, Member, TailnetObserved

_HOST = "local-tailscaled.sock"  # the only one that it answers besides none (localapi.go, validHost)
_SECONDS = 3.0


class UnixConnection(HTTPConnection):
    """Python's own client: httpx2 leaves a socket that it could not connect to the collector, and the watch of a
    tailscaled that is away tries without end."""

    def __init__(self, path: str, timeout: float = _SECONDS) -> None:
        super().__init__(_HOST, timeout=timeout)
        self._path = path

    def connect(self) -> None:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(self.timeout)
        try:
            connected.connect(self._path)
        except OSError:
            connected.close()
            raise
        self.sock = connected


class LocalApi:
    """``socket``: tailscaled's. Every method raises Unavailable where it is away or answers what is not understood."""

    def __init__(self, socket: str = SOCKET) -> None:
        self.socket = socket

    def observe(self, interface: Interface) -> TailnetObserved:
        """tailscaled and the kernel, at one moment: ``held`` is what both say."""
        status = self.status()
        return TailnetObserved(
            state=status.state,
            userspace=status.userspace,
            interface=interface,
            own=status.own,
            held=_held(interface, () if status.own is None else status.own.addresses),
            key_expires=status.key_expires,
            members=status.members,
        )

    def status(self) -> Status:
        return parse_status(self._get("status"))

    def whois(self, address: Address) -> Member:
        """Raise NotFound for an address that is no node's."""
        return parse_whois(self._get(f"whois?addr={address}"))

    def _get(self, path: str) -> bytes:
        connection = UnixConnection(self.socket)
        try:
            connection.request("GET", f"/localapi/v0/{path}")
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
        except (OSError, HTTPException) as error:
            raise Unavailable(
                f"tailscaled does not answer at {self.socket} ({error})",
                fix="start it: systemctl start tailscaled; where its socket is elsewhere, write mesh.socket",
                code="tailscale-away",
            ) from None
        finally:
            connection.close()
        if status == HTTPStatus.NOT_FOUND:
            raise NotFound(f"the tailnet knows nobody by that address ({path})")
        if status != HTTPStatus.OK:
            raise Unavailable(f"tailscaled answered {status} to {path}", code="tailscale-away")
        return content


def _held(interface: Interface, given: tuple[Address, ...]) -> tuple[Address, ...]:
    """Which of the addresses are on the interface; none where there is no such interface."""
    with IPRoute() as route:
        found = route.link_lookup(ifname=interface)
        messages: list[Any] = list(route.get_addr(index=found[0])) if found else []
    there = {str(m.get_attr("IFA_LOCAL") or m.get_attr("IFA_ADDRESS")) for m in messages}
    return tuple(address for address in given if str(address) in there)


def host_addresses(interface: Interface) -> tuple[tuple[str, Address], ...]:
    """(interface, address) of all others than ``interface``."""
    with IPRoute() as route:
        names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) for link in route.get_links()}
        found = [
            (names.get(message["index"], "?"), message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS"))
            for message in route.get_addr()
        ]
    return tuple((name, ip_address(address)) for name, address in found if name != interface)
