"""Every finding that doctor knows: its id, how grave it is, what it means. docs/reference/doctor.md is this list."""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.perimeter import Finding, Severity

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``against``: it speaks against running gridwire on this host at all."""

    id: str
    severity: Severity
    where: str
    meaning: str
    against: bool = False


def _kind(where: str, id_: str, severity: Severity, meaning: str, *, against: bool = False) -> Kind:
    return Kind(id=id_, severity=severity, where=where, meaning=meaning, against=against)


KINDS: tuple[Kind, ...] = (
    _kind("host", "container-network", CRITICAL, "A container with a network of its own.", against=True),
    _kind("host", "no-net-admin", CRITICAL, "Network administration is not permitted here.", against=True),
    _kind(
        "host", "no-tun", CRITICAL, "Neither WireGuard in the kernel nor /dev/net/tun for wireguard-go.", against=True
    ),
    _kind("host", "orchestrated", CRITICAL, "Kubernetes or a hosting panel runs the host.", against=True),
    _kind("host", "tenants", WARNING, "Several people run servers of their own on the host.", against=True),
    _kind("host", "port-isolation", WARNING, "Several containers listen on the same port.", against=True),
    _kind("host", "bridged", WARNING, "Traffic of other machines is bridged through the host.", against=True),
    _kind("host", "routed", WARNING, "Traffic of other machines is forwarded through the host.", against=True),
    _kind("host", "program-missing", CRITICAL, "A program that gridwire runs is missing or incomplete."),
    _kind("host", "wireguard-slow", WARNING, "An old wireguard-go: a quarter of a current one's rate."),
    _kind("host", "clock-behind", CRITICAL, "The clock is behind what this host itself has written."),
    _kind("host", "clock-unsynchronised", WARNING, "Nothing keeps the clock right."),
    _kind("host", "conntrack-full", CRITICAL, "The kernel's connection table is full, and new flows are dropped."),
    _kind("host", "conntrack-tight", WARNING, "The connection table is nearly full, or was full."),
    _kind("host", "conntrack-timeout", WARNING, "UDP flows are forgotten before WireGuard speaks again."),
    _kind("host", "open-files", WARNING, "Too few open files for the connections that nginx may hold."),
    _kind("host", "sysctl-locked", WARNING, "A kernel setting that the guard wants cannot be set from here."),
    _kind("host", "sysctl-differs", WARNING, "A kernel setting is not what the guard made it."),
    _kind("host", "route-localnet", WARNING, "127.0.0.1 is open to a network but for the guard."),
    _kind("network", "prefix-clash", CRITICAL, "Something else of the host uses addresses of the mesh."),
    _kind("network", "behind-cgnat", WARNING, "The host has an address of a carrier's NAT: nobody can call it."),
    _kind("network", "endpoint-not-here", WARNING, "The gateway's endpoint leads to no address of this host."),
    _kind("network", "endpoint-unresolved", CRITICAL, "An endpoint's name does not resolve."),
    _kind("network", "firewall", CRITICAL, "Another firewall drops WireGuard's port or the mesh."),
    _kind("network", "link-mtu", WARNING, "The link carries less than a full WireGuard packet."),
    _kind("network", "docker-published", WARNING, "Docker publishes a port, past the host's input rules."),
    _kind("network", "docker-proxy", INFO, "Docker's userland proxy copies every byte of published ports."),
    _kind("network", "docker-forwarding", INFO, "Docker has turned IP forwarding on."),
    _kind("network", "other-vpn", INFO, "Another VPN runs here."),
    _kind("network", "vpn-default-route", WARNING, "All traffic leaves by another VPN, WireGuard's among it."),
    _kind("network", "resolver-strips", WARNING, "Routes' names get no private address from this resolver."),
    _kind("network", "name-unresolved", WARNING, "Routes' names do not lead to the gateway."),
    _kind("listeners", "port-held", CRITICAL, "Another program holds a port that gridwire needs."),
    _kind("listeners", "wildcard-listener", WARNING, "A program listens on every address of the host."),
    _kind("listeners", "wildcard-expected", INFO, "One that listens on every address as a rule does: SSH, DHCP, NTP."),
    _kind("node", "guard-missing", CRITICAL, "The perimeter does not stand."),
    _kind("node", "device-missing", CRITICAL, "There is no WireGuard device, or nobody serves it."),
    _kind("node", "device-differs", WARNING, "The device is not what this node's spec says."),
    _kind("node", "not-in-service", WARNING, "The node is not active in the grid."),
    _kind("node", "agent-silent", CRITICAL, "The tunnel carries data, and the agent says nothing."),
    _kind("tunnel", "clock", CRITICAL, "Clocks differ: WireGuard refuses handshakes that are not newer than the last."),
    _kind("tunnel", "mtu", CRITICAL, "Small packets pass the tunnel and large ones do not."),
    _kind("tunnel", "endpoint-changed", CRITICAL, "The other end is no longer where it is called."),
    _kind("tunnel", "clash", CRITICAL, "Packets for the mesh leave by another interface."),
    _kind("tunnel", "udp-blocked", CRITICAL, "Something on the way drops WireGuard's UDP."),
    _kind("tunnel", "allowed-ips", CRITICAL, "A peer's allowed IPs are not those of the spec."),
    _kind("tunnel", "conntrack", CRITICAL, "Packets arrive at the host and are lost in its connection table."),
    _kind("tunnel", "no-network", CRITICAL, "No network leads to the other end."),
    _kind("tunnel", "peer-missing", CRITICAL, "The device does not know the node's key."),
    _kind(
        "tunnel", "not-answered", CRITICAL, "Handshakes go out and nothing comes back; why cannot be told from here."
    ),
    _kind("tunnel", "not-arriving", CRITICAL, "Nothing of the node arrives; why cannot be told from here."),
    _kind(
        "tunnel", "not-carrying", CRITICAL, "The handshake is fresh, and nothing passes; why cannot be told from here."
    ),
)
BY_ID = {kind.id: kind for kind in KINDS}


def found(id_: str, what: str, *, evidence: str = "", fix: str = "", where: str = "") -> Finding:
    """A finding of a known kind; raise KeyError for any other. ``where`` in place of the kind's."""
    kind = BY_ID[id_]
    return Finding(id=id_, severity=kind.severity, where=where or kind.where, what=what, evidence=evidence, fix=fix)
