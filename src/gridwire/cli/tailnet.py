"""What the commands ask tailscaled about this host and its peers."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from gridwire.cli.output import note
from gridwire.core.errors import Conflict, NotFound
from gridwire.core.names import shown
from gridwire.core.settings import Settings
from gridwire.core.tailnet import Member, carrier_grade, check_host

if TYPE_CHECKING:
    from gridwire.adapters.tailscale import LocalApi


def this_node(settings: Settings) -> Member:
    """This host on its tailnet; raise what keeps it from being a node, and say what will not work well."""
    from gridwire.adapters.tailscale import host_addresses

    own = check_host(local_api(settings).observe(settings.network.interface), datetime.now(UTC))
    for finding in carrier_grade(host_addresses(settings.network.interface)):
        note(f"{finding.what}: {finding.fix}")
    return own


def find_peer(settings: Settings, name: str) -> Member:
    """A peer by its MagicDNS name, whole or the first label, or by an address; raise NotFound or Conflict."""
    wanted = name.rstrip(".").lower()
    now = datetime.now(UTC)
    members = [seen.member for seen in local_api(settings).status().members if not seen.expired(now)]
    found = [m for m in members if wanted in (m.name, m.name.partition(".")[0], *map(str, m.addresses))]
    if not found:
        raise NotFound(
            f"the tailnet has no node {shown(name)} that this host may see",
            fix="`tailscale status` lists them; Tailscale's access rules must let this host reach the gateway",
        )
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} nodes of the tailnet are called {shown(name)}",
            fix=f"give an address: {' or '.join(str(member.addresses[0]) for member in found)}",
        )
    return local_api(settings).whois(ip_address(found[0].addresses[0]))


def local_api(settings: Settings) -> LocalApi:
    from gridwire.adapters.tailscale import LocalApi

    return LocalApi(settings.mesh.socket)
