"""What a device forgets and its agent must not: where peers were last seen, and what was tried when.

The endpoints outlive the agent (it saves them); the rest only holds back repetition and may be lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gridwire.core.actions import Action
from gridwire.core.addressing import Address
from gridwire.core.mesh_actions import KillSockets, RenewPeer, SetEndpoint, SyncPeers
from gridwire.core.wireguard import MeshObserved, PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshMemory:
    """``endpoints``: address:port of the last handshake. ``tried``: an endpoint was last set. ``renewed``: last
    removed and added again. ``killed``: addresses whose sockets this agent has killed. ``silent``: since when a peer's
    handshake tells no age, because there was none yet, or because it is stamped ahead of this host's clock.
    ``listen_port``: of the device when it was last seen up; 0 before. ``cut_off``: no network led to their endpoint
    when last looked; ``reachable``: one does now, and their last call went into none."""

    endpoints: Mapping[PublicKey, str] = field(default_factory=dict)
    tried: Mapping[PublicKey, datetime] = field(default_factory=dict)
    renewed: Mapping[PublicKey, datetime] = field(default_factory=dict)
    killed: frozenset[Address] = frozenset()
    silent: Mapping[PublicKey, datetime] = field(default_factory=dict)
    listen_port: int = 0
    cut_off: frozenset[PublicKey] = frozenset()
    reachable: frozenset[PublicKey] = frozenset()


def having_seen(memory: MeshMemory, device: MeshObserved, now: datetime) -> MeshMemory:
    """With the device's port, and the endpoints of all peers that ever shook hands: those are authenticated, others
    are only hopes."""
    seen = {
        peer.public_key: peer.endpoint
        for peer in device.peers
        if peer.endpoint is not None and peer.latest_handshake is not None
    }
    ageless = [p.public_key for p in device.peers if p.latest_handshake is None or p.latest_handshake > now]
    # A moment that lies ahead was written down before the clock was set back.
    silent = {key: min(memory.silent.get(key, now), now) for key in ageless}
    # The port of one that is down, or has no key yet, may be anybody's.
    port = device.listen_port if device.up and device.public_key is not None else memory.listen_port
    known = all(memory.endpoints.get(key) == endpoint for key, endpoint in seen.items())
    if known and silent == memory.silent and port == memory.listen_port:
        return memory
    return replace(memory, endpoints={**memory.endpoints, **seen}, silent=silent, listen_port=port)


def having_looked(memory: MeshMemory, cut_off: frozenset[PublicKey]) -> MeshMemory:
    """After asking whether a network leads to the endpoints of those that were not heard of lately."""
    return replace(memory, cut_off=cut_off, reachable=(memory.reachable | memory.cut_off) - cut_off)


def having_called(memory: MeshMemory, cut_off: frozenset[PublicKey]) -> MeshMemory:
    """After peers were called while no network led to them."""
    return replace(memory, cut_off=memory.cut_off | cut_off, reachable=memory.reachable - cut_off)


def having_applied(memory: MeshMemory, action: Action, now: datetime, *, succeeded: bool = True) -> MeshMemory:
    """After ``action`` was tried. A name that did not resolve is not tried again at once; sockets that were not
    killed are."""
    match action:
        case SetEndpoint(public_key=key):
            return replace(memory, tried={**memory.tried, key: now})
        case RenewPeer(peer=peer):
            renewed = {**memory.renewed, peer.public_key: now}
            return replace(memory, renewed=renewed, reachable=memory.reachable - {peer.public_key})
        case SyncPeers(peers=peers) if succeeded:
            given = {peer.public_key: now for peer in peers if peer.endpoint is not None}
            return replace(memory, tried={**memory.tried, **given})
        case KillSockets(addresses=addresses) if succeeded:
            return replace(memory, killed=memory.killed | set(addresses))
    return memory


def only_of(memory: MeshMemory, keys: Collection[PublicKey]) -> MeshMemory:
    """Without what concerns peers that are in no spec any more."""
    wanted = set(keys)
    return replace(
        memory,
        endpoints={key: value for key, value in memory.endpoints.items() if key in wanted},
        tried={key: value for key, value in memory.tried.items() if key in wanted},
        renewed={key: value for key, value in memory.renewed.items() if key in wanted},
        silent={key: value for key, value in memory.silent.items() if key in wanted},
        cut_off=memory.cut_off & wanted,
        reachable=memory.reachable & wanted,
    )
