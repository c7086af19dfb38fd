"""One look at this host, or from this gateway at one of its nodes: what was seen, put before ``core.doctor``."""

from __future__ import annotations

from collections.abc import Iterable

from gridwire.adapters.machine import running_programs
from gridwire.adapters.wireguard import HostNetworks, read_host_networks
from gridwire.agent.doctor import device, far_end, machine, near_end, surroundings
from gridwire.agent.doctor.standing import Standing, look, read_standing
from gridwire.agent.guard import GuardSection
from gridwire.core.doctor.diagnosis import (
    Diagnosis,
    Fact,
    Unseen,
    diagnose,
    facts_of_machine,
    facts_of_surroundings,
    unseen_of_machine,
    unseen_of_surroundings,
)
from gridwire.core.doctor.far_end import judge_far_end
from gridwire.core.doctor.kinds import found
from gridwire.core.doctor.machine import judge_machine
from gridwire.core.doctor.surroundings import judge_surroundings
from gridwire.core.doctor.tunnel import Echoes, judge_near_end
from gridwire.core.fleet import Role
from gridwire.core.guard import ARRIVED, TABLE
from gridwire.core.observed import Unknown
from gridwire.core.perimeter import Finding
from gridwire.protocol.api import NodeView

_NOWHERE = HostNetworks(addresses=(), routes=(), tailscale=False)


# A device that got no answer begins another handshake 15 s after it sent (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT), calls
# every 5 s from then on (REKEY_TIMEOUT) and speaks every 15 s at least: one of each is waited for.
PATIENCE_SECONDS = 22.0


def examine_host(settings_file: str, *, patience: float = PATIENCE_SECONDS) -> Diagnosis:
    """Everything about this host, whatever it is in a grid. Raise Invalid for a wrong settings file.

    ``patience``: seconds to wait for a gateway that is silent.
    """
    standing = read_standing(settings_file)
    networks, facts, findings, unseen = _host(standing, settings_file)
    if standing.identity is not None:
        behind = any(finding.id == "clock-behind" for finding in findings)
        more = _node(standing, networks, clock_behind=behind, patience=patience)
        facts, findings, unseen = [*facts, *more[0]], [*findings, *more[1]], [*unseen, *more[2]]
    elif standing.configured and standing.root:
        unseen.append(Unseen(name="the node", reason="there are settings, and this host has joined no grid yet"))
    name = standing.identity.node if standing.identity is not None else ""
    return diagnose(name, facts, findings, unseen)


def examine_node(settings_file: str, view: NodeView, *, patience: float = PATIENCE_SECONDS) -> Diagnosis:
    """One node of the grid, from this gateway; and what of this host can be why it is not reached."""
    standing = read_standing(settings_file)
    if standing.identity is not None and standing.identity.node == view.node.name:
        return examine_host(settings_file, patience=patience)
    networks, facts, findings, unseen = _host(standing, settings_file)
    seen = look(lambda: far_end.read_far_end(standing, networks, view, patience=patience))
    if isinstance(seen, Unknown):
        unseen.append(Unseen(name=f"the tunnel to {view.node.name}", reason=seen.reason))
        return diagnose(view.node.name, facts, findings, unseen)
    if isinstance(seen.value.peers, Unknown):
        unseen.append(Unseen(name=f"the tunnel to {view.node.name}", reason=seen.value.peers.reason))
    if isinstance(seen.value.calls, Unknown):
        unseen.append(Unseen(name=f"handshakes of {view.node.name}", reason=seen.value.calls.reason))
    findings += judge_far_end(seen.value)
    peer = seen.value.after
    endpoint = peer.endpoint if peer is not None and peer.endpoint is not None else "never seen"
    facts += [
        Fact(name="node", value=f"{view.node.name} ({view.node.role}, {view.node.state}), {view.node.address}"),
        Fact(name="its endpoint", value=endpoint),
        Fact(name="its tunnel", value=_carried(seen.value.echoes)),
    ]
    return diagnose(view.node.name, facts, findings, unseen)


Seen = tuple[list[Fact], list[Finding], list[Unseen]]


def _host(standing: Standing, settings_file: str) -> tuple[HostNetworks, *Seen]:
    """What a look at this host sees, and its networks, which other looks go by, too."""
    programs = running_programs()
    unseen = list(standing.unseen)
    if not standing.root:
        unseen.append(Unseen(name="processes of others", reason="only root sees whose sockets, rules and devices are"))
    of_machine = machine.read_machine(standing, settings_file, programs)
    guarded = standing.identity is not None
    facts, findings = [*facts_of_machine(of_machine)], [*judge_machine(of_machine, guarded=guarded)]
    unseen += unseen_of_machine(of_machine)
    networks = _networks(unseen)
    around = look(lambda: surroundings.read_surroundings(standing, networks, programs))
    if isinstance(around, Unknown):
        unseen.append(Unseen(name="networks", reason=around.reason))
    else:
        facts += facts_of_surroundings(around.value)
        findings += judge_surroundings(around.value)
        unseen += unseen_of_surroundings(around.value)
    listeners = look(lambda: surroundings.find_listeners(standing))
    if isinstance(listeners, Unknown):
        unseen.append(Unseen(name="listeners", reason=listeners.reason))
    else:
        findings += listeners.value
    return networks, facts, findings, unseen


def _carried(echoes: Echoes) -> str:
    if not echoes.small:
        return "carries nothing"
    return "carries full packets" if echoes.full else "carries small packets alone"


def _networks(unseen: list[Unseen]) -> HostNetworks:
    networks = look(read_host_networks)
    if isinstance(networks, Unknown):
        unseen.append(Unseen(name="addresses and routes", reason=networks.reason))
        return _NOWHERE
    return networks.value


def _node(standing: Standing, networks: HostNetworks, *, clock_behind: bool, patience: float) -> Seen:
    """What this node is and should be, and whether it reaches its gateways."""
    assert standing.identity is not None
    identity = standing.identity
    facts = [Fact(name="node", value=f"{identity.node} ({identity.role}), {identity.address}")]
    if not standing.root:
        return facts, [], [Unseen(name="tunnel and guard", reason="only root may read them")]
    unseen: list[Unseen] = []
    guard = GuardSection().observe()
    findings: list[Finding] = [*device.judge_guard(standing, guard)]
    if isinstance(guard, Unknown):
        unseen.append(Unseen(name="guard", reason=guard.reason))
    seen = look(lambda: near_end.read_near_end(standing, networks, clock_behind=clock_behind, patience=patience))
    if isinstance(seen, Unknown):
        return facts, findings, [*unseen, Unseen(name="tunnel", reason=seen.reason)]
    if isinstance(seen.value.device, Unknown):
        unseen.append(Unseen(name="tunnel", reason=seen.value.device.reason))
    findings += judge_near_end(seen.value)
    for gateway in seen.value.gateways:
        said = _carried(gateway.echoes)
        facts.append(Fact(name=f"tunnel to {gateway.node}", value=f"{said}; called at {gateway.endpoint}"))
    if identity.role is Role.GATEWAY:
        findings += _arrivals(standing, facts)
    return facts, findings, unseen


def _arrivals(standing: Standing, facts: list[Fact]) -> Iterable[Finding]:
    """Whether anything ever came to WireGuard's port: that somebody outside can call it, nobody here can try."""
    counted = look(lambda: GuardSection().counters())
    if isinstance(counted, Unknown) or ARRIVED not in counted.value:
        return
    packets, _ = counted.value[ARRIVED]
    facts.append(Fact(name="WireGuard's port", value=f"{packets} packets arrived since the guard was loaded"))
    if not packets and standing.spec is not None and standing.spec.mesh.peers:
        yield found(
            "not-arriving",
            f"nothing has come to UDP port {standing.listen_port} since the guard was loaded, and there are nodes",
            evidence=f"counter {ARRIVED} of table inet {TABLE}: 0 packets",
            fix="open that UDP port at the provider and on the router before this host, and forward it to this host",
        )
