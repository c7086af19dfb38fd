"""The gateway's settings file against the grid: what was changed there becomes a revision, or a finding.

endpoint, network.ports.{routes,tls,panel},
network.mtu, tls.mode, mesh.approve                                       at any time
domain, network.ports.{api,enrol,edge}             until a node is invited: its token says them, and its agent
                                                   takes no spec with others
node.name, network.prefix, network.interface,
mesh.provider                                      never: they were fixed at init
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gridwire.adapters.store import Writing
from gridwire.core.addressing import address_at
from gridwire.core.errors import Conflict
from gridwire.core.fleet import DEFAULT_SUFFIX, Fleet, Network, Node, NodeState
from gridwire.core.names import NodeName
from gridwire.core.perimeter import Finding, Severity

_SETTINGS: Final = {  # a field of Network → its setting
    "prefix": "network.prefix",
    "interface": "network.interface",
    "suffix": "domain",
    "routes_port": "network.ports.routes",
    "api_port": "network.ports.api",
    "enrol_port": "network.ports.enrol",
    "edge_port": "network.ports.edge",
    "tls": "tls.mode",
    "tls_port": "network.ports.tls",
    "panel_port": "network.ports.panel",
    "mtu": "network.mtu",
    "provider": "mesh.provider",
    "approve": "mesh.approve",
}
_NEVER: Final = ("prefix", "interface", "provider")
_ALWAYS: Final = ("routes_port", "tls", "tls_port", "panel_port", "mtu", "approve")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What the settings file of this host says. ``place``: a dotted key → file:line:column."""

    node: NodeName
    network: Network
    endpoint: str | None
    place: Callable[[str], str]


def follow_settings(transaction: Writing, asked: HostSettings, *, now: datetime) -> tuple[Finding, ...]:
    """Make the grid what the settings say, all of it or nothing; the findings say what cannot be followed.

    Raise Conflict where the new names of two routes would be the same.
    """
    if transaction.version() is None:
        return ()
    fleet = transaction.fleet()
    gateway = next((node for node in fleet.gateways() if node.name == asked.node), None)
    if gateway is None:
        return (_another_name(fleet, asked),)
    network = _wanted(fleet.network, gateway, asked)
    differing = tuple(name for name in _SETTINGS if getattr(network, name) != getattr(fleet.network, name))
    invited = _invited(transaction, fleet, gateway)
    refused = tuple(name for name in differing if name in _NEVER or (invited and name not in _ALWAYS))
    if refused:
        return tuple(_finding(name, fleet.network, network, asked, invited) for name in refused)
    endpoint = asked.endpoint or gateway.endpoint
    changed = [(_SETTINGS[name], getattr(fleet.network, name), getattr(network, name)) for name in differing]
    if endpoint != gateway.endpoint:
        changed.append(("endpoint", gateway.endpoint, endpoint))
    if changed:
        transaction.save(
            replace(fleet, network=network).put(replace(gateway, endpoint=endpoint)),
            author="root",
            reason=f"settings changed: {', '.join(f'{setting} {after}' for setting, _, after in changed)}",
            kind="settings.changed",
            subject=gateway.name,
            now=now,
            detail=", ".join(f"{setting} {before} → {after}" for setting, before, after in changed),
        )
    return ()


def clash_of(error: Conflict, asked: HostSettings) -> Finding:
    """What to say where the settings could not be saved."""
    return Finding(
        id="settings",
        severity=Severity.WARNING,
        where="settings",
        what=f"{asked.place('domain')}: the settings are not followed: {error.what}",
        fix=error.fix,
    )


def _wanted(present: Network, gateway: Node, asked: HostSettings) -> Network:
    """A gateway that joined by invitation has a file of its own, which says nothing about the grid."""
    if gateway.address != address_at(present.prefix, 1):
        return present
    return asked.network


def _invited(transaction: Writing, fleet: Fleet, gateway: Node) -> tuple[NodeName, ...]:
    """Nodes that hold a token or joined with one. A device has none: it knows only addresses and the endpoint."""
    return tuple(
        node.name
        for node in fleet.nodes
        if node.address != gateway.address
        and node.state is not NodeState.REVOKED
        and transaction.invitation_of(node.address) is not None
    )


def _finding(
    name: str, present: Network, wanted: Network, asked: HostSettings, invited: tuple[NodeName, ...]
) -> Finding:
    setting, before = _SETTINGS[name], getattr(present, name)
    why = "it was fixed at init" if name in _NEVER else f"{_names(invited)} joined with it"
    fix = f"write {before} again" if name != "suffix" or before != DEFAULT_SUFFIX else "take `domain:` out again"
    if name == "suffix":
        fix += f"; one route can have the name: gridwire route add --host api.{wanted.suffix} …"
    return Finding(
        id="settings",
        severity=Severity.WARNING,
        where="settings",
        what=f"{asked.place(setting)}: {setting} is {getattr(wanted, name)} here and {before} in the grid: {why}, so "
        "these settings are not followed",
        fix=fix,
    )


def _another_name(fleet: Fleet, asked: HostSettings) -> Finding:
    names = " or ".join(gateway.name for gateway in fleet.gateways())
    return Finding(
        id="settings",
        severity=Severity.WARNING,
        where="settings",
        what=f"{asked.place('node.name')}: node.name is {asked.node} here, and the grid's gateway is {names}: it was "
        "fixed at init, so these settings are not followed",
        fix=f"write {names} again",
    )


def _names(invited: tuple[NodeName, ...]) -> str:
    others = len(invited) - 1
    return invited[0] if not others else f"{invited[0]} and {others} other{'' if others == 1 else 's'}"
