"""The facts of ``core.doctor.far_end``: a gateway looks out for one of its nodes."""

from __future__ import annotations

import time

from gridwire.adapters.clock import utc_now
from gridwire.adapters.machine import read_conntrack
from gridwire.adapters.wireguard import Arrived, HostNetworks, watch_calls
from gridwire.agent.doctor.device import observe_device, peer_of, send_echoes
from gridwire.agent.doctor.standing import Standing, look, read_private_key
from gridwire.agent.doctor.surroundings import read_barriers, read_clashes, read_endpoint
from gridwire.core.doctor.far_end import FarEnd, Initiation
from gridwire.core.fleet import Node
from gridwire.core.observed import Known, Unknown
from gridwire.protocol.api import NodeView


def read_far_end(standing: Standing, networks: HostNetworks, view: NodeView, *, patience: float) -> FarEnd:
    """``patience``: seconds to look out for a node that is silent. Raise NotPermitted where echoes may not be sent."""
    node = view.node
    began, device = time.monotonic(), observe_device(standing)
    before = peer_of(device.value if isinstance(device, Known) else None, node.public_key)
    mtu = standing.spec.mesh.mtu if standing.spec is not None else standing.settings.fleet_network().mtu
    echoes = send_echoes(node.address, mtu)
    calls: Known[tuple[Initiation, ...]] | Unknown = Known(())
    others = 0
    if not echoes.small:
        calls, others = _calls(standing, node, patience)
        echoes = send_echoes(node.address, mtu)  # it may have come back meanwhile
    after = observe_device(standing)
    conntrack = read_conntrack()
    barriers = read_barriers(standing)
    wanted = [p for p in (standing.spec.mesh.peers if standing.spec else ()) if p.public_key == node.public_key]
    return FarEnd(
        node=node.name,
        role=node.role,
        state=node.state,
        address=node.address,
        now=utc_now(),
        interface=standing.interface,
        peers=after if isinstance(after, Unknown) else Known(after.value is not None),
        allowed_ips=wanted[0].allowed_ips if wanted else (),
        before=before,
        after=peer_of(after.value if isinstance(after, Known) else None, node.public_key),
        echoes=echoes,
        calls=calls,
        others=others,
        watched=time.monotonic() - began,
        reported=view.reported_at,
        ahead=view.ahead,
        agent_version=view.agent_version,
        endpoint=read_endpoint(standing, networks),
        conntrack=conntrack.value if isinstance(conntrack, Known) else None,
        barriers=barriers.value if isinstance(barriers, Known) else (),
        clashes=read_clashes(standing, networks),
    )


def _calls(standing: Standing, node: Node, patience: float) -> tuple[Known[tuple[Initiation, ...]] | Unknown, int]:
    """Handshakes that the node begins, and how many others do."""
    key = read_private_key(standing)
    if isinstance(key, Unknown):
        return key, 0
    heard = 0

    def enough(call: Arrived) -> bool:
        nonlocal heard
        heard += call.caller == node.public_key
        return heard >= 2  # the first may have been sent before this host's own call was answered

    seen = look(lambda: watch_calls(key.value, standing.listen_port, patience, enough))
    if isinstance(seen, Unknown):
        return seen, 0
    mine = tuple(Initiation(source=c.source, stamp=c.stamp) for c in seen.value if c.caller == node.public_key)
    return Known(mine), len(seen.value) - len(mine)
