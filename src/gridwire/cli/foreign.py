"""What of others is in the way of this node's services: listeners, and a `gridwire up` that runs already."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gridwire.core.errors import Conflict
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.listening import Listening


def check_foreground() -> None:
    """Raise Conflict where gridwire's processes run in the foreground: two of each would fight over this host."""
    from gridwire.adapters.process import foreground

    pid = foreground()
    if pid is not None:
        raise Conflict(f"`gridwire up` runs here already (process {pid})", fix="end it with Ctrl-C, and run this again")


def check_ports(identity: JoinedAs, udp_port: int) -> None:
    """Raise Conflict where others listen on what this node's role needs. ``udp_port``: WireGuard's, 0 for none."""
    from gridwire.adapters.sockets import listening

    sockets = [one for one in listening() if not _own(one)]
    for one in in_the_way(identity, udp_port, sockets):
        holder = one.process or "another process"
        raise Conflict(
            f"{one.protocol.upper()} port {one.port} is held by {holder} (process {one.pid}) on {one.address}",
            fix="stop it, bind it to an address of its own, or give gridwire another port (network.ports, endpoint)",
            code="port-taken",
        )


def in_the_way(identity: JoinedAs, udp_port: int, sockets: Iterable[Listening]) -> tuple[Listening, ...]:
    """Those that hold an address and port of this node's; the kernel's own sockets have no process. Pure."""
    tcp = {
        Role.GATEWAY: {
            *(identity.routes_port, identity.api_port, identity.enrol_port, identity.tls_port, identity.panel_port)
        },
        Role.EDGE: {identity.edge_port},
    }.get(identity.role, set())
    ports = {"tcp": tcp, "udp": {udp_port} - {0}}
    return tuple(
        one
        for one in sockets
        if one.port in ports[one.protocol]
        and one.pid is not None
        and (one.protocol == "udp" or one.address.is_unspecified or one.address in identity.addresses)
    )


def _own(one: Listening) -> bool:
    """Whether a unit of ours holds it: a second install finds its own nginx."""
    try:
        return "/gridwire-" in Path(f"/proc/{one.pid}/cgroup").read_text("ascii")
    except OSError:
        return False
