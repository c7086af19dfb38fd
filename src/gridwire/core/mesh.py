"""The mesh device of one node: from what it is to what its spec says, as actions that each say why.

Order: peers that must go and their sockets first; then the blackhole route, before there is a device to lose;
then the device from the inside out; then the peers; endpoints by name last, since resolving may fail and must
hold nothing else up.

What kernel and wg normalise is compared in normal form: allowed IPs masked and sorted, a roamed endpoint is no
difference while its handshake is fresh, an endpoint that the spec does not give never is one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_network
from itertools import pairwise

from gridwire.core.actions import Action
from gridwire.core.addressing import Address, Prefix, check_prefix
from gridwire.core.endpoint import literal_endpoint, split_endpoint
from gridwire.core.errors import Invalid
from gridwire.core.mesh_actions import (
    AddAddress,
    AddBlackhole,
    AwaitDevice,
    BringUp,
    CreateDevice,
    KillSockets,
    PeerConfig,
    RemoveAddress,
    RemovePeers,
    RenewPeer,
    RoutePrefix,
    SetEndpoint,
    SetKey,
    SetMtu,
    SyncPeers,
)
from gridwire.core.mesh_memory import MeshMemory
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import Tombstone
from gridwire.core.wireguard import (
    STALE_HANDSHAKE_SECONDS,
    MeshObserved,
    MeshSpec,
    Peer,
    PeerSeen,
    PublicKey,
)

RESOLVE_AGAIN = timedelta(seconds=15)
SILENT = timedelta(seconds=180)  # REJECT_AFTER_TIME (WireGuard paper §6.1): no session of the peer is alive
RENEW_AGAIN = timedelta(minutes=5)
_STALE = timedelta(seconds=STALE_HANDSHAKE_SECONDS)


def check_mesh(spec: MeshSpec, own_key: PublicKey) -> None:
    """Refuse a spec that no device can hold or that reaches past the mesh; raise Invalid.

    A device silently drops its own key and moves an address that two peers claim to the later one, so plans
    for such specs would never become empty; allowed IPs outside the prefix would route the host's own traffic.
    """
    check_prefix(spec.prefix, shared_on_request=True, field="mesh.prefix")
    if spec.address not in spec.prefix:
        raise Invalid("mesh.address", f"{spec.address} does not lie in {spec.prefix}")
    if not 0 <= spec.listen_port <= 65535:
        raise Invalid("mesh.listen_port", f"{spec.listen_port} is not from 0 to 65535")
    if not 1280 <= spec.mtu <= 9000:
        raise Invalid("mesh.mtu", f"{spec.mtu} is not from 1280 to 9000")
    keys = [peer.public_key for peer in spec.peers]
    if own_key in keys:
        raise Invalid("mesh.peers", f"peer {spec.peers[keys.index(own_key)].node} has this node's own key")
    if len(set(keys)) != len(keys):
        raise Invalid("mesh.peers", "a key stands there twice")
    claims: list[tuple[Prefix, Peer]] = []
    for peer in spec.peers:
        for prefix in peer.allowed_ips:
            if not _within(prefix, spec.prefix):
                raise Invalid("mesh.peers", f"peer {peer.node} claims {prefix}, which is not in {spec.prefix}")
            if spec.address in prefix:
                raise Invalid("mesh.peers", f"peer {peer.node} claims this node's own address by {prefix}")
            claims.append((prefix, peer))
        if not 0 <= peer.keepalive <= 65535:
            raise Invalid("mesh.peers", f"peer {peer.node}: keepalive {peer.keepalive} is not from 0 to 65535")
        if peer.endpoint is not None:
            split_endpoint(peer.endpoint, f"mesh.peers.{peer.node}")
    claims.sort(key=lambda claim: _prefix_order(claim[0]))
    for (one, first), (other, second) in pairwise(claims):
        # Prefixes nest or are disjoint, so any overlap shows between neighbours.
        if one.overlaps(other):
            raise Invalid("mesh.peers", f"peers {first.node} and {second.node} both claim {other}")


def plan_mesh(
    spec: MeshSpec,
    own_key: PublicKey,
    observed: Known[MeshObserved | None] | Unknown,
    now: datetime,
    *,
    memory: MeshMemory | None = None,
    tombstones: tuple[Tombstone, ...] = (),
) -> tuple[Action, ...]:
    """What turns the device as observed into the device of ``spec``; empty where nothing differs.

    ``memory`` holds what the device forgets: endpoints last seen, and when a name was last resolved or a peer
    last renewed. A peer past its ``expires``, or with a key or address of ``tombstones``, is not wanted.
    Raise Invalid where the spec is one that no device may hold (``check_mesh``).
    """
    check_mesh(spec, own_key)
    if isinstance(observed, Unknown):
        return (AwaitDevice(reason=f"{spec.interface} could not be read: {observed.reason}", interface=spec.interface),)
    device = observed.value
    if device is not None and device.interface != spec.interface:
        raise Invalid("mesh.interface", f"the spec is for {spec.interface}, observed was {device.interface}")
    memory = memory or MeshMemory()
    wanted = _wanted(spec, now, tombstones)
    seen = {peer.public_key: peer for peer in device.peers} if device is not None else {}
    first, then = _plan_device(spec, own_key, device, memory)
    return (
        *_plan_removal(spec, wanted, seen, memory, tombstones),
        *first,
        *_plan_peers(spec, wanted, seen, memory, now),
        *then,
    )


def plan_cuts(
    spec: MeshSpec,
    observed: Known[MeshObserved | None] | Unknown,
    now: datetime,
    *,
    memory: MeshMemory | None = None,
    tombstones: tuple[Tombstone, ...] = (),
    withdrawn: bool = True,
) -> tuple[Action, ...]:
    """The first actions of ``plan_mesh`` by themselves: peers that must go, and the sockets of their addresses.

    They need neither this node's key nor a spec that a device could hold, so that nothing that is wrong with either
    keeps a revoked node in. What could not be seen is not cut. ``withdrawn``: peers that the spec has no more or that
    expired, too, and not those with tombstones alone.
    """
    if isinstance(observed, Unknown):
        return ()
    seen = {peer.public_key: peer for peer in observed.value.peers} if observed.value is not None else {}
    if not withdrawn:
        keys, addresses = _dead(tombstones)
        seen = {key: peer for key, peer in seen.items() if key in keys or not addresses.isdisjoint(peer.allowed_ips)}
    return tuple(_plan_removal(spec, _wanted(spec, now, tombstones), seen, memory or MeshMemory(), tombstones))


def _wanted(spec: MeshSpec, now: datetime, tombstones: tuple[Tombstone, ...]) -> dict[PublicKey, Peer]:
    dead_keys, dead_addresses = _dead(tombstones)
    return {
        peer.public_key: peer
        for peer in spec.peers
        if (peer.expires is None or peer.expires > now)
        and peer.public_key not in dead_keys
        and dead_addresses.isdisjoint(peer.allowed_ips)
    }


def _dead(tombstones: tuple[Tombstone, ...]) -> tuple[set[PublicKey | None], set[Prefix]]:
    return {stone.public_key for stone in tombstones}, {_single(stone.address) for stone in tombstones}


def _plan_removal(
    spec: MeshSpec,
    wanted: dict[PublicKey, Peer],
    seen: dict[PublicKey, PeerSeen],
    memory: MeshMemory,
    tombstones: tuple[Tombstone, ...],
) -> list[Action]:
    actions: list[Action] = []
    names = {peer.public_key: f"{peer.node} ({peer.public_key})" for peer in spec.peers}
    gone = tuple(sorted(key for key in seen if key not in wanted))
    if gone:
        whom = ", ".join(names.get(key, key) for key in gone)
        actions.append(
            RemovePeers(
                reason=f"expired, revoked or not in the spec: {whom}", interface=spec.interface, public_keys=gone
            )
        )
    held = {prefix for peer in wanted.values() for prefix in peer.allowed_ips}
    addresses = {
        prefix.network_address
        for key in gone
        for prefix in seen[key].allowed_ips
        if prefix not in held and prefix.prefixlen == prefix.max_prefixlen
    }
    addresses |= {stone.address for stone in tombstones if stone.address not in memory.killed}
    if addresses:
        actions.append(
            KillSockets(
                reason=f"{len(addresses)} address(es) belong to no peer any more",
                addresses=tuple(sorted(addresses, key=int)),
            )
        )
    return actions


def _plan_device(
    spec: MeshSpec, own_key: PublicKey, device: MeshObserved | None, memory: MeshMemory
) -> tuple[list[Action], list[Action]]:
    """What comes before the peers, and what comes after: addresses are added before others are removed.

    Where the spec leaves the port open, a device that is made anew takes the one it had: the other side calls it
    there until it has heard of another, and finds nobody for 15 s.
    """
    name = spec.interface
    first: list[Action] = []
    if device is None or spec.prefix not in device.blackholes:
        first.append(AddBlackhole(reason=f"{spec.prefix} must never leave in clear", prefix=spec.prefix))
    if device is None:
        first.append(CreateDevice(reason=f"there is no {name}", interface=name))
    port_differs = device is None or spec.listen_port not in (0, device.listen_port)
    if device is None or device.public_key != own_key or port_differs:
        was = f"{device.public_key}, port {device.listen_port}" if device is not None else "none"
        port = spec.listen_port or memory.listen_port
        first.append(
            SetKey(
                reason=f"key {was} → {own_key}, port {port or 'any'}",
                interface=name,
                public_key=own_key,
                listen_port=port,
                or_any=spec.listen_port == 0,
            )
        )
    if device is None or spec.address not in device.addresses:
        first.append(AddAddress(reason=f"{name} has no {spec.address}", interface=name, address=spec.address))
    if device is None or device.mtu != spec.mtu:
        was = str(device.mtu) if device is not None else "its default"
        first.append(SetMtu(reason=f"mtu {was} → {spec.mtu}", interface=name, mtu=spec.mtu))
    if device is None or not device.up:
        first.append(BringUp(reason=f"{name} is down", interface=name, listen_port=spec.listen_port))
    if device is None or not device.up or spec.prefix not in device.routes:
        first.append(RoutePrefix(reason=f"{spec.prefix} is not routed to {name}", interface=name, prefix=spec.prefix))
    then: list[Action] = [
        RemoveAddress(reason=f"{address} is not {name}'s, {spec.address} is", interface=name, address=address)
        for address in (device.addresses if device is not None else ())
        if address != spec.address
    ]
    return first, then


def _plan_peers(
    spec: MeshSpec,
    wanted: dict[PublicKey, Peer],
    seen: dict[PublicKey, PeerSeen],
    memory: MeshMemory,
    now: datetime,
) -> list[Action]:
    differing: list[PeerConfig] = []
    differences: list[str] = []
    later: list[Action] = []
    for key in sorted(wanted):
        peer, current = wanted[key], seen.get(key)
        config = _config(peer, current, memory)
        difference = _difference(config, current)
        if difference:
            differing.append(config)
            differences.append(f"{peer.node}: {difference}")
        later += _plan_endpoint(spec, peer, config, current, memory, now)
    actions: list[Action] = []
    if differing:
        actions.append(SyncPeers(reason="; ".join(differences), interface=spec.interface, peers=tuple(differing)))
    return actions + later


def _config(peer: Peer, current: PeerSeen | None, memory: MeshMemory) -> PeerConfig:
    """The peer as the device must hold it now.

    A new peer that calls us gets the endpoint where it was last seen, so that after a restart this side starts
    the handshake (measured: 0.25 s in place of 16 s). A peer that waits for its name to be resolved has no
    keepalive until then: turning it on is what sends the first handshake.
    """
    literal = literal_endpoint(peer.endpoint) if peer.endpoint is not None else None
    endpoint = (literal or memory.endpoints.get(peer.public_key)) if current is None else None
    known = endpoint if current is None else current.endpoint
    waits = peer.endpoint is not None and known is None
    return PeerConfig(
        public_key=peer.public_key,
        allowed_ips=_sorted(peer.allowed_ips),
        endpoint=endpoint,
        keepalive=0 if waits else peer.keepalive,
    )


def _difference(config: PeerConfig, current: PeerSeen | None) -> str:
    if current is None:
        return f"new, {_shown(config.allowed_ips)}"
    found: list[str] = []
    if _sorted(current.allowed_ips) != config.allowed_ips:
        found.append(f"allowed IPs {_shown(current.allowed_ips)} → {_shown(config.allowed_ips)}")
    if current.keepalive != config.keepalive:
        found.append(f"keepalive {current.keepalive} → {config.keepalive}")
    return ", ".join(found)


def _plan_endpoint(
    spec: MeshSpec,
    peer: Peer,
    config: PeerConfig,
    current: PeerSeen | None,
    memory: MeshMemory,
    now: datetime,
) -> list[Action]:
    """Whom we call and do not reach gets its endpoint again; who calls us and went silent is renewed."""
    key = peer.public_key
    if current is None:
        if peer.endpoint is None or config.endpoint is not None:
            return []
        return [_set_endpoint(spec, peer, f"{peer.node} is new, at {peer.endpoint}")]
    never = current.latest_handshake is None
    silence, since = _silence(current, memory, now)
    if key in memory.reachable and current.endpoint is not None and (never or silence > _STALE):
        # WireGuard calls again 5 s after its last call (REKEY_TIMEOUT), also when that one went nowhere.
        return [_renew(spec, peer, config, current, memory, f"a network leads to {current.endpoint} now")]
    if peer.endpoint is None:
        # A handshake stamped far in the future makes a device refuse all later ones of that peer, also where it was
        # never finished, and nothing that wg shows tells that from a peer that is away. Renewing one that is away
        # costs nothing.
        if silence <= SILENT or not _due(memory.renewed.get(key), now, RENEW_AGAIN):
            return []
        return [_renew(spec, peer, config, current, memory, f"{since}, its timestamp may be ahead")]
    stale = never or silence > _STALE
    if current.endpoint is not None and (not stale or literal_endpoint(peer.endpoint) == current.endpoint):
        return []
    if not _due(memory.tried.get(key), now, RESOLVE_AGAIN):
        return []
    return [_set_endpoint(spec, peer, f"{peer.node}: {since}, endpoint {current.endpoint} → {peer.endpoint}")]


def _silence(current: PeerSeen, memory: MeshMemory, now: datetime) -> tuple[timedelta, str]:
    """How long nothing was heard of a peer, and that in words.

    A handshake that is stamped ahead of this clock, which was set back, tells no age; nor does none at all. Then it
    counts from when that was first seen: a peer that lives shakes hands again within SILENT.
    """
    at = current.latest_handshake
    if at is not None and at <= now:
        return now - at, f"no handshake for {int((now - at).total_seconds())} s"
    silence = now - memory.silent.get(current.public_key, now)
    return silence, "no handshake yet" if at is None else "its last handshake is stamped ahead of this clock"


def _renew(
    spec: MeshSpec, peer: Peer, config: PeerConfig, current: PeerSeen, memory: MeshMemory, why: str
) -> RenewPeer:
    return RenewPeer(
        reason=f"{peer.node}: {why}",
        interface=spec.interface,
        peer=PeerConfig(
            public_key=peer.public_key,
            allowed_ips=config.allowed_ips,
            endpoint=current.endpoint or memory.endpoints.get(peer.public_key),
            keepalive=peer.keepalive,
        ),
    )


def _set_endpoint(spec: MeshSpec, peer: Peer, reason: str) -> SetEndpoint:
    if peer.endpoint is None:
        raise ValueError("the spec gives no endpoint")
    return SetEndpoint(
        reason=reason,
        interface=spec.interface,
        public_key=peer.public_key,
        endpoint=peer.endpoint,
        keepalive=peer.keepalive,
    )


def _due(last: datetime | None, now: datetime, pause: timedelta) -> bool:
    """A ``last`` that lies ahead (the clock was set back) does not hold anything up."""
    return last is None or not timedelta(0) <= now - last < pause


def _single(address: Address) -> Prefix:
    return ip_network(f"{address}/{address.max_prefixlen}")


def _within(prefix: Prefix, outer: Prefix) -> bool:
    return prefix.version == outer.version and prefix.network_address in outer and prefix.prefixlen >= outer.prefixlen


def _prefix_order(prefix: Prefix) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), prefix.prefixlen


def _sorted(prefixes: tuple[Prefix, ...]) -> tuple[Prefix, ...]:
    return tuple(sorted(set(prefixes), key=_prefix_order))


def _shown(prefixes: tuple[Prefix, ...]) -> str:
    return ", ".join(map(str, _sorted(prefixes))) or "none"
