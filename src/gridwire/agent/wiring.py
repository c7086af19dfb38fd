"""The one place where the agent's parts are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridwire.adapters.nginx import Counts, Nginx, find_nginx
from gridwire.adapters.settings import load
from gridwire.adapters.sockets import kill_sockets
from gridwire.adapters.tailscale import LocalApi, TailnetWatch, host_addresses
from gridwire.adapters.wireguard import LinkWatch, read_received, select
from gridwire.agent.certificates import Certificates
from gridwire.agent.follow_address import AddressFollower
from gridwire.agent.guard import GuardSection
from gridwire.agent.held import HeldSection
from gridwire.agent.host import Host, Wake, Watch
from gridwire.agent.late import LateSection
from gridwire.agent.listening import HostSockets
from gridwire.agent.mesh import MeshSection
from gridwire.agent.names import NamesSection
from gridwire.agent.proxy import ProxySection, layout_at
from gridwire.agent.section import CuttingSection, Section
from gridwire.agent.state_dir import AgentState
from gridwire.agent.tailnet import TailnetSection
from gridwire.core import paths
from gridwire.core.addressing import Address
from gridwire.core.errors import GridwireError
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.settings import Settings
from gridwire.core.tailnet import Provider, carrier_grade
from gridwire.core.targets import Reach


def host_of(settings: Settings, settings_file: str, identity: JoinedAs) -> Host:
    """This host's sections. Nothing is touched or read yet, but the settings file when reach is asked for."""
    reach = ReachList(settings_file, settings.reach)
    guard = GuardSection()
    gateway = identity.role is Role.GATEWAY
    certificates = certificates_of(settings, identity) if gateway else None
    proxy = ProxySection(consent=reach, nginx=FoundNginx(), layout=layout_at(settings.paths), certificates=certificates)
    parts = _tailnet if identity.provider is Provider.TAILSCALE else _wireguard
    mesh = parts(settings, identity, proxy)
    sections: list[Section] = [guard, mesh.section, mesh.proxy]
    if not identity.no_hosts and settings.hosts:
        sections.append(NamesSection(identity.suffix, Path(paths.HOSTS)))
    serves = identity.role in (Role.GATEWAY, Role.EDGE)
    return Host(
        sections=tuple(sections),
        reach=reach,
        watches=(guard.watch, LinkWatch, *mesh.watches),
        end_nginx=proxy.end,
        push_health=proxy.push_health if gateway else None,
        kill_sockets=kill_sockets if gateway else None,
        received=mesh.received if gateway else None,
        rotate_logs=proxy.rotate_logs if serves else None,
        counters=guard.counters,
        sockets=HostSockets(identity.interface, settings.paths.nginx_pid),
        counts=Counts(settings.paths.door_socket) if gateway else None,
        follow_address=mesh.follow_address,
        findings=(guard.findings, reach.findings, *((certificates.findings,) if certificates else ()), *mesh.findings),
        certificates=certificates.told if certificates is not None else None,
    )


def certificates_of(settings: Settings, identity: JoinedAs) -> Certificates:
    from gridwire.adapters.certificates import CertificateFiles, Given  # here: of all nodes only gateways need X.509

    tls, where = settings.tls, settings.paths
    given = Given(certificate=tls.certificate, key=tls.key) if tls.certificate and tls.key else None
    served = f"{where.nginx_state}/certificates"
    return Certificates(identity, CertificateFiles(where.agent_state, served, paths.NGINX_USER, given))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshParts:
    """What a provider brings: its section, and the proxy's as it has to be on such a mesh; the rest as in Host."""

    section: Section
    proxy: Section
    received: Callable[[], dict[Address, int]]
    watches: tuple[Callable[[Wake], Watch], ...] = ()
    follow_address: Callable[[], bool] | None = None
    findings: tuple[Callable[[], tuple[Finding, ...]], ...] = ()


def _wireguard(settings: Settings, identity: JoinedAs, proxy: ProxySection) -> MeshParts:
    state = Path(settings.paths.agent_state)

    def make() -> CuttingSection:
        backend = select(settings.mesh.wireguard_go)
        return MeshSection(state / "node.key", state, backend, interface=identity.interface)

    return MeshParts(section=LateSection("mesh", make), proxy=proxy, received=lambda: read_received(identity.interface))


def _tailnet(settings: Settings, identity: JoinedAs, proxy: ProxySection) -> MeshParts:
    socket = settings.mesh.socket
    section = TailnetSection(LocalApi(socket), identity.interface, members=identity.role is Role.GATEWAY)
    follower = AddressFollower(
        identity,
        AgentState(settings.paths.agent_state),
        own=section.standing_own,
        members=lambda: section.peers,
        local_socket=settings.paths.local_socket,
    )
    return MeshParts(
        section=section,
        proxy=HeldSection(proxy, lambda: section.held),
        received=section.received,
        watches=(lambda wake: TailnetWatch(wake, socket),),
        follow_address=follower.follow,
        findings=(section.findings, lambda: carrier_grade(host_addresses(identity.interface))),
    )


class FoundNginx:
    """find_nginx, which runs `nginx -v`: again only when the binary is another. Called from several threads."""

    def __init__(self, find: Callable[[], Nginx] = find_nginx) -> None:
        self._find = find
        self._found: tuple[tuple[int, int, int], Nginx] | None = None

    def __call__(self) -> Nginx:
        """Raise Unavailable where there is none that will do; that is looked up anew each time."""
        found = self._found
        if found is not None and _stamp(found[1].binary) == found[0]:
            return found[1]
        nginx = self._find()
        stamp = _stamp(nginx.binary)
        self._found = None if stamp is None else (stamp, nginx)
        return nginx


def _stamp(path: str | Path) -> tuple[int, int, int] | None:
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


class ReachList:
    """The reach list of the settings file, read anew when the file changed. Called from several threads.

    A file that is gone consents to nothing any more. One with a mistake in it changes nothing and is a finding: a
    slip of an editor must not take services off the grid.
    """

    def __init__(self, path: str, known: tuple[Reach, ...]) -> None:
        self._path = Path(path)
        self._read: tuple[tuple[int, int, int] | None, tuple[Reach, ...]] = (None, known)
        self._mistake: GridwireError | None = None

    def __call__(self) -> tuple[Reach, ...]:
        stamp = _stamp(self._path)
        if stamp is None:
            return ()
        seen, reach = self._read
        if stamp != seen:
            try:
                reach, self._mistake = load(self._path).reach, None
            except GridwireError as error:
                self._mistake = error
            self._read = (stamp, reach)
        return reach

    def findings(self) -> tuple[Finding, ...]:
        if self._mistake is None:
            return ()
        what = f"{self._mistake}; the reach list stays as it was before"
        return (Finding(id="settings", severity=Severity.WARNING, where="agent", what=what),)
