"""The facts of ``core.doctor.surroundings``, and who listens."""

from __future__ import annotations

import shlex

from gridwire.adapters import machine
from gridwire.adapters.firewalls import Needs, find
from gridwire.adapters.resolver import judge, look_up
from gridwire.adapters.sockets import listening
from gridwire.adapters.sysctl import Sysctls
from gridwire.adapters.wireguard import HostNetworks
from gridwire.agent.doctor.standing import Standing, look
from gridwire.agent.listening import own_processes
from gridwire.core.addressing import Clash, clashes
from gridwire.core.doctor.listeners import judge_listeners
from gridwire.core.doctor.surroundings import VPN_PROGRAMS, Barrier, EndpointSeen, NameSeen, Surroundings
from gridwire.core.fleet import Role
from gridwire.core.listening import UNITS, Protocol
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Finding
from gridwire.core.settings import endpoint_host

_FOR_ROOT = "only root may read other firewalls' rules"


def read_surroundings(standing: Standing, networks: HostNetworks, programs: frozenset[str]) -> Surroundings:
    """Raise OSError where netlink is refused, GridwireError where a firewall does not answer."""
    return Surroundings(
        mesh=standing.interface,
        mtu=standing.spec.mesh.mtu if standing.spec is not None else standing.settings.fleet_network().mtu,
        called=standing.role in (None, Role.GATEWAY) and not standing.on_tailnet,
        addresses=networks.addresses,
        clashes=read_clashes(standing, networks),
        interfaces=machine.read_interfaces(),
        forwarding=machine.read_forwarding(),
        docker=machine.docker_published(programs),
        programs=tuple(sorted(programs & VPN_PROGRAMS.keys())),
        barriers=read_barriers(standing),
        name=_name(standing),
        endpoint=read_endpoint(standing, networks),
        route_localnet=Sysctls().interfaces_with("route_localnet", 1),
    )


def read_clashes(standing: Standing, networks: HostNetworks) -> tuple[Clash, ...]:
    if standing.on_tailnet:
        return ()  # its range is Tailscale's everywhere, and the guard is of single addresses
    prefix = standing.identity.prefix if standing.identity is not None else standing.settings.network.prefix
    return clashes(
        prefix,
        interface=standing.interface,
        addresses=networks.addresses,
        routes=networks.routes,
        tailscale=networks.tailscale,
    )


def read_barriers(standing: Standing) -> Known[tuple[Barrier, ...]] | Unknown:
    if not standing.root:
        return Unknown(_FOR_ROOT)
    if standing.role in (Role.OPERATOR, Role.CLIENT):
        return Known(())  # they only call, and every firewall lets answers in
    found = look(lambda: find(Needs(interface=standing.interface, listen_port=standing.listen_port)))
    if isinstance(found, Unknown):
        return found
    return Known(
        tuple(
            Barrier(
                firewall=one.firewall,
                drops=one.drops,
                commands=tuple(shlex.join(argv) for argv in one.commands),
                note=one.note,
            )
            for one in found.value
        )
    )


def _name(standing: Standing) -> Known[NameSeen | None] | Unknown:
    suffix, gateway = standing.suffix, standing.gateway_address
    if suffix is None:
        return Known(None)
    if gateway is None:
        return Unknown("the gateway's mesh address is not known here")
    looked = look_up(f"gridwire-check.{suffix}")
    check = judge(suffix, gateway, looked)
    return Known(NameSeen(ok=check.ok, stripped=looked.outcome == "empty", what=check.what, fix=check.fix))


def read_endpoint(standing: Standing, networks: HostNetworks) -> EndpointSeen | None:
    """None on a host that nobody calls."""
    endpoint = standing.settings.endpoint
    if endpoint is None:
        return None
    addresses = look_up(endpoint_host(endpoint)).addresses  # of a literal, itself
    own = {interface.ip for _, interface in networks.addresses}
    return EndpointSeen(endpoint=endpoint, addresses=addresses, here=not own.isdisjoint(addresses))


def find_listeners(standing: Standing) -> tuple[Finding, ...]:
    """Of this network namespace, but for gridwire's own."""
    identity, ports = standing.identity, standing.settings.network.ports
    tcp: set[int] = set()
    if standing.role in (None, Role.GATEWAY):
        tcp |= {ports.routes, ports.api, ports.enrol}
    if standing.role in (None, Role.EDGE):
        tcp.add(identity.edge_port if identity is not None else ports.edge)
    needed: set[tuple[Protocol, int]] = {("tcp", port) for port in tcp}
    if standing.listen_port:
        needed.add(("udp", standing.listen_port))
    listed = listening()
    units = {one.pid for one in listed if one.pid is not None and one.unit.startswith(UNITS)}
    return judge_listeners(
        listed,
        needed=needed,
        mesh=identity.address if identity is not None else None,
        own=units | own_processes(standing.interface, standing.settings.paths.nginx_pid),
        root=standing.root,
    )
