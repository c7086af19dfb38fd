"""What a revoked node leaves behind, taken out of a spec that is older than the revocation.

A rollback, or a boot from an older generation, must never give a revoked node its way back.
"""

from __future__ import annotations

from dataclasses import replace

from gridwire.core.addressing import Address
from gridwire.core.guard import Shared
from gridwire.core.proxy import RoutingTable
from gridwire.core.spec import NodeSpec, Tombstone


def without_revoked(spec: NodeSpec, tombstones: tuple[Tombstone, ...]) -> NodeSpec:
    """The spec with no peer, opening, grant or endpoint of a tombstoned node, and with these tombstones."""
    addresses = {t.address for t in tombstones}
    keys = {t.public_key for t in tombstones if t.public_key is not None}
    if not addresses:
        return spec
    return replace(
        spec,
        mesh=replace(
            spec.mesh,
            peers=tuple(
                peer
                for peer in spec.mesh.peers
                if peer.public_key not in keys and not any(ip.network_address in addresses for ip in peer.allowed_ips)
            ),
        ),
        guard=replace(
            spec.guard,
            openings=tuple(
                replace(opening, addresses=tuple(a for a in opening.addresses if a not in addresses))
                for opening in spec.guard.openings
            ),
            shared=_barring(spec.guard.shared, addresses),
        ),
        proxy=replace(spec.proxy, routing=_without(spec.proxy.routing, addresses)),
        tombstones=tombstones,
    )


def also_without(spec: NodeSpec, tombstones: tuple[Tombstone, ...]) -> NodeSpec:
    """The spec as it is where it knows of these revocations, and else without those nodes as well."""
    known = set(spec.tombstones)
    later = tuple(stone for stone in tombstones if stone not in known)
    return without_revoked(spec, (*spec.tombstones, *later)) if later else spec


def _barring(shared: Shared | None, gone: set[Address]) -> Shared | None:
    """Where everybody may ask to join, those that are gone may not."""
    if shared is None or not shared.open_port:
        return shared
    return replace(shared, barred=(*shared.barred, *gone))


def _without(routing: RoutingTable | None, gone: set[Address]) -> RoutingTable | None:
    if routing is None:
        return None
    return replace(
        routing,
        grants=tuple(replace(g, addresses=tuple(a for a in g.addresses if a not in gone)) for g in routing.grants),
        pools=tuple(
            replace(p, endpoints=tuple(e for e in p.endpoints if e.address not in gone)) for p in routing.pools
        ),
    )
