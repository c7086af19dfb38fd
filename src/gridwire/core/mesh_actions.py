"""The changes that a mesh device can go through. Reasons name old and new; secrets are in none of them."""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.actions import Action
from gridwire.core.addressing import Address, Prefix
from gridwire.core.names import Interface
from gridwire.core.wireguard import PublicKey

# Any route of the mesh's own has a lower metric, so this one decides only when the device is gone
# (measured: without it packets for the mesh leave in clear by the default gateway).
BLACKHOLE_METRIC = 4278198272


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerConfig:
    """A peer as it is written to the device. ``endpoint`` is an address literal with port; none leaves it be."""

    public_key: PublicKey
    allowed_ips: tuple[Prefix, ...]
    endpoint: str | None = None
    keepalive: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitDevice(Action):
    """The device could not be read: nothing is changed, and applying raises if it still cannot be."""

    interface: Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePeers(Action):
    interface: Interface
    public_keys: tuple[PublicKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSockets(Action):
    """TCP sockets outlive the peer, and would deliver a stream to whoever answered at its address next."""

    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddBlackhole(Action):
    """Adding one that stands is no error: without a device nobody has looked."""

    prefix: Prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDevice(Action):
    interface: Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class SetKey(Action):
    """The private half of ``public_key``, and the port (0: any). ``or_any``: where that one is taken, any other."""

    interface: Interface
    public_key: PublicKey
    listen_port: int
    or_any: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAddress(Action):
    interface: Interface
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAddress(Action):
    interface: Interface
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMtu(Action):
    interface: Interface
    mtu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BringUp(Action):
    """The kernel's device takes its port only now; wireguard-go has it since SetKey."""

    interface: Interface
    listen_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePrefix(Action):
    interface: Interface
    prefix: Prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPeers(Action):
    """Peers to add or to rewrite: all that differ, whole; the ones that do not are left alone."""

    interface: Interface
    peers: tuple[PeerConfig, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEndpoint(Action):
    """``endpoint`` is host:port as the spec says it; whoever applies this resolves the name."""

    interface: Interface
    public_key: PublicKey
    endpoint: str
    keepalive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewPeer(Action):
    """Removed and added again: only that makes a device forget the newest timestamp a peer ever sent."""

    interface: Interface
    peer: PeerConfig
