"""The facts of ``core.doctor.tunnel``: a node asks for its gateways, inside of the tunnel and outside."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from ipaddress import ip_address

from gridwire.adapters.clock import utc_now
from gridwire.adapters.machine import read_conntrack
from gridwire.adapters.resolver import look_up
from gridwire.adapters.sockets import SMALL, ask, echo, said_time
from gridwire.adapters.wireguard import HostNetworks
from gridwire.agent.doctor.device import differences_of, observe_device, peer_of, send_echoes
from gridwire.agent.doctor.standing import Standing
from gridwire.agent.doctor.surroundings import read_clashes
from gridwire.core.addressing import Address
from gridwire.core.doctor.tunnel import GatewaySeen, NearEnd, Reply, heard
from gridwire.core.endpoint import split_endpoint
from gridwire.core.observed import Known
from gridwire.core.wireguard import DEFAULT_MTU, MeshObserved, Peer, PeerSeen


def read_near_end(standing: Standing, networks: HostNetworks, *, clock_behind: bool, patience: float) -> NearEnd:
    """``patience``: seconds to wait for a gateway that is silent. Raise NotPermitted where echoes may not be sent."""
    device = observe_device(standing)
    there = device.value if isinstance(device, Known) else None
    peers = standing.spec.mesh.peers if standing.spec is not None and there is not None else ()
    gateways = tuple(_gateway(standing, there, peer, patience) for peer in peers if peer.endpoint is not None)
    after = observe_device(standing)  # one device for all of them, once each has had its time
    last = after.value if isinstance(after, Known) else None
    conntrack = read_conntrack()
    return NearEnd(
        now=utc_now(),
        interface=standing.interface,
        device=after,
        differences=() if last is None else differences_of(standing, last, utc_now()),
        clashes=read_clashes(standing, networks),
        conntrack=conntrack.value if isinstance(conntrack, Known) else None,
        clock_behind=clock_behind,
        gateways=gateways,
    )


def _gateway(standing: Standing, device: MeshObserved | None, peer: Peer, patience: float) -> GatewaySeen:
    assert peer.endpoint is not None
    before = peer_of(device, peer.public_key)
    mesh = peer.allowed_ips[0].network_address
    called = before.endpoint if before is not None and before.endpoint is not None else peer.endpoint
    mtu = device.mtu if device is not None else DEFAULT_MTU
    echoes = send_echoes(mesh, mtu)
    resolved = _addresses(peer.endpoint)
    reply: Reply = Reply.SILENT
    answers: bool | None = None
    if not echoes.small:
        reply, answers = _outside(standing, before, called, resolved, patience)
        echoes = send_echoes(mesh, mtu)  # it may have come back meanwhile
    clock = _clock(mesh, standing) if echoes.small else None
    after = observe_device(standing)
    return GatewaySeen(
        node=peer.node,
        public_key=peer.public_key,
        address=mesh,
        endpoint=peer.endpoint,
        resolved=resolved,
        allowed_ips=peer.allowed_ips,
        before=before,
        after=peer_of(after.value if isinstance(after, Known) else None, peer.public_key),
        echoes=echoes,
        reply=reply,
        answers=answers,
        clock=clock,
    )


def _await_life(standing: Standing, before: PeerSeen | None, until: float) -> None:
    """Return once the peer was heard: a device that gets no answer makes a new handshake after 15 s
    (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT), and whether that one is answered tells a tunnel from a silent wire."""
    while before is not None and time.monotonic() < until:
        observed = observe_device(standing)
        now = peer_of(observed.value if isinstance(observed, Known) else None, before.public_key)
        if now is None or heard(before, now):
            return
        time.sleep(0.25)


def _outside(
    standing: Standing, before: PeerSeen | None, called: str, resolved: tuple[Address, ...], patience: float
) -> tuple[Reply, bool | None]:
    """What is said of the endpoint by others than WireGuard, while WireGuard has its time."""
    host, port = split_endpoint(called)
    try:
        address: Address | None = ip_address(host)
    except ValueError:
        address = resolved[0] if resolved else None
    with ThreadPoolExecutor(max_workers=3) as pool:
        life = pool.submit(_await_life, standing, before, time.monotonic() + patience)
        if address is None:
            life.result()
            return Reply.SILENT, None
        reply, answers = pool.submit(ask, address, port, patience=patience), pool.submit(echo, address, SMALL)
        life.result()
        return reply.result(), answers.result()


def _clock(gateway: Address, standing: Standing) -> tuple[datetime, datetime] | None:
    port = standing.identity.api_port if standing.identity is not None else standing.settings.network.ports.api
    theirs = said_time(gateway, port)
    return None if theirs is None else (theirs, utc_now())


def _addresses(endpoint: str) -> tuple[Address, ...]:
    return look_up(split_endpoint(endpoint)[0]).addresses  # of a literal, itself
