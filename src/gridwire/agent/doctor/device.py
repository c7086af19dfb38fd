"""This node's WireGuard device, its guard, and echoes through the tunnel: for either end."""

from __future__ import annotations

from datetime import datetime

from gridwire.adapters.machine import way_to
from gridwire.adapters.sockets import SMALL, echo, largest_echo
from gridwire.adapters.wireguard import public_of, select
from gridwire.agent.doctor.standing import Standing, look, read_private_key
from gridwire.core.addressing import Address
from gridwire.core.doctor.kinds import found
from gridwire.core.doctor.tunnel import Echoes
from gridwire.core.errors import GridwireError
from gridwire.core.guard import GuardObserved, SetSysctl, plan_guard
from gridwire.core.mesh import plan_mesh
from gridwire.core.mesh_actions import KillSockets, RenewPeer, SetEndpoint
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Finding
from gridwire.core.wireguard import MeshObserved, PeerSeen, PublicKey

SMALLEST_MTU = 576  # what every IPv4 host takes, RFC 791 §3.2
_PASSING = (KillSockets, RenewPeer, SetEndpoint)  # what the agent does again and again while a peer is silent


def observe_device(standing: Standing) -> Known[MeshObserved | None] | Unknown:
    if not standing.root:
        return Unknown("only root may read WireGuard's devices")
    backend = look(lambda: select(standing.settings.mesh.wireguard_go))
    if isinstance(backend, Unknown):
        return backend
    return backend.value.observe(standing.interface)


def differences_of(standing: Standing, device: MeshObserved, now: datetime) -> tuple[str, ...]:
    """What the agent would change, by its own plan; nothing where there is no spec or no key to plan with."""
    key = read_private_key(standing)
    if standing.spec is None or isinstance(key, Unknown):
        return ()
    spec = standing.spec
    try:
        plan = plan_mesh(spec.mesh, public_of(key.value), Known(device), now, tombstones=spec.tombstones)
    except GridwireError as error:
        return (error.what,)
    return tuple(action.reason for action in plan if not isinstance(action, _PASSING))


def peer_of(device: MeshObserved | None, key: PublicKey | None) -> PeerSeen | None:
    if device is None:
        return None
    return next((peer for peer in device.peers if peer.public_key == key), None)


def send_echoes(address: Address, mtu: int) -> Echoes:
    """Three small echoes through the tunnel and, where one is answered, one that fills it. Raise NotPermitted."""
    by = way_to(address)
    small = echo(address, SMALL)
    full = small and echo(address, mtu, tries=3)
    largest = largest_echo(address, SMALLEST_MTU, mtu) if small and not full else 0
    return Echoes(small=small, full=full, mtu=mtu, largest=largest, by=by)


def judge_guard(standing: Standing, observed: Known[GuardObserved | None] | Unknown) -> tuple[Finding, ...]:
    """What is missing of the guard that the spec wants; nothing where it cannot be read, which is told as unseen."""
    if standing.spec is None or isinstance(observed, Unknown):
        return ()
    lacking = [a.reason for a in plan_guard(standing.spec.guard, observed) if not isinstance(a, SetSysctl)]
    if not lacking:
        return ()
    return (
        found(
            "guard-missing",
            "the perimeter does not stand: whoever shares a link with this host reaches its mesh address",
            evidence="; ".join(lacking),
            fix="gridwire guard load; then see what takes it away",
        ),
    )
