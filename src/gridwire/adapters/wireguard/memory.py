"""Devices in memory, for plans to be tried on: what a real one refuses, this refuses too."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gridwire.core.actions import Action
from gridwire.core.addressing import Address, Prefix
from gridwire.core.errors import Conflict, Unavailable
from gridwire.core.mesh_actions import (
    AddAddress,
    AddBlackhole,
    AwaitDevice,
    BringUp,
    CreateDevice,
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
from gridwire.core.names import Interface
from gridwire.core.observed import Known, Unknown
from gridwire.core.wireguard import MeshObserved, PeerSeen, PublicKey


@dataclass(slots=True)
class _Device:
    public_key: PublicKey | None = None
    listen_port: int = 40000
    mtu: int = 1420
    up: bool = False
    addresses: list[Address] = field(default_factory=list)
    routes: list[Prefix] = field(default_factory=list)
    peers: dict[PublicKey, PeerSeen] = field(default_factory=dict)


class MemoryBackend:
    """``names``: what endpoint names resolve to; ``taken``: UDP ports that another holds."""

    kind = "memory"
    version = "memory"

    def __init__(self, *, names: dict[str, str] | None = None, taken: frozenset[int] = frozenset()) -> None:
        self.names = names or {}
        self.taken = taken
        self.blackholes: set[Prefix] = set()
        self._devices: dict[str, _Device] = {}
        self._hidden = ""

    def hide(self, reason: str) -> None:
        """Make observe answer Unknown, until it is given an empty reason."""
        self._hidden = reason

    def shake_hands(self, interface: str, key: PublicKey, endpoint: str, at: datetime) -> None:
        """As if ``key`` had called from ``endpoint``."""
        peers = self._device(interface).peers
        peers[key] = replace(peers[key], endpoint=endpoint, latest_handshake=at)

    def observe(self, interface: str) -> Known[MeshObserved | None] | Unknown:
        if self._hidden:
            return Unknown(self._hidden)
        device = self._devices.get(interface)
        if device is None:
            return Known(None)
        return Known(
            MeshObserved(
                interface=Interface(interface),
                kind=self.kind,
                public_key=device.public_key,
                listen_port=device.listen_port,
                mtu=device.mtu,
                up=device.up,
                addresses=tuple(device.addresses),
                prefix_routed=bool(device.routes),
                blackholed=bool(self.blackholes),
                peers=tuple(device.peers[key] for key in sorted(device.peers)),
                routes=tuple(device.routes),
                blackholes=tuple(self.blackholes),
            )
        )

    def tend(self, interface: str) -> None:
        return

    def start(self, interface: str) -> None:
        self._devices.setdefault(interface, _Device())

    def stop(self, interface: str) -> None:
        self._devices.pop(interface, None)

    def apply(self, action: Action, *, private_key: Path, conf: str) -> None:
        match action:
            case AwaitDevice():
                raise Unavailable(action.reason)
            case AddBlackhole(prefix=prefix):
                self.blackholes.add(prefix)
            case CreateDevice(interface=interface):
                self.start(interface)
            case SetKey(interface=interface, public_key=key, listen_port=port):
                if port in self.taken:
                    raise Conflict(f"UDP port {port} is taken", code="port-taken")
                device = self._device(interface)
                device.public_key = key
                device.listen_port = port or device.listen_port
                device.peers.pop(key, None)
            case AddAddress(interface=interface, address=address):
                if address not in self._device(interface).addresses:
                    self._device(interface).addresses.append(address)
            case RemoveAddress(interface=interface, address=address):
                self._device(interface).addresses.remove(address)
            case SetMtu(interface=interface, mtu=mtu):
                self._device(interface).mtu = mtu
            case BringUp(interface=interface):
                self._device(interface).up = True
            case RoutePrefix(interface=interface, prefix=prefix):
                if not self._device(interface).up:
                    raise Unavailable(f"{interface} is down")
                self._device(interface).routes.append(prefix)
            case RemovePeers(interface=interface, public_keys=keys):
                for key in keys:
                    self._device(interface).peers.pop(key, None)
            case SyncPeers(interface=interface, peers=peers):
                for peer in peers:
                    self._write(interface, peer)
            case SetEndpoint(interface=interface, public_key=key, endpoint=endpoint, keepalive=keepalive):
                peers_of = self._device(interface).peers
                peers_of[key] = replace(peers_of[key], endpoint=self._resolve(endpoint), keepalive=keepalive)
            case RenewPeer(interface=interface, peer=peer):
                del self._device(interface).peers[peer.public_key]
                self._write(interface, peer)
            case _:
                raise TypeError(f"{type(action).__name__} is no action of a device")

    def _device(self, interface: str) -> _Device:
        if interface not in self._devices:
            raise Unavailable(f"there is no {interface}")
        return self._devices[interface]

    def _write(self, interface: str, peer: PeerConfig) -> None:
        """Cryptokey routing: an address belongs to the peer that was given it last."""
        peers = self._device(interface).peers
        for key, other in peers.items():
            kept = tuple(prefix for prefix in other.allowed_ips if prefix not in peer.allowed_ips)
            peers[key] = replace(other, allowed_ips=kept)
        current = peers.get(peer.public_key)
        peers[peer.public_key] = PeerSeen(
            public_key=peer.public_key,
            endpoint=peer.endpoint or (current.endpoint if current is not None else None),
            allowed_ips=peer.allowed_ips,
            latest_handshake=current.latest_handshake if current is not None else None,
            received_bytes=0,
            sent_bytes=0,
            keepalive=peer.keepalive,
        )

    def _resolve(self, endpoint: str) -> str:
        host, _, port = endpoint.rpartition(":")
        if host in self.names:
            return f"{self.names[host]}:{port}"
        if host.replace(".", "").isdigit() or host.startswith("["):
            return endpoint
        raise Unavailable(f"{host} does not resolve", code="unresolved")
