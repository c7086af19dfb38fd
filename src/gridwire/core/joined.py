"""What was fixed when the node joined. No spec changes it: only joining again does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_network

from gridwire.core.addressing import Address, Prefix
from gridwire.core.enrollment import GatewayContact
from gridwire.core.fleet import Role, mesh_prefixes
from gridwire.core.guard import GuardSpec, Shared
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.proxy import ProxySpec
from gridwire.core.settings import Settings
from gridwire.core.spec import NamesSpec, NodeSpec
from gridwire.core.tailnet import Member, Provider
from gridwire.core.wireguard import DEFAULT_MTU, KEEPALIVE_SECONDS, MeshSpec, Peer


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedAs:
    """A node's identity, saved by ``gridwire init`` and ``gridwire join``.

    On a tailnet ``tailnet`` is who this node was there; its addresses change when it logs in anew, and so does this.

    ``gateways`` as the token named them (a gateway names itself, or none). The ports are those of the grid's own
    listeners: nothing else is ever opened to the mesh. ``no_hosts``: /etc/hosts is left alone.
    """

    node: NodeName
    role: Role
    address: Address
    prefix: Prefix
    interface: Interface
    suffix: HostName
    gateways: tuple[GatewayContact, ...] = ()
    api_port: int = 2086
    enrol_port: int = 2087
    routes_port: int = 80
    edge_port: int = 2085
    tls_port: int = 443
    panel_port: int = 2443
    mtu: int = DEFAULT_MTU
    no_hosts: bool = False
    provider: Provider = Provider.WIREGUARD
    tailnet: Member | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        others = () if self.tailnet is None else self.tailnet.addresses
        return (self.address, *(address for address in others if address != self.address))

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        return mesh_prefixes(self.provider, self.prefix)

    @property
    def gateway_addresses(self) -> tuple[Address, ...]:
        """Those of the gateways that this node joined with."""
        return tuple(address for gateway in self.gateways for address in gateway.addresses)


def renewed(identity: JoinedAs, settings: Settings) -> JoinedAs | None:
    """A gateway as its settings would have it; none where they ask for no change, and on any other node.

    Prefix and interface stay: they were fixed at init.
    """
    tailnet = settings.mesh.provider is Provider.TAILSCALE
    if identity.role is not Role.GATEWAY or (settings.endpoint is None and not tailnet):
        return None
    network = settings.fleet_network()
    asked = replace(
        identity,
        suffix=network.suffix,
        api_port=network.api_port,
        enrol_port=network.enrol_port,
        routes_port=network.routes_port,
        edge_port=network.edge_port,
        tls_port=network.tls_port,
        panel_port=network.panel_port,
    )
    return None if asked == identity else asked


def _shared(identity: JoinedAs) -> Shared | None:
    if identity.provider is not Provider.TAILSCALE:
        return None
    return Shared(
        addresses=identity.addresses, prefixes=identity.prefixes, ports=(), gateways=identity.gateway_addresses
    )


def first_spec(identity: JoinedAs) -> NodeSpec:
    """What a node is from joining until control's first spec: a tunnel to its gateways, and nothing open.

    Version 0.0, so that any spec of control's is newer. Asking for that one is the credential's first use; until
    then whoever sends from this host may have another one issued, so of its users only root may call control.
    """
    peers = [
        Peer(
            node=gateway.node,
            public_key=gateway.public_key,
            allowed_ips=(ip_network(f"{gateway.address}/{gateway.address.max_prefixlen}"),),
            endpoint=gateway.endpoint,
            keepalive=KEEPALIVE_SECONDS,
        )
        for gateway in identity.gateways
        if gateway.address != identity.address and gateway.public_key is not None
    ]
    return NodeSpec(
        epoch=0,
        revision=0,
        node=identity.node,
        role=identity.role,
        mesh=MeshSpec(
            interface=identity.interface,
            address=identity.address,
            prefix=identity.prefix,
            listen_port=0,
            mtu=identity.mtu,
            peers=tuple(sorted(peers, key=lambda peer: peer.public_key)),
        ),
        guard=GuardSpec(
            interface=identity.interface,
            prefix=identity.prefix,
            address=identity.address,
            listen_port=0,
            openings=(),
            root_only_ports=(identity.enrol_port, identity.api_port) if identity.role is not Role.GATEWAY else (),
            shared=_shared(identity),
        ),
        proxy=ProxySpec(),
        names=NamesSpec(suffix=identity.suffix),
    )
