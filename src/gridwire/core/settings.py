"""What a host needs to start, as /etc/gridwire/gridwire.yaml says it: a tree of plain values → ``Settings``.

    node:     {name: gw}
    network:  {prefix: 10.85.0.0/16, interface: gw0, mtu: 1420, shared_address_space: false,
               ports: {routes: 80, api: 2086, enrol: 2087, edge: 2085}}
    endpoint: gw.example.com:51820        where others call this gateway; absent elsewhere
    domain:   home.example.com            routes stand under it; absent: under .grid
    reach:    [127.0.0.1:9000]            what this edge lets be published
    hosts:    true                        whether the agent keeps a block in /etc/hosts
    paths:    {state: /var/lib/gridwire, run: /run/gridwire, logs: /var/log/gridwire}
    database: {url: "sqlite:////var/lib/gridwire/control/gridwire.db"}
    mesh:     {provider: wireguard, wireguard_go: /usr/bin/wireguard-go}
    mesh:     {provider: tailscale, socket: /run/tailscale/tailscaled.sock, approve: [tag:edge]}
    tls:      {certificate: /etc/ssl/grid.pem, key: /etc/ssl/grid.key}

On a tailnet prefix and interface are Tailscale's, and there is no endpoint.

Only ``node.name`` must be there. A wrong value is Invalid with its dotted path (``network.ports.api``,
``reach[2]``); whoever read the file turns that into file:line:column. An unknown key has the code
``unknown-key``, so that the key is pointed at and not its value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from gridwire.core import paths
from gridwire.core.addressing import DEFAULT_PREFIX, Prefix, mesh_prefix
from gridwire.core.errors import Invalid
from gridwire.core.fleet import DEFAULT_SUFFIX, Network, Selector, Tls, parse_selector
from gridwire.core.names import HostName, Interface, NodeName, host_name, interface_name, node_name, shown
from gridwire.core.settings_tree import Section, kind
from gridwire.core.tailnet import DEVICE, SOCKET, TAILNET4, Provider
from gridwire.core.targets import Reach, check_absolute_path, parse_reach
from gridwire.core.wireguard import DEFAULT_MTU, DEFAULT_PORT

DEFAULT_INTERFACE = Interface("gw0")
_DEFAULT_PREFIX: Prefix = DEFAULT_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    name: NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSettings:
    """TCP ports on mesh addresses; those of gateways must differ from each other."""

    routes: int = 80
    api: int = 2086
    enrol: int = 2087
    edge: int = 2085
    tls: int = 443
    panel: int = 2443

    def __post_init__(self) -> None:
        if len({self.routes, self.api, self.enrol, self.tls, self.panel}) != 5:
            raise Invalid("network.ports", "two of routes, api, enrol, tls and panel are one", fix="give each its own")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    prefix: Prefix = DEFAULT_PREFIX
    interface: Interface = DEFAULT_INTERFACE
    mtu: int = DEFAULT_MTU
    shared_address_space: bool = False
    ports: PortSettings = PortSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSettings:
    """Absolute directories; what stands in them is fixed (core.paths)."""

    state: str = paths.STATE
    run: str = paths.RUN
    logs: str = paths.LOGS

    @property
    def control_state(self) -> str:
        return f"{self.state}/control"

    @property
    def agent_state(self) -> str:
        return f"{self.state}/agent"

    @property
    def nginx_state(self) -> str:
        return f"{self.state}/nginx"

    @property
    def control_socket(self) -> str:
        return f"{self.run}/control.sock"

    @property
    def local_socket(self) -> str:
        return f"{self.run}/local.sock"

    @property
    def door(self) -> str:
        return f"{self.run}/door"

    @property
    def door_socket(self) -> str:
        return f"{self.run}/door/nginx.sock"

    @property
    def nginx_pid(self) -> str:
        return f"{self.run}/nginx.pid"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSettings:
    """``wireguard_go``: the binary to take where the kernel has no WireGuard; none: the one on PATH.

    ``socket``: tailscaled's. ``approve``: on a gateway, whose nodes need no operator's yes, by user or tag of the
    tailnet.
    """

    provider: Provider = Provider.WIREGUARD
    wireguard_go: str | None = None
    socket: str = SOCKET
    approve: tuple[Selector, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Of a gateway. ``certificate`` and ``key``: files of a user's own, shown for the names that they are for."""

    mode: Tls = Tls.INTERNAL
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``endpoint`` as host:port; ``database_url`` none: SQLite below ``paths.control_state``."""

    node: NodeSettings
    network: NetworkSettings = NetworkSettings()
    endpoint: str | None = None
    domain: HostName | None = None
    reach: tuple[Reach, ...] = ()
    hosts: bool = True
    paths: PathSettings = field(default_factory=PathSettings)
    database_url: str | None = None
    mesh: MeshSettings = MeshSettings()
    tls: TlsSettings = TlsSettings()

    @property
    def suffix(self) -> HostName:
        return self.domain or DEFAULT_SUFFIX

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of control's database."""
        return self.database_url or f"sqlite:///{self.paths.control_state}/gridwire.db"

    def fleet_network(self) -> Network:
        """The network of a new fleet."""
        ports = self.network.ports
        return Network(
            prefix=self.network.prefix,
            interface=self.network.interface,
            suffix=self.suffix,
            routes_port=ports.routes,
            api_port=ports.api,
            enrol_port=ports.enrol,
            edge_port=ports.edge,
            tls=self.tls.mode,
            tls_port=ports.tls,
            panel_port=ports.panel,
            mtu=self.network.mtu,
            provider=self.mesh.provider,
            approve=self.mesh.approve,
        )


def parse_settings(tree: object) -> Settings:
    """A tree of dict, list, str, int, bool and None → settings; raise Invalid with the dotted path."""
    top = Section(
        tree, "", ("node", "network", "endpoint", "domain", "reach", "hosts", "paths", "database", "mesh", "tls")
    )
    node = top.section("node", ("name",))
    if "name" not in node.values:
        raise Invalid("node", "the name of this node is missing", fix="add `name:` under `node:`")
    mesh = _mesh(top.section("mesh", ("provider", "wireguard_go", "socket", "approve")))
    network = top.section("network", ("prefix", "interface", "mtu", "shared_address_space", "ports"))
    endpoint = top.text("endpoint", parse_endpoint, None)
    if mesh.provider is Provider.TAILSCALE and endpoint is not None:
        raise Invalid("endpoint", "nodes of a tailnet call each other by Tailscale", fix="take it out")
    return Settings(
        node=NodeSettings(name=node.text("name", node_name, NodeName(""))),
        network=_network(network, mesh.provider),
        endpoint=endpoint,
        domain=top.text("domain", parse_domain, None),
        reach=_reach(top),
        hosts=top.flag("hosts", True),
        paths=_paths(top.section("paths", ("state", "run", "logs"))),
        database_url=top.section("database", ("url",)).text("url", parse_database_url, None),
        mesh=mesh,
        tls=_tls(top.section("tls", ("mode", "certificate", "key"))),
    )


def parse_endpoint(text: str, field: str = "endpoint") -> str:
    """``host[:port]``, ``v4[:port]``, ``v6`` or ``[v6][:port]`` → host:port with WireGuard's port by default.

    Raise Invalid for anything else, and for an address that nobody can call.
    """
    host, port = _endpoint_parts(text, field)
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise Invalid(field, f"{shown(port)} is not a port", fix="give one from 1 to 65535")
    try:
        address = ip_address(host)
    except ValueError:
        return f"{host_name(host.lower(), field)}:{int(port)}"
    if address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local:
        raise Invalid(field, f"{address} cannot be called from elsewhere", fix="give the address that others see")
    return f"[{address}]:{int(port)}" if address.version == 6 else f"{address}:{int(port)}"


def endpoint_host(endpoint: str) -> str:
    """The host of a parsed endpoint, without brackets."""
    return endpoint.rpartition(":")[0].strip("[]")


def parse_domain(text: str, field: str = "domain") -> HostName:
    """A domain of two or more labels that the user owns; raise Invalid."""
    domain = host_name(text.removeprefix("*.").lower(), field)
    if "." not in domain:
        raise Invalid(field, f"{shown(text)} has one label", fix="give a domain of yours, like home.example.com")
    return domain


def parse_database_url(text: str, field: str = "database.url") -> str:
    if not text.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise Invalid(
            field,
            "it is not a database URL that gridwire knows",
            fix="write sqlite:////absolute/path.db or postgresql+psycopg://user@host/name",
        )
    return text


def _endpoint_parts(text: str, field: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if bracket and (not rest or rest.startswith(":")):
            return host, rest[1:] if rest else str(DEFAULT_PORT)
    elif text.count(":") <= 1:
        host, colon, port = text.partition(":")
        if host:
            return host, port if colon else str(DEFAULT_PORT)
    else:
        return text, str(DEFAULT_PORT)
    raise Invalid(field, f"{shown(text)} is not host:port", fix="write gw.example.com:51820 or [2001:db8::1]:51820")


def _network(section: Section, provider: Provider) -> NetworkSettings:
    tailnet = provider is Provider.TAILSCALE
    shared = section.flag("shared_address_space", absent=tailnet)
    ports = section.section("ports", ("routes", "api", "enrol", "edge", "tls", "panel"))
    absent = PortSettings()

    def prefix(text: str, where: str) -> Prefix:
        found = mesh_prefix(text, shared_on_request=shared, field=where)
        if tailnet and found != TAILNET4:
            raise Invalid(where, f"{found} is not a tailnet's", fix="take it out: a tailnet gives addresses itself")
        return found

    return NetworkSettings(
        prefix=section.text("prefix", prefix, TAILNET4 if tailnet else _DEFAULT_PREFIX),
        interface=section.text("interface", interface_name, DEVICE if tailnet else DEFAULT_INTERFACE),
        mtu=section.number("mtu", DEFAULT_MTU, "an MTU", 1280, 9000),
        shared_address_space=shared,
        ports=PortSettings(
            routes=ports.port("routes", absent.routes),
            api=ports.port("api", absent.api),
            enrol=ports.port("enrol", absent.enrol),
            edge=ports.port("edge", absent.edge),
            tls=ports.port("tls", absent.tls),
            panel=ports.port("panel", absent.panel),
        ),
    )


def _reach(top: Section) -> tuple[Reach, ...]:
    value = top.values.get("reach")
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Invalid(
            "reach", f"{kind(value)} stands where a list belongs", fix="write each on a line: - 127.0.0.1:9000"
        )
    rules: list[Reach] = []
    for index, item in enumerate(value):
        where = f"reach[{index}]"
        if not isinstance(item, str):
            raise Invalid(where, f"{kind(item)} stands where an address belongs", fix="write 127.0.0.1:9000")
        rule = parse_reach(item, where)
        if rule in rules:
            raise Invalid(where, f"{rule} stands there twice", fix="remove one")
        rules.append(rule)
    return tuple(rules)


def _paths(section: Section) -> PathSettings:
    def directory(text: str, where: str) -> str:
        try:
            check_absolute_path(text, where)
        except Invalid:
            raise Invalid(
                where, f"{shown(text)} is not an absolute path", fix="write it like /var/lib/gridwire"
            ) from None
        return text

    absent = PathSettings()
    return PathSettings(
        state=section.text("state", directory, absent.state),
        run=section.text("run", directory, absent.run),
        logs=section.text("logs", directory, absent.logs),
    )


def _tls(section: Section) -> TlsSettings:
    def mode(text: str, where: str) -> Tls:
        if text not in set(Tls):
            raise Invalid(where, f"{shown(text)} is neither of {' and '.join(Tls)}", fix="write internal")
        return Tls(text)

    found = TlsSettings(
        mode=section.text("mode", mode, Tls.INTERNAL),
        certificate=section.text("certificate", _absolute, None),
        key=section.text("key", _absolute, None),
    )
    if (found.certificate is None) != (found.key is None):
        raise Invalid(section.at("certificate"), "a certificate and its key belong together", fix="write both or none")
    return found


def _absolute(text: str, where: str) -> str:
    if not text.startswith("/") or "\0" in text:
        raise Invalid(where, f"{shown(text)} is not an absolute path", fix="write it from / on")
    return text


def _mesh(section: Section) -> MeshSettings:
    def provider(text: str, where: str) -> Provider:
        if text not in set(Provider):
            raise Invalid(where, f"{shown(text)} is not a mesh provider", fix=f"write {' or '.join(Provider)}")
        return Provider(text)

    found = MeshSettings(
        provider=section.text("provider", provider, Provider.WIREGUARD),
        wireguard_go=section.text("wireguard_go", _absolute, None),
        socket=section.text("socket", _absolute, SOCKET),
        approve=_approve(section),
    )
    if found.approve and found.provider is not Provider.TAILSCALE:
        raise Invalid(section.at("approve"), "only nodes of a tailnet join without an invitation", fix="take it out")
    return found


def _approve(section: Section) -> tuple[Selector, ...]:
    """A user or tag of the tailnet, or a list of them."""
    value = section.values.get("approve")
    items = value if isinstance(value, list) else [] if value is None else [value]
    found: list[Selector] = []
    for index, item in enumerate(items):
        where = f"{section.at('approve')}[{index}]" if isinstance(value, list) else section.at("approve")
        selector = parse_selector(item, where) if isinstance(item, str) else None
        if selector is None or not selector.of_tailnet:
            raise Invalid(where, "it names no user or tag of a tailnet", fix="write tag:edge or user:alice@example.com")
        found.append(selector)
    return tuple(dict.fromkeys(found))
