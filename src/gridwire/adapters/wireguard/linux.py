"""What the two real backends share: observing and changing a device that is there."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from pathlib import Path

from gridwire.adapters.wireguard import links
from gridwire.adapters.wireguard.dump import Dump
from gridwire.adapters.wireguard.resolve import resolve
from gridwire.adapters.wireguard.unchanged import Mark, link_mark
from gridwire.adapters.wireguard.wg import Wg, port_taken
from gridwire.core.actions import Action
from gridwire.core.addressing import Prefix
from gridwire.core.errors import Conflict, GridwireError, Unavailable
from gridwire.core.mesh_actions import (
    AddAddress,
    AddBlackhole,
    AwaitDevice,
    BringUp,
    CreateDevice,
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
from gridwire.core.wireguard import MeshObserved

AWAIT_SECONDS = 2.0
_KINDS = {"wireguard": "kernel", "tun": "wireguard-go"}


class LinuxBackend(ABC):
    def __init__(self, wg: Wg) -> None:
        self.wg = wg
        self._known: tuple[Mark, links.Link, tuple[Prefix, ...]] | None = None

    @abstractmethod
    def create(self, interface: str) -> None:
        """Make the device, or wait a moment for whoever makes it; raise Unavailable where nobody does."""

    def tend(self, interface: str) -> None:
        return

    def dump(self, interface: str) -> Dump:
        """Key, port and peers of a device that is there; raise GridwireError."""
        return self.wg.dump(interface)

    def _links(self, interface: str) -> tuple[links.Link | None, tuple[Prefix, ...]]:
        """The link and the blackhole routes; read again only when the kernel tells them otherwise than last time."""
        mark, known = link_mark(interface), self._known
        if mark is not None and known is not None and known[0] == mark:
            return known[1:]
        link, blackholes = links.read_link(interface), links.read_blackholes()
        settled = link is not None and mark is not None and link_mark(interface) == mark
        self._known = (mark, link, blackholes) if settled and link is not None and mark is not None else None
        return link, blackholes

    def observe(self, interface: str) -> Known[MeshObserved | None] | Unknown:
        try:
            link, blackholes = self._links(interface)
            if link is None:
                return Known(None)
            dump = self.dump(interface)
        except GridwireError as error:
            return Unknown(str(error))
        return Known(
            MeshObserved(
                interface=Interface(interface),
                kind=_KINDS.get(link.kind, link.kind),
                public_key=dump.public_key,
                listen_port=dump.listen_port,
                mtu=link.mtu,
                up=link.up,
                addresses=link.addresses,
                prefix_routed=bool(link.routes),
                blackholed=bool(blackholes),
                peers=dump.peers,
                routes=link.routes,
                blackholes=blackholes,
            )
        )

    def apply(self, action: Action, *, private_key: Path, conf: str) -> None:
        match action:
            case AwaitDevice(interface=interface):
                self._await(interface, action.reason)
            case AddBlackhole(prefix=prefix):
                links.add_blackhole(prefix)
            case CreateDevice(interface=interface):
                self.create(interface)
            case SetKey(interface=interface, listen_port=port):
                self.wg.set_key(interface, private_key, port)
            case AddAddress(interface=interface, address=address):
                links.add_address(interface, address)
            case RemoveAddress(interface=interface, address=address):
                links.remove_address(interface, address)
            case SetMtu(interface=interface, mtu=mtu):
                links.set_mtu(interface, mtu)
            case BringUp(interface=interface, listen_port=port):
                try:
                    links.bring_up(interface)
                except Conflict:
                    raise port_taken(port) from None
            case RoutePrefix(interface=interface, prefix=prefix):
                links.route_prefix(interface, prefix)
            case RemovePeers(interface=interface, public_keys=keys):
                self.wg.remove_peers(interface, keys)
            case SyncPeers(interface=interface):
                self.wg.add_peers(interface, conf)
            case SetEndpoint(interface=interface, public_key=key, endpoint=endpoint, keepalive=keepalive):
                self.wg.set_endpoint(interface, key, resolve(endpoint), keepalive)
            case RenewPeer(interface=interface, peer=peer):
                self.wg.remove_peers(interface, [peer.public_key])
                self.wg.add_peers(interface, conf)
            case _:
                raise TypeError(f"{type(action).__name__} is no action of a device")

    def _await(self, interface: str, reason: str) -> None:
        """Always raises: a plan that was made blind is followed by another, not by a verdict on it."""
        deadline = time.monotonic() + AWAIT_SECONDS
        while isinstance(self.observe(interface), Unknown):
            if time.monotonic() > deadline:
                raise Unavailable(reason, fix=f"see what {interface} is: `ip -d link show {interface}`")
            time.sleep(0.02)
        raise Unavailable(f"{interface} can be read now, and is planned again", code="not-yet")
